"""Recipes are narrowed and parted without losing a step."""

import pytest

from tlbench import Recipe


def test_none_leaves_a_value_as_it_is():
    assert Recipe(lr=0.5).but(lr=None, steps=3) == Recipe(lr=0.5, steps=3)


@pytest.mark.parametrize(("steps", "count"), [(60, 7), (1, 5), (7, 7), (3, 2)])
def test_phases_are_as_equal_as_can_be_and_none_is_empty(steps, count):
    given = [phase.steps for phase in Recipe(steps=steps, lr=0.5).phases(count)]
    assert sum(given) == steps
    assert len(given) == min(count, steps)
    assert max(given) - min(given) <= 1
    assert {phase.lr for phase in Recipe(steps=steps, lr=0.5).phases(count)} == {0.5}
