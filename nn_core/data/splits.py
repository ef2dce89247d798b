"""Train, validation and test sets as a pure function of a key, so different seeds give different splits.

Source: F042 (test data is used for testing only; a third set chooses, S17).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

SPLITS = ("train", "validation", "test")
ROUNDINGS = 4  # a feature whose values differ by no more relative roundings than these is constant


class SplitSizes(NamedTuple):
    """Numbers of examples; their sum is at most the number of examples there are."""

    train: int
    validation: int
    test: int


def check_sizes(sizes: SplitSizes, num_examples: int) -> None:
    """Raises ValueError if the three sets cannot be drawn without overlap."""
    if min(sizes) < 0 or sizes.train < 1:
        raise ValueError(f"split sizes {tuple(sizes)} must be >= 0, and train >= 1")
    if sum(sizes) > num_examples:
        raise ValueError(
            f"split sizes {sizes.train} + {sizes.validation} + {sizes.test} = {sum(sizes)} exceed "
            f"the {num_examples} examples there are; lower one of them"
        )


def stratified_order(key: Array, labels_N: Array, num_classes: int) -> Array:
    """A random order of the examples in which every prefix has nearly the same class shares as the whole.

    Each example gets the quantile of its random rank within its class; sorting by it interleaves the classes evenly.

    Args:
        key: a typed PRNG key.
        labels_N: class ids in 0..num_classes-1.
        num_classes: C.
    Returns:
        A permutation of 0..N-1, shape (N,), int32.
    """
    num_examples = labels_N.shape[0]
    shuffle_key, jitter_key = jax.random.split(key)
    shuffled_N = jax.random.permutation(shuffle_key, num_examples)
    by_class_N = shuffled_N[jnp.argsort(labels_N[shuffled_N], stable=True)]
    counts_C = jnp.bincount(labels_N, length=num_classes)
    starts_C = jnp.cumsum(counts_C) - counts_C
    classes_N = labels_N[by_class_N]
    rank_N = jnp.arange(num_examples) - starts_C[classes_N]
    quantile_N = (rank_N + jax.random.uniform(jitter_key, (num_examples,))) / counts_C[classes_N]
    return by_class_N[jnp.argsort(quantile_N)].astype(jnp.int32)


def split_indices(key: Array | None, labels_N: Array, sizes: SplitSizes, num_classes: int = 0) -> dict[str, Array]:
    """Disjoint index sets for the three splits.

    Args:
        key: a typed PRNG key; None keeps the order of the file (train first, test last), for data that come with a split.
        labels_N: class ids, or any array with N rows where `num_classes` is 0.
        sizes: how many examples each split gets.
        num_classes: C > 0 stratifies by class.
    Returns:
        {"train": (sizes.train,), "validation": …, "test": …}, int32.
    Raises:
        ValueError: the sizes do not fit.
    """
    num_examples = labels_N.shape[0]
    check_sizes(sizes, num_examples)
    if key is None:
        order_N = jnp.arange(num_examples, dtype=jnp.int32)
    elif num_classes:
        order_N = stratified_order(key, labels_N, num_classes)
    else:
        order_N = jax.random.permutation(key, num_examples).astype(jnp.int32)
    train_end, validation_end = sizes.train, sizes.train + sizes.validation
    test_start = num_examples - sizes.test if key is None else validation_end
    return {
        "train": order_N[:train_end],
        "validation": order_N[train_end:validation_end],
        "test": order_N[test_start : test_start + sizes.test],
    }


def standardizer(inputs_ND: Array, *, per_feature: bool = True) -> tuple[Array, Array]:
    """Shift and scale that give the rows mean 0 and variance 1; compute them on the training rows only.

    A constant feature keeps scale 1, so it becomes exactly 0. A feature is constant if its values in the
    training rows are equal or differ by a few roundings: the computed deviation of equal numbers is rarely exactly 0
    (3e-8 for a column of 0.1).

    Args:
        inputs_ND: training inputs, shape (N, ...).
        per_feature: separate statistics for each feature; otherwise one for all (images, whose pixels share a unit).
    Returns:
        (shift, scale), each of the shape of one example (or of ones, broadcastable to it).
    """
    axes = 0 if per_feature else tuple(range(inputs_ND.ndim))
    low, high = jnp.min(inputs_ND, axis=axes), jnp.max(inputs_ND, axis=axes)
    rounding = ROUNDINGS * jnp.finfo(inputs_ND.dtype).eps * jnp.maximum(jnp.abs(low), jnp.abs(high))
    constant = high - low <= rounding
    shift = jnp.where(constant, low, jnp.mean(inputs_ND, axis=axes))
    scale = jnp.where(constant, 1.0, jnp.std(inputs_ND, axis=axes))
    shape = inputs_ND.shape[1:]
    return jnp.broadcast_to(shift, shape), jnp.broadcast_to(scale, shape)


def flip_labels(key: Array, labels_N: Array, num_classes: int, fraction: float) -> Array:
    """Replaces each label, with probability `fraction`, by one of the other classes drawn uniformly.

    Args:
        key: a typed PRNG key.
        labels_N: class ids.
        num_classes: C >= 2.
        fraction: in [0, 1].
    Returns:
        Labels of the same shape.
    """
    which_key, offset_key = jax.random.split(key)
    flipped_N = jax.random.bernoulli(which_key, fraction, labels_N.shape)
    offset_N = jax.random.randint(offset_key, labels_N.shape, 1, num_classes)
    return jnp.where(flipped_N, (labels_N + offset_N) % num_classes, labels_N)
