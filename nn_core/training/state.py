"""What a run carries from step to step. No key is in it: randomness is a function of (seed, step)."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from nn_core.training.early_stopping import EarlyStopping


class TrainState(NamedTuple):
    """The state of one run, or, with a leading axis on every leaf, of a population.

    Attributes:
        step: updates attempted so far, int32.
        params: the model's parameters.
        opt_state: the optimizer's state.
        stopping: the best parameters so far and the patience left; None where the run keeps its last parameters.
        first_loss: the objective at the first step, float32; NaN before it.
        skipped: steps whose loss or gradient was not finite, int32.
        skipped_in_a_row: the same, since the last good step, int32.
        diverged: the run met a loss that is not finite, or exploded, and stopped, bool.
    """

    step: Array
    params: Any
    opt_state: Any
    stopping: EarlyStopping | None
    first_loss: Array
    skipped: Array
    skipped_in_a_row: Array
    diverged: Array


class RunKeys(NamedTuple):
    """The keys of a run, one for each use, so that a new use never shifts the others."""

    init: Array
    split: Array
    order: Array
    noise: Array


def run_keys(key: Array) -> RunKeys:
    """Derives the named keys of a run from its root key."""
    return RunKeys(*(jax.random.fold_in(key, index) for index in range(len(RunKeys._fields))))


def stopped(state: TrainState) -> Array | np.ndarray:
    """True where early stopping has ended the run; a constant of the host where there is none, so that nothing moves."""
    return np.zeros(state.diverged.shape, bool) if state.stopping is None else state.stopping.stopped


def pack(state: TrainState) -> tuple[Any, TrainState]:
    """Splits a state for its checkpoint: (the selected parameters, all that a resume needs besides)."""
    if state.stopping is None:
        return state.params, state._replace(params=None)
    return state.stopping.best_params, state._replace(stopping=state.stopping._replace(best_params=None))


def unpack(params: Any, training: TrainState) -> TrainState:
    """The inverse of `pack`."""
    if training.stopping is None:
        return training._replace(params=params)
    return training._replace(stopping=training.stopping._replace(best_params=params))


def selected_params(state: TrainState) -> Any:
    """The parameters that the run stands for: the best on validation where they are kept, else the last."""
    return state.params if state.stopping is None else state.stopping.best_params
