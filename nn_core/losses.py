"""Losses, computed from logits if there is a choice, with an explicit reduction.

Every loss is f(logits_or_predictions, targets, *, reduction="mean" | "sum" | "none", weights=None, ...). `weights` is a
mask or an importance per example, of the shape of the loss or of its leading axes; "mean" divides by the sum of the
weights, so that a masked loss is the loss of the subset (0 if nothing is left). Half precision becomes float32.

Sources: F005, F006, F013-F019, F033, F034, F037.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import xlogy

from nn_core.floats import wide

REDUCTIONS = ("mean", "sum", "none")


def binary_cross_entropy(
    logits: Array,
    targets: Array,
    *,
    reduction: str = "mean",
    weights: Array | None = None,
    label_smoothing: Array | float | None = None,
    class_weights: Array | None = None,
) -> Array:
    """Binary cross-entropy from logits, -[y ln sigma(z) + (1 - y) ln(1 - sigma(z))] (F017).

    Args:
      logits: (...) any real z; finite at +-1e4, unlike the form in probabilities.
      targets: (...) in [0, 1], integers or floats.
      reduction, weights: as for every loss (see the module).
      label_smoothing: None, or epsilon in [0, 1] (may be a tracer): y becomes (1 - epsilon) y + epsilon / 2.
      class_weights: None, or (2,) weights of y = 0 and y = 1; "mean" divides by their sum too.

    Returns:
      Scalar, or (...) for "none".

    Raises:
      ValueError: shapes that differ, or an unknown reduction.
    """
    _check_same_shape(logits, targets)
    logits = wide(logits)
    hard = targets.astype(logits.dtype)
    soft = hard if label_smoothing is None else hard + label_smoothing * (0.5 - hard)
    if class_weights is None:
        return _reduce(jax.nn.softplus(logits) - soft * logits, reduction, weights)
    negative, positive = class_weights[0], class_weights[1]
    loss = positive * soft * jax.nn.softplus(-logits) + negative * (1.0 - soft) * jax.nn.softplus(logits)
    return _reduce(loss, reduction, weights, positive * hard + negative * (1.0 - hard))


def cross_entropy(
    logits_BC: Array,
    targets: Array,
    *,
    reduction: str = "mean",
    weights: Array | None = None,
    label_smoothing: Array | float | None = None,
    class_weights: Array | None = None,
    ignore_index: int | None = None,
) -> Array:
    """Multi-class cross-entropy from logits, -sum_c y_c ln softmax(z)_c (F013, F018).

    With soft targets or label smoothing the minimum is the targets' entropy, not 0 (S8). Class weights multiply every
    class's term, and "mean" divides by the weights of the targets, as torch does for integer classes.

    Args:
      logits_BC: (..., C) any real z.
      targets: (...) integer classes in [0, C), or (..., C) distributions such as one-hot rows. A class out
        of range makes its loss NaN: it never counts as a plausible number.
      reduction, weights: as for every loss (see the module).
      label_smoothing: None, or epsilon in [0, 1] (may be a tracer): y becomes (1 - epsilon) y + epsilon / C.
      class_weights: None, or (C,) weights.
      ignore_index: static; integer targets of this value count as weight 0.

    Returns:
      Scalar, or (...) for "none".

    Raises:
      ValueError: shapes that do not fit, ignore_index with distributions, or an unknown reduction.
    """
    logits_BC = wide(logits_BC)
    log_normalizer_B1 = jax.nn.logsumexp(logits_BC, axis=-1, keepdims=True)
    rows_1C = None if class_weights is None else class_weights.reshape((1,) * (logits_BC.ndim - 1) + (-1,))
    if targets.shape == logits_BC.shape:
        if ignore_index is not None:
            raise ValueError(f"ignore_index={ignore_index} needs integer classes, not distributions; use weights")
        targets_BC = targets.astype(logits_BC.dtype)
        share_BC = targets_BC if rows_1C is None else targets_BC * rows_1C
        # A class of probability 0 may have the logit -inf, and 0 ln 0 := 0.
        terms_BC = jnp.where(share_BC == 0, 0.0, share_BC * (log_normalizer_B1 - logits_BC))
        loss, normalizer = jnp.sum(terms_BC, axis=-1), None if rows_1C is None else jnp.sum(share_BC, axis=-1)
    else:
        ignored = None if ignore_index is None else targets == ignore_index
        loss = log_normalizer_B1[..., 0] - _pick(logits_BC, targets, ignored)
        normalizer = None if class_weights is None else class_weights[jnp.clip(targets, 0, class_weights.size - 1)]
        loss = loss if normalizer is None else loss * normalizer
        if ignored is not None:
            weights = jnp.where(ignored, 0.0, jnp.ones_like(loss) if weights is None else _expand(weights, loss))
    if label_smoothing is not None:
        terms_BC = log_normalizer_B1 - logits_BC
        uniform = jnp.mean(terms_BC if rows_1C is None else rows_1C * terms_BC, axis=-1)
        loss = loss + label_smoothing * (uniform - loss)
    return _reduce(loss, reduction, weights, normalizer)


def log_loss(probabilities: Array, targets: Array, *, reduction: str = "mean", weights: Array | None = None) -> Array:
    """Log-loss of probabilities, -[y ln p + (1 - y) ln(1 - p)] with 0 ln 0 := 0 (F005).

    A certain but wrong prediction costs inf, as it should; nothing is clipped. From logits use `binary_cross_entropy`.

    Args:
      probabilities: (...) p(y = 1) in [0, 1].
      targets: (...) in [0, 1].
      reduction, weights: as for every loss (see the module).

    Returns:
      Scalar, or (...) for "none".

    Raises:
      ValueError: shapes that differ, or an unknown reduction.
    """
    _check_same_shape(probabilities, targets)
    p = wide(probabilities)
    y = targets.astype(p.dtype)
    return _reduce(-_safe_xlogy(y, p) - _safe_xlogy(1.0 - y, 1.0 - p), reduction, weights)


def categorical_log_loss(
    probabilities_BC: Array, targets: Array, *, reduction: str = "mean", weights: Array | None = None
) -> Array:
    """Log-loss of class probabilities, -sum_c y_c ln p_c with 0 ln 0 := 0 (F016).

    Args:
      probabilities_BC: (..., C) rows that sum to 1.
      targets: (...) integer classes in [0, C), NaN outside, or (..., C) distributions.
      reduction, weights: as for every loss (see the module).

    Returns:
      Scalar, or (...) for "none".

    Raises:
      ValueError: shapes that do not fit, or an unknown reduction.
    """
    p_BC = wide(probabilities_BC)
    if targets.shape == p_BC.shape:
        loss = -jnp.sum(_safe_xlogy(targets.astype(p_BC.dtype), p_BC), axis=-1)
    else:
        loss = -jnp.log(_pick(p_BC, targets, None))
    return _reduce(loss, reduction, weights)


def mean_squared_error(
    predictions: Array, targets: Array, *, reduction: str = "mean", weights: Array | None = None
) -> Array:
    """Squared error (1/n) sum (y - yhat)^2 over all n entries, without the factor 1/2 (F033, S14).

    Args:
      predictions, targets: (...) of one shape.
      reduction, weights: as for every loss (see the module).

    Returns:
      Scalar, or (...) for "none".

    Raises:
      ValueError: shapes that differ, or an unknown reduction.
    """
    _check_same_shape(predictions, targets)
    predictions = wide(predictions)
    return _reduce(jnp.square(predictions - targets.astype(predictions.dtype)), reduction, weights)


def half_mean_squared_error(
    predictions: Array, targets: Array, *, reduction: str = "mean", weights: Array | None = None
) -> Array:
    """Half the squared error, 1/(2m) sum (y - yhat)^2 (F037); "sum" is 1/2 sum, optax's `l2_loss` is "none".

    Its gradient is half that of `mean_squared_error`: the same path at twice the learning rate (S14).

    Args:
      predictions, targets: (...) of one shape.
      reduction, weights: as for every loss (see the module).

    Returns:
      Scalar, or (...) for "none".

    Raises:
      ValueError: shapes that differ, or an unknown reduction.
    """
    return 0.5 * mean_squared_error(predictions, targets, reduction=reduction, weights=weights)


def sum_squared_error(predictions: Array, targets: Array, *, weights: Array | None = None) -> Array:
    """Sum of squared errors, E = 1/2 sum_mu sum_j (y_j - yhat_j)^2 over outputs and records (F034).

    Args:
      predictions, targets: (...) of one shape.
      weights: as for every loss (see the module).

    Returns:
      Scalar.

    Raises:
      ValueError: shapes that differ.
    """
    return half_mean_squared_error(predictions, targets, reduction="sum", weights=weights)


def entropy(probabilities: Array, axis: int = -1) -> Array:
    """Entropy H(p) = -sum p ln p in nats, with 0 ln 0 := 0: the lower bound of a cross-entropy (F019, S8).

    Args:
      probabilities: entries >= 0 that sum to 1 along `axis`.
      axis: the axis of the classes.

    Returns:
      The shape without `axis`, in [0, ln C].
    """
    p = wide(probabilities)
    return -jnp.sum(_safe_xlogy(p, p), axis=axis)


def likelihood(probabilities: Array) -> Array:
    """P(all) = prod_i p_i, (...) in [0, 1] -> scalar (F015); underflows where `log_likelihood` does not."""
    return jnp.prod(wide(probabilities))


def log_likelihood(probabilities: Array) -> Array:
    """ln P(all) = sum_i ln p_i, (...) in [0, 1] -> scalar <= 0 (F015).

    Its negative is the cross-entropy of the observations (F016); it is -inf if something impossible was observed.
    """
    return jnp.sum(jnp.log(wide(probabilities)))


def _reduce(loss: Array, reduction: str, weights: Array | None, normalizer: Array | None = None) -> Array:
    """Applies weights and reduction; `normalizer` is the contribution of each entry to the denominator of the mean."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r} is unknown; use one of {', '.join(REDUCTIONS)}")
    if weights is not None:
        weights = _expand(weights, loss)
        # A masked example counts as 0 even where its loss is not finite (a padded label out of range).
        loss = jnp.where(weights == 0, 0.0, loss * weights)
    if reduction == "none":
        return loss
    if reduction == "sum":
        return jnp.sum(loss)
    if weights is None and normalizer is None:
        return jnp.mean(loss)
    shares = jnp.ones_like(loss) if normalizer is None else normalizer
    total = jnp.sum(shares if weights is None else jnp.where(weights == 0, 0.0, shares * weights))
    return jnp.sum(loss) / jnp.where(total == 0, 1.0, total)


