"""A seed is a pure function of its address."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tlbench.seeds import derive


def test_a_known_address_has_a_known_seed():
    # Pinned: a change here changes every result that was ever published.
    assert derive(0, "labels", dataset="abc", target="day", replicate=3) == 5703429254687154538


def test_the_order_of_dimensions_does_not_matter():
    assert derive(1, "labels", a=1, b="x") == derive(1, "labels", b="x", a=1)


@given(
    st.integers(0, 2**63),
    st.text(max_size=5),
    st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), st.integers() | st.text()),
)
def test_seeds_fit_every_generator(root, purpose, dimensions):
    dimensions = {f"d_{key}": value for key, value in dimensions.items()}
    assert 0 <= derive(root, purpose, **dimensions) < 2**63


def test_no_two_addresses_share_a_seed():
    roots, purposes, values = (0, 1, 11), ("init", "order", "labels"), (0, 1, 11, "0", "1", "a", "")
    addresses = [
        (root, purpose, dimensions)
        for root, purpose in itertools.product(roots, purposes)
        for dimensions in (
            {},
            *({key: value} for key in ("a", "b") for value in values),
            *({"a": first, "b": second} for first in values for second in values),
        )
    ]
    seeds = {derive(root, purpose, **dimensions) for root, purpose, dimensions in addresses}
    assert len(seeds) == len(addresses)
