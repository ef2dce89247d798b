"""Heads: how a model's outputs become a loss and a decision. A new loss is a row of HEADS.

Sources: F020 (one sigmoid), F029 (one output a class), F033 (squared error), F113 (a tag for each token).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core import losses
from nn_core.largest import argmax


class Head(NamedTuple):
    """How outputs become a loss and a decision.

    Attributes:
        num_outputs: number of classes (0 for regression) -> number of output nodes.
        losses: (outputs_BC, targets_B, label_smoothing or None) -> loss of each example, (B,).
        correct: (outputs_BC, targets_B) -> 1 if the decision is right, (B,); None for regression.
        weights: targets -> weight of each example, (B,); None: all alike. Sequences count by their tokens.
        exact: (outputs, targets) -> 1 if every token of an example is right, (B,); None if there is a single decision.
        scores: outputs (B, outputs) -> probability of each class, (B, C), rows sum to 1; None: there are no classes.
        classes: number of classes that it needs, 0 for numbers; None: any number of classes.
    """

    num_outputs: Callable[[int], int]
    losses: Callable[[Array, Array, Array | None], Array]
    correct: Callable[[Array, Array], Array] | None
    weights: Callable[[Array], Array] | None = None
    exact: Callable[[Array, Array], Array] | None = None
    scores: Callable[[Array], Array] | None = None
    classes: int | None = None


def _softmax_losses(logits_BC: Array, labels_B: Array, smoothing: Array | None) -> Array:
    return losses.cross_entropy(logits_BC, labels_B, reduction="none", label_smoothing=smoothing)


def _sigmoid_losses(logits_B1: Array, labels_B: Array, smoothing: Array | None) -> Array:
    return losses.binary_cross_entropy(
        logits_B1[:, 0], labels_B.astype(logits_B1.dtype), reduction="none", label_smoothing=smoothing
    )


def _one_vs_rest_losses(logits_BC: Array, labels_B: Array, smoothing: Array | None) -> Array:
    targets_BC = jax.nn.one_hot(labels_B, logits_BC.shape[-1], dtype=logits_BC.dtype)
    losses_BC = losses.binary_cross_entropy(logits_BC, targets_BC, reduction="none", label_smoothing=smoothing)
    return losses_BC.sum(axis=-1)


def _squared_losses(outputs_BC: Array, targets_B: Array, smoothing: Array | None) -> Array:
    del smoothing  # labels are smoothed, numbers are not
    return losses.mean_squared_error(outputs_BC[:, 0], targets_B, reduction="none")


def _argmax_correct(logits_BC: Array, labels_B: Array) -> Array:
    return (argmax(logits_BC) == labels_B).astype(jnp.float32)


def _threshold_correct(logits_B1: Array, labels_B: Array) -> Array:
    return ((logits_B1[:, 0] >= 0) == (labels_B > 0)).astype(jnp.float32)


def _tokens(tags_BT: Array) -> Array:
    """Number of tokens with a target in each example; -1 marks tokens without one."""
    return jnp.sum(tags_BT >= 0, axis=1).astype(jnp.float32)


def _mean_over_tokens(values_BT: Array, tags_BT: Array) -> Array:
    return jnp.sum(jnp.where(tags_BT >= 0, values_BT, 0.0), axis=1) / jnp.maximum(_tokens(tags_BT), 1.0)


def _token_losses(logits_BTC: Array, tags_BT: Array, smoothing: Array | None) -> Array:
    return _mean_over_tokens(_softmax_losses(logits_BTC, jnp.maximum(tags_BT, 0), smoothing), tags_BT)


def _tokens_correct(logits_BTC: Array, tags_BT: Array) -> Array:
    return _mean_over_tokens(_argmax_correct(logits_BTC, tags_BT), tags_BT)


def _all_correct(logits_BTC: Array, tags_BT: Array) -> Array:
    """For a sequence written token by token, this also says whether greedy decoding writes exactly the target: as long as
    every token is right, it reads the same as teacher forcing."""
    right_BT = argmax(logits_BTC) == tags_BT
    return jnp.all(right_BT | (tags_BT < 0), axis=1).astype(jnp.float32)


def _both_classes(logits_B1: Array) -> Array:
    positive_B = jax.nn.sigmoid(logits_B1[:, 0])
    return jnp.stack([1 - positive_B, positive_B], axis=1)


def _shares_of_sigmoids(logits_BC: Array) -> Array:
    scores_BC = jax.nn.sigmoid(logits_BC)
    return scores_BC / jnp.sum(scores_BC, axis=1, keepdims=True)


# Heads of labelled examples; each is a task of this name.
HEADS: dict[str, Head] = {
    "classification": Head(lambda num_classes: num_classes, _softmax_losses, _argmax_correct, scores=jax.nn.softmax),
    "binary": Head(lambda num_classes: 1, _sigmoid_losses, _threshold_correct, scores=_both_classes, classes=2),
    "one_vs_rest": Head(
        lambda num_classes: num_classes, _one_vs_rest_losses, _argmax_correct, scores=_shares_of_sigmoids
    ),
    "regression": Head(lambda num_classes: 1, _squared_losses, None, classes=0),
}
# A class for each token.
TOKENS = Head(lambda num_classes: num_classes, _token_losses, _tokens_correct, _tokens, _all_correct)