def _pick(scores_BC: Array, targets: Array, ignored: Array | None) -> Array:
    """The score of each target class; NaN, with a gradient of 0, where the class is neither in range nor ignored."""
    if targets.shape != scores_BC.shape[:-1] or not jnp.issubdtype(targets.dtype, jnp.integer):
        raise ValueError(
            f"targets of shape {targets.shape} and dtype {targets.dtype} do not fit scores of shape {scores_BC.shape}; "
            f"use integer classes of shape {scores_BC.shape[:-1]} or distributions of shape {scores_BC.shape}"
        )
    in_range = (targets >= 0) & (targets < scores_BC.shape[-1])
    safe_B1 = jnp.where(in_range, targets, 0)[..., None]
    picked = jnp.take_along_axis(scores_BC, safe_B1, axis=-1, mode="promise_in_bounds")[..., 0]
    return jnp.where(in_range if ignored is None else in_range | ignored, picked, jnp.nan)


def _expand(weights: Array, like: Array) -> Array:
    """Weights of the leading axes, broadcast over the trailing axes to the shape of `like`."""
    weights = jnp.asarray(weights)
    if weights.shape != like.shape[: weights.ndim]:
        raise ValueError(
            f"weights of shape {weights.shape} do not fit a loss of shape {like.shape}; use its leading axes"
        )
    weights = weights.reshape(weights.shape + (1,) * (like.ndim - weights.ndim))
    return jnp.broadcast_to(weights, like.shape).astype(like.dtype)


def _safe_xlogy(x: Array, y: Array) -> Array:
    """x ln y, 0 where x is 0, and with a gradient of 0 there too (xlogy's own is 0 / 0 where y is 0 as well)."""
    return xlogy(x, jnp.where(x == 0, 1.0, y))


def _check_same_shape(predictions: Array, targets: Array) -> None:
    if predictions.shape != targets.shape:
        raise ValueError(
            f"predictions of shape {predictions.shape} and targets of shape {targets.shape} differ; "
            "reshape one of them (a silent broadcast would compare every pair)"
        )
