"""Augmentation keeps shape and type, and draws from its generator alone."""

import pytest
import torch

from tlbench.learning.augment import augment

IMAGES = torch.arange(6 * 3 * 16 * 16).remainder(251).to(torch.uint8).view(6, 3, 16, 16)


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["none", "shift", "shift-flip"])
@pytest.mark.parametrize("shape", [(5, 1, 8, 8), (2, 3, 9, 17), (1, 4, 1, 1)])
def test_shape_and_type_stay_and_the_input_is_left_alone(kind, shape):
    inputs = torch.randint(0, 255, shape, dtype=torch.uint8, generator=seeded())
    before = inputs.clone()
    outputs = augment(inputs, kind, seeded())
    assert (outputs.shape, outputs.dtype) == (inputs.shape, torch.uint8)
    assert torch.equal(inputs, before)


def test_none_is_the_identity_and_draws_nothing():
    generator = seeded()
    state = generator.get_state()
    assert augment(IMAGES, "none", generator) is IMAGES
    assert torch.equal(generator.get_state(), state)


@pytest.mark.parametrize("kind", ["shift", "shift-flip"])
def test_equal_generators_give_equal_images_whatever_the_global_state(kind):
    first = augment(IMAGES, kind, seeded())
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    assert torch.equal(augment(IMAGES, kind, seeded()), first)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not torch.equal(augment(IMAGES, kind, seeded(2)), first)


def test_a_shift_moves_each_image_by_up_to_an_eighth_and_repeats_the_edge():
    ramp = torch.arange(16, dtype=torch.uint8)[None, None, None, :].expand(64, 1, 16, 16)
    moved = augment(ramp, "shift", seeded())
    offsets = {int(row[8]) - 8 for row in moved[:, 0, 0]}
    assert offsets == {-2, -1, 0, 1, 2}
    for row in moved[:, 0, 0].int():
        assert row.tolist() == [min(max(column + int(row[8]) - 8, 0), 15) for column in range(16)]


def test_about_half_of_the_images_are_mirrored():
    ramp = torch.arange(8, dtype=torch.uint8)[None, None, None, :].expand(400, 1, 8, 8)
    mirrored = sum(int(row[0]) > int(row[-1]) for row in augment(ramp, "shift-flip", seeded())[:, 0, 0])
    assert 160 < mirrored < 240


def test_what_is_no_image_is_left_alone():
    for other in (torch.ones(4, 7, dtype=torch.int64), torch.rand(2, 3, 8), torch.ones(2, 3, 8, 8, dtype=torch.int64)):
        assert augment(other, "shift", seeded()) is other


@pytest.mark.parametrize("kind", ["shift", "shift-flip"])
def test_float_images_are_moved_as_their_bytes_are(kind):
    moved = augment(IMAGES.float() + 0.25, kind, seeded())
    assert moved.dtype == torch.float32
    assert torch.equal(moved, augment(IMAGES, kind, seeded()).float() + 0.25)
