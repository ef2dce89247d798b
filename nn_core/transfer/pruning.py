"""Magnitude pruning during training: by a schedule, more and more of the smallest weights become zero (F148).

Pruning wraps any optimizer. Zeros stay zero, because the share of zeros never falls and the smallest weights are always
those that are already zero.

Source: Zhu & Gupta 2017 (the cubic schedule), Han et al. 2015 (magnitudes).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from nn_core.regularizers import penalised_mask

SCOPES = ("global", "layer")


class Pruning(NamedTuple):
    """When and where weights are removed.

    Attributes:
        begin: first step at which some are removed, >= 0.
        end: step from which on the final share is removed, > begin.
        every: steps between two removals, >= 1.
        scope: "global": the smallest of all kernels and embeddings; "layer": the same share of each.
    """

    begin: int
    end: int
    every: int
    scope: str = "global"


class PruningState(NamedTuple):
    """State of `prune`.

    Attributes:
        step: updates done, int32.
        kept: for every kernel and embedding, which weights remain; None for other parameters.
        inner: state of the optimizer.
    """

    step: Array
    kept: Any
    inner: Any


def check_pruning(pruning: Pruning) -> None:
    """Raises ValueError for an impossible schedule."""
    if pruning.begin < 0 or pruning.end <= pruning.begin or pruning.every < 1:
        raise ValueError(
            f"pruning begins at update {pruning.begin} and ends at {pruning.end}, every {pruning.every} updates; "
            "use 0 <= begin < end and every >= 1"
        )


def sparsity_at(step: Array, final: Array | float, pruning: Pruning) -> Array:
    """s_t = s_f (1 - (1 - (t - t_0) / (t_1 - t_0))^3), held between removals: fast first, when most weights are idle.

    Args:
        step: updates done.
        final: s_f in [0, 1); may be a tracer.
        pruning: t_0, t_1 and the step between removals.
    Returns:
        The share of weights that are zero; 0 before t_0, s_f from t_1 on.
    """
    since = jnp.asarray(step) - pruning.begin
    held = jnp.where(step >= pruning.end, since, since // pruning.every * pruning.every)
    progress = jnp.clip(held / (pruning.end - pruning.begin), 0.0, 1.0)
    return final * (1.0 - (1.0 - progress) ** 3)


def magnitude_masks(params: Any, sparsity: Array | float, scope: str = "global") -> Any:
    """Which weights remain when the smallest are removed: all but exactly round(sparsity N) of N.

    Args:
        params: a tree of parameters; biases and normalisation parameters are never removed.
        sparsity: share in [0, 1].
        scope: see `Pruning`.
    Returns:
        A tree of bool arrays like the parameters, None for those that are never removed.
    Raises:
        ValueError: an unknown scope.
    """
    if scope not in SCOPES:
        raise ValueError(f"scope={scope!r} is unknown; use one of {', '.join(SCOPES)}")
    weights = jax.tree.map(lambda leaf, prunable: leaf if prunable else None, params, penalised_mask(params))
    if scope == "layer":
        return jax.tree.map(lambda leaf: _largest(leaf.ravel(), sparsity).reshape(leaf.shape), weights)
    leaves, structure = jax.tree.flatten(weights)
    kept = _largest(jnp.concatenate([leaf.ravel() for leaf in leaves]), sparsity)
    ends = [sum(leaf.size for leaf in leaves[: index + 1]) for index in range(len(leaves) - 1)]
    parts = [part.reshape(leaf.shape) for part, leaf in zip(jnp.split(kept, ends), leaves, strict=True)]
    return jax.tree.unflatten(structure, parts)


def _largest(weights_N: Array, sparsity: Array | float) -> Array:
    """All but the round(sparsity N) smallest; of ties, the first are removed."""
    sizes_N = jnp.abs(weights_N)
    removed = jnp.round(sparsity * weights_N.size).astype(jnp.int32)
    threshold = smallest(sizes_N, jnp.maximum(removed, 1))
    below_N, equal_N = sizes_N < threshold, sizes_N == threshold
    return ~(below_N | (equal_N & (jnp.cumsum(equal_N) <= removed - jnp.sum(below_N))))


def smallest(sizes_N: Array, k: Array | int) -> Array:
    """The k-th smallest of some numbers >= 0, k in 1..N, bit by bit: floats >= 0 sort like their bits.

    On a CPU, sorting 5,000 numbers takes longer than a training step of the network whose weights they are.
    """
    unsigned = jnp.dtype(f"uint{8 * sizes_N.dtype.itemsize}")
    bits_N = lax.bitcast_convert_type(sizes_N, unsigned)
    count = jnp.iinfo(unsigned).bits

    def narrow(index: Array, found: Array) -> Array:
        candidate = found | (jnp.ones((), unsigned) << (count - 1 - index).astype(unsigned))
        return jnp.where(jnp.sum(bits_N < candidate) < k, candidate, found)

    return lax.bitcast_convert_type(lax.fori_loop(0, count, narrow, jnp.zeros((), unsigned)), sizes_N.dtype)


def prune(
    inner: optax.GradientTransformation, sparsity: Array | float, pruning: Pruning
) -> optax.GradientTransformation:
    """An optimizer that also removes weights: its updates end on exact zeros.

    The masks are those of the magnitudes after the optimizer's own update; a removed weight gets no gradient.

    Args:
        inner: any optax transformation.
        sparsity: share of kernels and embeddings that is zero in the end, in [0, 1); may be a tracer.
        pruning: the schedule.
    Returns:
        The transformation; its `update` needs the parameters.
    Raises:
        ValueError: an impossible schedule.
    """
    check_pruning(pruning)

    def init(params: Any) -> PruningState:
        return PruningState(jnp.zeros((), jnp.int32), magnitude_masks(params, 0.0, pruning.scope), inner.init(params))

    def update(grads: Any, state: PruningState, params: Any = None) -> tuple[Any, PruningState]:
        updates, inner_state = inner.update(masked(grads, state.kept), state.inner, params)
        step = optax.safe_increment(state.step)
        moved = masked(optax.apply_updates(params, updates), state.kept)
        due = (step >= pruning.begin) & ((step - pruning.begin) % pruning.every == 0) | (step == pruning.end)
        kept = lax.cond(
            due & (step <= pruning.end),
            lambda: magnitude_masks(moved, sparsity_at(step, sparsity, pruning), pruning.scope),
            lambda: state.kept,
        )
        # w + (0 - w) is 0 exactly.
        ended = jax.tree.map(
            lambda update, mask, param: update if mask is None else jnp.where(mask, update, -param),
            updates,
            kept,
            params,
            is_leaf=lambda leaf: leaf is None,
        )
        return ended, PruningState(step, kept, inner_state)

    return optax.GradientTransformation(init, update)


def masked(tree: Any, kept: Any) -> Any:
    """The tree with 0 where weights are removed."""
    return jax.tree.map(
        lambda mask, leaf: leaf if mask is None else jnp.where(mask, leaf, jnp.zeros_like(leaf)),
        kept,
        tree,
        is_leaf=lambda leaf: leaf is None,
    )
