"""Regularizers that keep weights small, sparse or independent of each other: L1, L2, elastic net and dropout.

Penalties and decay apply to weights only (leaves named "kernel" or "embedding"), never to biases or normalisation
parameters. Sources: F047-F051, S18-S21.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from nn_core.floats import wide

Hparams = Mapping[str, Array | float]

PENALISED_NAMES = ("kernel", "embedding")


def penalised_mask(params: Any) -> Any:
    """Marks the leaves that are weights: True if the last key of the path is "kernel" or "embedding".

    Args:
      params: pytree of nested mappings (or records) with named leaves.

    Returns:
      A pytree of Python bools of the same structure.
    """
    return jax.tree_util.tree_map_with_path(lambda path, _: leaf_name(path) in PENALISED_NAMES, params)


def leaf_name(path: tuple[Any, ...]) -> str:
    """The last key of a pytree path as text ("" for a bare leaf)."""
    return jax.tree_util.keystr(path[-1:], simple=True)


def penalised_leaves(params: Any) -> list[Array]:
    """The leaves that `penalised_mask` marks, in tree order."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return [leaf for path, leaf in leaves if leaf_name(path) in PENALISED_NAMES]


def l1_penalty(params: Any) -> Array:
    """Sum of absolute weights, sum |w| (F047); its gradient is sign(w), 0 at 0.

    Args:
      params: pytree of parameters; only its penalised leaves count.

    Returns:
      Scalar float32 (or wider).
    """
    # w sign(w) and not abs(w), whose gradient at 0 is 1 in JAX: it would push exact zeros away.
    return _total(jnp.sum(wide(leaf) * jnp.sign(wide(leaf))) for leaf in penalised_leaves(params))


def l2_penalty(params: Any) -> Array:
    """Sum of squared weights, sum w^2, without the factor 1/2 (F048); its gradient is 2 w.

    Args:
      params: pytree of parameters; only its penalised leaves count.

    Returns:
      Scalar float32 (or wider).
    """
    return _total(jnp.sum(jnp.square(wide(leaf))) for leaf in penalised_leaves(params))


def elastic_net_penalty(params: Any, strength: Array | float, l1_ratio: Array | float) -> Array:
    """Both penalties, strength [l1_ratio sum |w| + (1 - l1_ratio) sum w^2] (F050, with the strength that the notes omit: S20).

    scikit-learn's `ElasticNet(alpha, l1_ratio=r)` halves its L2 term and its loss: it minimises
    1/(2n) sum of squares + alpha [r |w| + (1 - r)/2 w^2]. Against a mean squared error (1/n) that is, here,
    strength = alpha (1 + r) and l1_ratio = 2 r / (1 + r).

    Args:
      params: pytree of parameters; only its penalised leaves count.
      strength: >= 0.
      l1_ratio: in [0, 1]; 1 is L1, 0 is L2.

    Returns:
      Scalar float32 (or wider).
    """
    return strength * (l1_ratio * l1_penalty(params) + (1.0 - l1_ratio) * l2_penalty(params))


def penalty(params: Any, hparams: Hparams, proximal: bool = False) -> Array:
    """The penalty that the hparams add to a loss: l1 sum |w| + l2 sum w^2 + the elastic net, each only if its hparam is set.

    Args:
      params: pytree of parameters.
      hparams: may hold l1, l2, elastic_net (which needs l1_ratio), each >= 0.
      proximal: static; True leaves the L1 parts out, because the optimizer's proximal step applies them.

    Returns:
      Scalar; exactly 0 if nothing is set.

    Raises:
      ValueError: elastic_net without l1_ratio.
    """
    terms = []
    if "l1" in hparams and not proximal:
        terms.append(hparams["l1"] * l1_penalty(params))
    if "l2" in hparams:
        terms.append(hparams["l2"] * l2_penalty(params))
    if "elastic_net" in hparams:
        ratio = _l1_ratio(hparams)
        if proximal:
            terms.append(hparams["elastic_net"] * (1.0 - ratio) * l2_penalty(params))
        else:
            terms.append(elastic_net_penalty(params, hparams["elastic_net"], ratio))
    return _total(terms)


def proximal_strength(hparams: Hparams) -> Array | float:
    """The L1 strength that a proximal step applies, l1 + elastic_net l1_ratio.

    Args:
      hparams: must hold l1 or elastic_net (with l1_ratio).

    Returns:
      Scalar >= 0.

    Raises:
      ValueError: neither is set, or elastic_net without l1_ratio.
    """
    if "l1" not in hparams and "elastic_net" not in hparams:
        raise ValueError("proximal=True has no strength: set hparams.l1 or hparams.elastic_net, or use proximal=False")
    strength = hparams["l1"] if "l1" in hparams else 0.0
    if "elastic_net" in hparams:
        strength = strength + hparams["elastic_net"] * _l1_ratio(hparams)
    return strength


def soft_threshold(x: Array, threshold: Array | float) -> Array:
    """Proximal operator of threshold |x|: sign(x) max(|x| - threshold, 0), exactly 0 where |x| <= threshold (S18).

    Args:
      x: array of any shape.
      threshold: >= 0; scalar or of the shape of x.

    Returns:
      Array of the shape of x.
    """
    return jnp.sign(x) * jnp.maximum(jnp.abs(x) - threshold, 0.0)


def dropout(key: Array, x: Array, rate: Array | float) -> Array:
    """Inverted dropout: each entry becomes 0 with probability `rate`, else x / (1 - rate) (F051).

    `rate` is the probability of *dropping*, not of keeping (S21). Every entry of the
    batch is drawn independently. The mean is preserved, so nothing changes at inference. Rate 0 returns x, rate 1 zeros; rates in
    between are rounded to a multiple of 1/65,536.

    Args:
      key: typed key; a new one every step.
      x: floating array of any shape.
      rate: in [0, 1]; may be a tracer.

    Returns:
      Array of the shape and dtype of x.
    """
    rate = jnp.asarray(rate, jnp.float32)
    keep = 1.0 - rate
    scale = jnp.where(keep > 0, 1.0 / keep, 0.0)
    kept = _random_words(key, x.shape) >= jnp.round(65536.0 * rate).astype(jnp.uint32)
    return jnp.where(kept, x * scale.astype(x.dtype), jnp.zeros((), x.dtype))


def _random_words(key: Array, shape: tuple[int, ...]) -> Array:
    """Uniform integers in [0, 65536): two from each random word, because random bits are expensive on a CPU."""
    *leading, width = shape or (1,)
    num_words = (width + 1) // 2
    halves = lax.bitcast_convert_type(jax.random.bits(key, (*leading, num_words), jnp.uint32), jnp.uint16)
    return halves.reshape(*leading, 2 * num_words)[..., :width].reshape(shape).astype(jnp.uint32)


def _l1_ratio(hparams: Hparams) -> Array | float:
    if "l1_ratio" not in hparams:
        raise ValueError("hparams.elastic_net is set without hparams.l1_ratio; set it in [0, 1], 1 for pure L1")
    return hparams["l1_ratio"]


def _total(terms: Any) -> Array:
    return jnp.asarray(sum(terms, start=0.0))
