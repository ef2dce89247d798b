"""Early stopping as a value: keeps the best parameters and counts the evaluations without improvement.

Everything is `jnp.where`, so each member of a vmapped population stops on its own.
Sources: F044, F060.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class EarlyStopping(NamedTuple):
    """The best result so far.

    Attributes:
      best_value: lowest value so far, float32; inf before the first finite one.
      reference: value of the last improvement that counted, which the next one is measured against; None (static):
        every improvement counts, so that it is best_value.
      best_step: step of that value, int32; -1 before the first.
      best_params: parameters at that step; the initial ones before the first.
      wait: evaluations since the best one, int32.
      stopped: whether patience has run out, after which nothing changes, bool.
    """

    best_value: Array
    reference: Array | None
    best_step: Array
    best_params: Any
    wait: Array
    stopped: Array


def init(params: Any, threshold: bool = False) -> EarlyStopping:
    """The state before the first evaluation.

    Args:
      params: pytree of the initial parameters.
      threshold: whether `update` will be given a min_delta.

    Returns:
      A state with best_value inf and best_params = params.
    """
    return EarlyStopping(
        best_value=jnp.full((), jnp.inf, jnp.float32),
        reference=jnp.full((), jnp.inf, jnp.float32) if threshold else None,
        best_step=jnp.full((), -1, jnp.int32),
        best_params=jax.tree.map(jnp.asarray, params),
        wait=jnp.zeros((), jnp.int32),
        stopped=jnp.zeros((), bool),
    )


def update(
    state: EarlyStopping,
    value: Array | float,
    params: Any,
    step: Array | int,
    *,
    patience: Array | float | None,
    min_delta: Array | float | None = None,
) -> EarlyStopping:
    """Takes one evaluation into account; lower is better, and NaN is never better.

    The parameters with the lowest value are kept, however small the difference. An improvement counts for the patience if
    value < reference - min_delta; small improvements add up. The run stops at the `patience`-th evaluation in a row
    that does not count.

    Args:
      state: the state so far.
      value: validation loss, scalar.
      params: the parameters it belongs to, like state.best_params.
      step: their step.
      patience: evaluations without improvement to wait for, >= 1, may be a tracer; None (static): never stop, only
        keep the best.
      min_delta: least improvement that counts, >= 0; may be a tracer; None (static): each counts. A number needs a state
        that was made with `threshold`.

    Returns:
      The next state; the same state if it had stopped.
    """
    value = jnp.asarray(value, jnp.float32)
    better = (value < state.best_value) & ~state.stopped
    if min_delta is None:
        counts, reference = better, state.reference
    else:
        assert state.reference is not None  # what `threshold` of `init` makes
        counts = (value < state.reference - min_delta) & ~state.stopped
        reference = jnp.where(counts, value, state.reference)
    wait = jnp.where(counts, 0, state.wait + jnp.where(state.stopped, 0, 1))
    stopped = state.stopped if patience is None else state.stopped | (wait >= patience)
    return EarlyStopping(
        best_value=jnp.where(better, value, state.best_value),
        reference=reference,
        best_step=jnp.where(better, jnp.asarray(step, jnp.int32), state.best_step),
        best_params=jax.tree.map(lambda new, old: jnp.where(better, new, old), params, state.best_params),
        wait=wait,
        stopped=stopped,
    )
