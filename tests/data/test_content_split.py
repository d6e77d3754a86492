"""A test split chosen by content: whole groups on one side, near the wanted share, whatever things are called."""

import itertools
import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlbench import Content, DataError, with_test_split
from tlbench.data import TEST_SHARE, choose_test_split
from tlbench.data.test_split import choose_groups

# (class, group) of each of some images
images = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7)), min_size=4, max_size=40)


def parts(drawn, salt=""):
    """Return the digests of each class and of each group."""
    classes, groups = {}, {}
    for number, (label, group) in enumerate(drawn):
        digest = f"{salt}{number}"
        classes.setdefault(("all", str(label)), []).append(digest)
        groups.setdefault(group, []).append(digest)
    return classes, list(groups.values())


def possible(classes, groups):
    """Tell whether any choice of whole groups leaves every class on both sides."""
    for chosen in itertools.product((False, True), repeat=len(groups)):
        test = {digest for group, taken in zip(groups, chosen, strict=True) if taken for digest in group}
        if all(0 < len(test.intersection(digests)) < len(digests) for digests in classes.values()):
            return True
    return False


@settings(max_examples=150, deadline=None)
@given(images)
def test_no_group_is_parted_and_what_can_be_divided_is(drawn):
    classes, groups = parts(drawn)
    if not possible(classes, groups):
        with pytest.raises(DataError):
            choose_groups(classes, "here", groups)
        return
    test = choose_groups(classes, "here", groups)
    assert all(test.issuperset(group) or test.isdisjoint(group) for group in groups)
    assert all(0 < len(test.intersection(digests)) < len(digests) for digests in classes.values())


@settings(max_examples=60, deadline=None)
@given(images, st.randoms(use_true_random=False))
def test_neither_order_nor_names_decide(drawn, shuffle):
    classes, groups = parts(drawn)
    if not possible(classes, groups):
        return
    renamed = {("other", f"x{label}"): shuffle.sample(d, len(d)) for (_, label), d in reversed(classes.items())}
    mixed = [shuffle.sample(group, len(group)) for group in shuffle.sample(groups, len(groups))]
    assert choose_groups(renamed, "there", mixed) == choose_groups(classes, "here", groups)


@pytest.mark.parametrize("count", [8, 200])
def test_groups_of_one_image_are_chosen_as_images_are(count):
    classes, _ = parts([(number % 3, 0) for number in range(count)])
    alone = [[digest] for digests in classes.values() for digest in digests]
    assert (
        choose_groups(classes, "here", alone)
        == choose_groups(classes, "here", [])
        == choose_test_split(classes, "here")
    )


def test_many_groups_come_near_the_share_in_every_class_and_none_is_favoured_for_its_size():
    missed, large, small = [], [], []
    for seed in range(12):
        draw = random.Random(seed)
        sizes = [draw.choice((1, 2, 20)) for _ in range(60)]
        drawn = [(draw.randrange(4), group) for group, size in enumerate(sizes) for _ in range(size)]
        classes, groups = parts(drawn, f"{seed}/")
        test = choose_groups(classes, "here", groups)
        missed += [abs(len(test.intersection(digests)) / len(digests) - TEST_SHARE) for digests in classes.values()]
        for group in groups:
            (large if len(group) == 20 else small).append(group[0] in test)
    assert statistics.mean(missed) < 0.01
    assert abs(statistics.mean(large) - statistics.mean(small)) < 0.1


def test_few_groups_are_chosen_to_balance_all_classes():
    # One group holds most of both classes; of the others only the first two together come near 30 % of each.
    sizes = {"big": (12, 14), "a": (5, 1), "b": (1, 5), "c": (2, 0), "d": (0, 0)}
    drawn = [(label, group) for group, pair in sizes.items() for label in (0, 1) for _ in range(pair[label])]
    classes, groups = parts(drawn)
    test = choose_groups(classes, "here", groups)
    assert sorted(len(test.intersection(digests)) for digests in classes.values()) == [6, 6]


def test_sets_that_share_an_image_stay_together():
    classes, _ = parts([(number % 2, 0) for number in range(20)])
    chain = [["0", "1"], ["1", "2"], ["2", "3"], ["3", "4"]]
    test = choose_groups(classes, "here", chain)
    assert len(test.intersection("01234")) in (0, 5)


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        ([(0, 0), (0, 0), (1, 1), (1, 2)], "class '0' has images of one group only"),
        ([(0, 0), (1, 1), (1, 2)], "class '0' has one distinct image only"),
        ([(0, 0), (0, 1), (1, 1), (1, 2), (2, 0), (2, 2)], "class '.' shares its groups with other classes"),
    ],
)
def test_what_cannot_be_divided_is_refused_naming_the_class(drawn, words):
    classes, groups = parts(drawn)
    with pytest.raises(DataError, match=words):
        choose_groups(classes, "here", groups)


def test_train_examples_of_domains_without_a_test_split_alone_are_divided():
    examples = [
        Content(
            f"{domain}{number}",
            domain,
            ("test" if domain == "y" else "val") if number == 0 else "train",
            "ab"[number % 2],
            "",
            group=f"{domain}{(number + 1) // 2}",
        )
        for domain in ("x", "y")
        for number in range(13)
    ]
    after = with_test_split(examples, "here")
    assert len(after) == len(examples)
    changed = {old.digest for old, new in zip(examples, after, strict=True) if old.split != new.split}
    assert 3 <= len(changed) <= 5
    assert all(digest.startswith("x") for digest in changed)
    assert all({f"x{number}", f"x{number + 1}"} <= changed or f"x{number}" not in changed for number in range(1, 12, 2))


def test_groups_count_among_what_is_divided_and_elsewhere_only_where_that_is_asked_for(monkeypatch):
    both = [
        Content(f"{split}{number}", "all", split, "a", "", number, f"g{number}")
        for split in ("train", "val")
        for number in range(8)
    ]
    asked = []

    def choose(classes, place, together):
        asked.append(sorted(map(sorted, together)))
        return choose_test_split(classes, place, together)

    monkeypatch.setattr("tlbench.data.contents.choose_test_split", choose)
    with_test_split(both, "here")
    with_test_split(both, "here", groups_everywhere=True)
    assert asked[0] == [[f"train{number}"] for number in range(8)]
    assert asked[1] == [[f"train{number}", f"val{number}"] for number in range(8)]
