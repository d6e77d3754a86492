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


@pytest.mark.parametrize(
    ("stated", "labels", "steps", "lengthened"),
    [(0, 0, 60, 240), (0, 121, 60, 240), (0, 200, 100, 240), (0, 600, 300, 300), (5, 600, 5, 20), (400, 10, 400, 400)],
)
def test_steps_grow_with_the_labels_where_none_are_stated(stated, labels, steps, lengthened):
    decided = Recipe(steps=stated).for_labels(labels)
    assert decided.steps == steps
    assert decided.for_labels(10_000) == decided
    assert decided.lengthened(4) == lengthened
