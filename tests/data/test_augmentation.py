"""Augmentation: exact pixels, distributions over keys, what stays the same, and that it is for training only."""

import jax
import numpy as np
import pytest

from nn_core.data import augmentation
from nn_core.data.augmentation import Augmentation, make_augment

shift, crop, random_flip, random_crop = (
    jax.jit(f) for f in (augmentation.shift, augmentation.crop, augmentation.random_flip, augmentation.random_crop)
)
random_shift = jax.jit(augmentation.random_shift, static_argnums=2)

IMAGES = np.random.default_rng(0).uniform(size=(3, 5, 7, 2)).astype(np.float32)
SIX = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)


def test_a_shift_moves_pixels_and_repeats_the_edge() -> None:
    right, up = np.asarray(shift(np.concatenate([SIX, SIX]), np.array([[0, 1], [-1, 0]])))[..., 0]
    assert np.array_equal(right, [[0, 0, 1], [3, 3, 4]])
    assert np.array_equal(up, [[3, 4, 5], [3, 4, 5]])
    moved = np.asarray(shift(IMAGES, np.array([[1, -2], [0, 0], [-3, 4]])))
    assert np.array_equal(moved[0, 1:, :-2], IMAGES[0, :-1, 2:])
    assert np.array_equal(moved[1], IMAGES[1])
    assert np.array_equal(moved[2, :-3, 4:], IMAGES[2, 3:, :-4])


def test_shifts_are_uniform_and_independent_along_the_axes() -> None:
    """Where the bright pixel of 2,000 images goes; chi-square of 9 places, 99.9 % below 26.1."""
    image = np.zeros((2000, 5, 5, 1), np.float32)
    image[:, 2, 2] = 1.0
    counts = np.asarray(random_shift(jax.random.key(1), image, 1)).sum((0, 3))
    assert counts.sum() == 2000 and counts[1:4, 1:4].sum() == 2000
    assert np.sum((counts[1:4, 1:4] - 2000 / 9) ** 2 / (2000 / 9)) < 26.1


def test_a_flip_mirrors_left_for_right_with_its_probability() -> None:
    assert np.array_equal(random_flip(jax.random.key(2), IMAGES, 1.0), IMAGES[:, :, ::-1])
    assert np.array_equal(random_flip(jax.random.key(2), IMAGES, 0.0), IMAGES)
    many = np.broadcast_to(SIX, (2000, 2, 3, 1))
    flipped = np.asarray(random_flip(jax.random.key(3), many, 0.3))[:, 0, 0, 0] == 2
    assert abs(flipped.mean() - 0.3) < 3.3 * np.sqrt(0.3 * 0.7 / 2000)


def test_a_crop_enlarges_its_window() -> None:
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32)[:, None], (1, 8, 8, 1))
    half = np.asarray(crop(ramp, np.float32([0.5]), np.float32([[0.0, 0.25]])))
    np.testing.assert_allclose(half[0, 0, :, 0], 2 + (np.arange(8) + 0.5) / 2 - 0.5, atol=1e-6)
    np.testing.assert_allclose(crop(IMAGES, np.ones(3, np.float32), np.zeros((3, 2), np.float32)), IMAGES, atol=1e-6)


def test_random_crops_keep_at_least_their_share_at_any_place() -> None:
    """On a ramp over the columns the first and last pixel tell the window: start, and share."""
    ramp = np.broadcast_to((np.arange(8, dtype=np.float32) + 0.5)[:, None], (2000, 8, 8, 1))
    found = np.asarray(random_crop(jax.random.key(4), ramp, 0.5))[:, 3, :, 0]
    share = (found[:, 5] - found[:, 2]) / 3
    inside = share[(found[:, 0] > 0.5) & (found[:, -1] < 7.5)]
    assert inside.min() > 0.5 - 1e-5 and inside.max() < 1 + 1e-5 and abs(share.mean() - 0.75) < 0.02
    assert abs(found.mean() - 4.0) < 0.05


@pytest.mark.parametrize(
    "augmentation", [Augmentation(shift=2), Augmentation(flip=0.5), Augmentation(crop=0.6), Augmentation(1, 0.5, 0.7)]
)
def test_augmented_images_keep_shape_range_and_constants_and_depend_on_the_key_alone(augmentation) -> None:
    augment = jax.jit(make_augment(augmentation))
    once, again, other = (np.asarray(augment(jax.random.key(seed), IMAGES)) for seed in (5, 5, 6))
    assert once.shape == IMAGES.shape and np.array_equal(once, again) and not np.array_equal(once, other)
    assert once.min() >= IMAGES.min() - 1e-6 and once.max() <= IMAGES.max() + 1e-6
    np.testing.assert_allclose(augment(jax.random.key(7), np.full_like(IMAGES, 0.3)), 0.3, atol=1e-6)
    # One scale for all pixels may stand before or after: this is why the loss may augment standardized images.
    np.testing.assert_allclose(augment(jax.random.key(5), 3 * IMAGES - 2), 3 * once - 2, atol=1e-5)


def test_leaving_one_out_does_not_change_what_the_others_draw() -> None:
    augments = [make_augment(one) for one in (Augmentation(2, 1.0), Augmentation(2))]
    both, alone = jax.jit(lambda *inputs: [augment(*inputs) for augment in augments])(jax.random.key(8), IMAGES)
    assert np.array_equal(both, np.asarray(alone)[:, :, ::-1])
    assert make_augment(Augmentation()) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_augment(Augmentation(shift=-1)), "shift=-1 is below 0"),
        (lambda: make_augment(Augmentation(flip=1.5)), r"flip=1.5 is outside \[0, 1\]"),
        (lambda: make_augment(Augmentation(crop=0.0)), r"crop=0.0 is outside \(0, 1\]"),
        (lambda: random_shift(jax.random.key(0), IMAGES, 5), r"shift=5 moves images of \(5, 7\) out of sight"),
    ],
)
def test_impossible_augmentations_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
