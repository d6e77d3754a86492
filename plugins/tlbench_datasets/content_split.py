"""Take a test split out of examples that come without one, by the rule of `tlbench.data.test_split`."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from tlbench import TEST_SHARE as TEST_SHARE
from tlbench import choose_test_split
from tlbench_datasets.examples import Example


def divided(
    examples: Sequence[Example], domains: Collection[str], place: str, together: Collection[Collection[str]] = ()
) -> list[Example]:
    """Return the examples with a test split taken out of `train` in the given domains.

    `together` holds sets of digests that must not be parted.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for example in examples:
        if example.domain in domains and example.split == "train":
            groups.setdefault((example.domain, example.label), []).append(example.digest)
    test = choose_test_split(groups, place, together)
    return [
        replace(example, split="test")
        if example.split == "train" and example.domain in domains and example.digest in test
        else example
        for example in examples
    ]
