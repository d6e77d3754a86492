"""Which examples are labelled: nested, stratified, and a function of the seed alone."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tlbench import Budget, Episodes, Labelled
from tlbench.data import carve_validation, class_counts, draw_episode, labelled_positions

LABELS = np.random.default_rng(5).permutation(np.repeat(np.arange(4), [40, 30, 25, 21]))


def drawn(text, seed=3, labels=LABELS, classes=4):
    return labelled_positions(labels, classes, Budget.parse(text), seed)


def test_one_shot_labels_are_a_subset_of_five_shot_labels_and_those_of_twenty():
    one, five, twenty = (set(drawn(text).tolist()) for text in ("1-shot", "5-shot", "20-shot"))
    assert one < five < twenty
    assert (len(one), len(five), len(twenty)) == (4, 20, 80)


@given(st.integers(0, 2**40), st.lists(st.integers(0, 116), min_size=2, max_size=4))
@settings(max_examples=40)
def test_smaller_counts_are_prefixes_of_larger_ones(seed, counts):
    small, *_, large = sorted(counts)
    assert drawn(str(large), seed)[:small].tolist() == drawn(str(small), seed).tolist()


def test_shares_are_prefixes_of_one_another_and_of_the_full_split():
    tenth, half, full = drawn("10%"), drawn("50%"), drawn("full")
    assert full[: len(half)].tolist() == half.tolist()
    assert half[: len(tenth)].tolist() == tenth.tolist()
    assert sorted(full.tolist()) == list(range(len(LABELS)))


@given(st.integers(4, 116), st.integers(0, 100))
@settings(max_examples=40)
def test_a_count_serves_every_class_once_and_then_in_proportion(count, seed):
    got = class_counts(LABELS[drawn(str(count), seed)], 4)
    shares = np.array([40, 30, 25, 21]) / 116 * count
    assert min(got) >= 1
    assert np.abs(np.array(got) - shares).max() < 4


def test_a_rare_class_is_served_before_a_common_one_is_served_twice():
    labels = np.repeat(np.arange(3), [60, 3, 2])
    for seed in range(10):
        assert sorted(labels[drawn("3", seed, labels, 3)]) == [0, 1, 2]
        assert class_counts(labels[drawn("4", seed, labels, 3)], 3) == (2, 1, 1)


def test_positions_are_distinct_and_shots_exact():
    for text in ("3-shot", "50", "30%"):
        assert len(set(drawn(text).tolist())) == len(drawn(text)) == Budget.parse(text).labels((40, 30, 25, 21))
    assert class_counts(LABELS[drawn("3-shot")], 4) == (3, 3, 3, 3)
    assert len(drawn("0")) == 0


def test_seeds_give_different_draws_and_equal_seeds_equal_ones():
    assert drawn("5-shot", 1).tolist() == drawn("5-shot", 1).tolist()
    assert set(drawn("5-shot", 1).tolist()) != set(drawn("5-shot", 2).tolist())


def test_draws_do_not_depend_on_global_generators():
    expected = drawn("5-shot").tolist()
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    assert drawn("5-shot").tolist() == expected
    assert torch.equal(torch.random.get_rng_state(), before)


def test_more_labels_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="22-shot wants more labels of a class than there are"):
        drawn("22-shot")
    with pytest.raises(ValueError, match="wants 117 labels of 116"):
        drawn("117")


# ---- validation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", ["2-shot", "5-shot", "20-shot", "37", "25%", "full"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_validation_is_carved_out_of_the_budget(budget, share):
    positions = drawn(budget)
    train, val = carve_validation(positions, LABELS, share)
    assert not set(train.tolist()) & set(val.tolist())
    assert len(train) + len(val) == len(positions)
    assert set(train.tolist()) | set(val.tolist()) == set(positions.tolist())
    assert min(class_counts(LABELS[train], 4)) >= 1
    for label in range(4):
        members = (LABELS[positions] == label).sum()
        if members > 1:
            assert (LABELS[val] == label).sum() == min(max(1, round(members * share)), members - 1)


def test_training_examples_of_a_small_budget_stay_training_examples_of_a_larger_one():
    small, _ = carve_validation(drawn("5-shot"), LABELS, 0.2)
    large, _ = carve_validation(drawn("20-shot"), LABELS, 0.2)
    assert set(small.tolist()) < set(large.tolist())


# ---- episodes --------------------------------------------------------------------------------------------------


def episodes(**changes):
    inputs = torch.arange(len(LABELS))[:, None]
    return Episodes(Labelled(inputs, torch.from_numpy(LABELS)), **({"n_way": 3, "k_shot": 2, "n_query": 4} | changes))


def draw(seed, **changes):
    return draw_episode(episodes(**changes), torch.Generator().manual_seed(seed))


def test_support_and_query_of_an_episode_share_no_example_and_have_their_sizes():
    for seed in range(20):
        episode = draw(seed)
        support, query = set(episode.support.inputs.flatten().tolist()), set(episode.query.inputs.flatten().tolist())
        assert not support & query
        assert (len(support), len(query)) == (6, 12)
        assert episode.support.labels.tolist() == [0, 0, 1, 1, 2, 2]
        assert episode.query.labels.bincount().tolist() == [4, 4, 4]


def test_a_label_of_an_episode_is_one_class_in_both_parts():
    episode = draw(4)
    for way in range(3):
        rows = [part.inputs[part.labels == way].flatten() for part in (episode.support, episode.query)]
        assert len(set(LABELS[torch.cat(rows).numpy()])) == 1


def test_episodes_come_from_their_generator_alone():
    first = draw(1)
    torch.manual_seed(99)
    assert torch.equal(draw(1).support.inputs, first.support.inputs)
    assert not torch.equal(draw(2).support.inputs, first.support.inputs)


def test_classes_that_are_too_small_for_an_episode_are_left_out_and_too_few_classes_refused():
    assert all((LABELS[draw(seed, k_shot=20, n_query=5).support.inputs.flatten()] != 3).all() for seed in range(10))
    with pytest.raises(
        ValueError, match=r"4-way episodes of 20 . 5 examples want as many classes with 25 examples each; there are 3"
    ):
        draw(0, n_way=4, k_shot=20, n_query=5)
    with pytest.raises(ValueError, match="at least 1"):
        episodes(k_shot=0)
