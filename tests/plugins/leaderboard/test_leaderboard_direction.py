"""Scores that were raised everywhere are told from noise, at the number of rows of a board."""

import numpy as np
import pytest

from tlbench_leaderboard.direction import FEWEST, LEVEL, direction

WORLDS = 2000


def refuted(worlds):
    return np.mean([direction(world).refutes for world in worlds])


def reruns(draw, rows, raised, items=600, share_that_moves=0.6, noise=0.5):
    """Differences of accuracies, in items: noise in both directions alike, in standard errors, and what was added."""
    error = np.sqrt(0.2 * 0.8 * items)
    moved = draw.random(rows) < share_that_moves
    return np.round(draw.normal(0, noise * error, rows) * moved + raised * error)


@pytest.mark.parametrize("rows", [1, 6, 7, 8, 20, 60])
@pytest.mark.parametrize("noise", [0.02, 0.5, 2.0])
def test_honest_noise_is_refuted_in_at_most_one_of_a_hundred_worlds(rows, noise):
    draw = np.random.default_rng([rows, int(100 * noise)])
    error = np.sqrt(LEVEL * (1 - LEVEL) / WORLDS)
    assert refuted(reruns(draw, rows, 0.0, noise=noise) for _ in range(WORLDS)) <= LEVEL + 3 * error


@pytest.mark.parametrize(("rows", "raised", "power"), [(7, 2, 0.99), (12, 1, 0.99), (18, 1, 0.99), (23, 0.5, 0.97)])
def test_scores_raised_everywhere_are_refuted(rows, raised, power):
    draw = np.random.default_rng(rows)
    assert refuted(reruns(draw, rows, raised) for _ in range(300)) >= power


def test_fewer_differences_than_seven_refute_nobody_and_say_so():
    few = direction([1.0] * (FEWEST - 1))
    assert (few.refutes, direction([1.0] * FEWEST).refutes) == (False, True)
    assert "nobody can tell" in few.words
    assert direction([0.0] * 20).words == ""


def test_reruns_that_go_on_while_all_are_better_refute_noise_as_rarely():
    draw = np.random.default_rng(1)

    def world(rows):
        found = list(draw.choice([-1.0, 1.0], rows))
        while direction(found).is_open:
            found.append(draw.choice([-1.0, 1.0]))
        return found

    for rows in (3, 5, 6):
        assert refuted(world(rows) for _ in range(WORLDS)) <= LEVEL + 3 * np.sqrt(LEVEL / WORLDS)
    assert direction([1.0, 1.0, 1.0]).is_open
    assert not direction([1.0, 1.0, 1.0, -1.0]).is_open
    assert not direction([1.0, 1.0, 0.0]).is_open


def test_the_probability_is_that_of_the_signed_ranks():
    from scipy.stats import wilcoxon

    values = np.random.default_rng(0).normal(0.3, 1, 15)
    assert direction(values).p == pytest.approx(wilcoxon(values, alternative="greater", method="exact").pvalue)
    tied = [1.0, 1.0, -1.0, 2.0]  # of the 16 sums of signs, twice the ranks 2, 2, 2 and 4, three are as large
    assert direction(tied).p == pytest.approx(4 / 16)
