"""Training images changed at random: shifted, flipped, cropped; pure functions of a key (F072).

Only training images are changed (F042).

Whatever a shift or a crop leaves empty takes the value of the nearest pixel, so every change commutes with a scaling that is
the same for all pixels and may stand before or after it.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class Augmentation(NamedTuple):
    """What is done to each image of a batch.

    Attributes:
        shift: most pixels up, down, left or right, >= 0; 0 leaves shifts out of the program.
        flip: probability of mirroring an image from left to right, in [0, 1]; 0 leaves flips out.
        crop: smallest share of height and width that a crop keeps, in (0, 1]; 1 leaves crops out.
    """

    shift: int = 0
    flip: float = 0.0
    crop: float = 1.0


def make_augment(augmentation: Augmentation) -> Callable[[Array, Array], Array] | None:
    """(key, images_BHWC) -> images_BHWC; crops, then shifts, then flips. None where nothing is to be done.

    Raises:
        ValueError: values out of range.
    """
    most, probability, least = augmentation
    if most < 0:
        raise ValueError(f"shift={most} is below 0; use 0 for none")
    if not 0 <= probability <= 1:
        raise ValueError(f"flip={probability} is outside [0, 1]; use 0 for none")
    if not 0 < least <= 1:
        raise ValueError(f"crop={least} is outside (0, 1]; use 1 for none")
    if augmentation == Augmentation():
        return None

    def augment(key: Array, images_BHWC: Array) -> Array:
        # Each change has its own numbered key, so leaving one out does not alter what the others draw.
        crop_key, shift_key, flip_key = jax.random.split(key, 3)
        if least < 1:
            images_BHWC = random_crop(crop_key, images_BHWC, least)
        if most:
            images_BHWC = random_shift(shift_key, images_BHWC, most)
        return random_flip(flip_key, images_BHWC, probability) if probability else images_BHWC

    return augment


def random_shift(key: Array, images_BHWC: Array, most: int) -> Array:
    """Moves each image by whole pixels, uniform in -most..most on both axes.

    Args:
        key: a typed PRNG key.
        images_BHWC: images.
        most: >= 0 and below height and width.
    Returns:
        Images of the same shape.
    Raises:
        ValueError: a shift by a whole image or more.
    """
    if most >= min(images_BHWC.shape[1:3]):
        raise ValueError(f"shift={most} moves images of {images_BHWC.shape[1:3]} out of sight; use less")
    return shift(images_BHWC, jax.random.randint(key, (images_BHWC.shape[0], 2), -most, most + 1))


def shift(images_BHWC: Array, pixels_B2: Array) -> Array:
    """Moves each image down and to the right by its own number of pixels (negative: up, left)."""
    batch, height, width, _ = images_BHWC.shape
    rows_BH = jnp.clip(jnp.arange(height)[None] - pixels_B2[:, :1], 0, height - 1)
    columns_BW = jnp.clip(jnp.arange(width)[None] - pixels_B2[:, 1:], 0, width - 1)
    return images_BHWC[jnp.arange(batch)[:, None, None], rows_BH[:, :, None], columns_BW[:, None, :]]


def random_flip(key: Array, images_BHWC: Array, probability: float | Array) -> Array:
    """Mirrors each image from left to right with some probability (not for digits and letters, which become other signs).

    Args:
        key: a typed PRNG key.
        images_BHWC: images.
        probability: in [0, 1], may be a tracer.
    Returns:
        Images of the same shape.
    """
    chosen_B = jax.random.bernoulli(key, probability, (images_BHWC.shape[0],))
    return jnp.where(chosen_B[:, None, None, None], images_BHWC[:, :, ::-1], images_BHWC)


def random_crop(key: Array, images_BHWC: Array, least: float | Array) -> Array:
    """Crops each image to a random window and enlarges it again; the window's share of both sides is uniform in [least, 1].

    Args:
        key: a typed PRNG key.
        images_BHWC: images.
        least: in (0, 1], may be a tracer.
    Returns:
        Images of the same shape, interpolated linearly.
    """
    batch = images_BHWC.shape[0]
    share_key, place_key = jax.random.split(key)
    share_B = jax.random.uniform(share_key, (batch,), minval=least, maxval=1.0)
    place_B2 = jax.random.uniform(place_key, (batch, 2))
    return crop(images_BHWC, share_B, place_B2 * (1 - share_B[:, None]))


def crop(images_BHWC: Array, share_B: Array, start_B2: Array) -> Array:
    """The window [start, start + share) of each image, in shares of its sides, enlarged to the whole size.

    Linear interpolation between pixel centres as two matrix products; share 1 and start 0 give the image itself.
    """
    rows_BHH = _interpolation(images_BHWC.shape[1], share_B, start_B2[:, 0])
    columns_BWW = _interpolation(images_BHWC.shape[2], share_B, start_B2[:, 1])
    return jnp.einsum("bhr,brsc,bws->bhwc", rows_BHH, images_BHWC, columns_BWW)


def _interpolation(size: int, share_B: Array, start_B: Array) -> Array:
    """(B, new, old) weights of the old pixels in each new one; they sum to 1."""
    centres_1N = (jnp.arange(size) + 0.5)[None]
    places_BN = start_B[:, None] * size + centres_1N * share_B[:, None] - 0.5
    places_BN = jnp.clip(places_BN, 0, size - 1)
    return jnp.maximum(1.0 - jnp.abs(places_BN[:, :, None] - jnp.arange(size)[None, None]), 0.0)
