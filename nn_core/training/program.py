"""A training run as five pure functions of (state, key, hparams, data); everything else is a transformation of them.

    start     key, hparams            -> state
    prepare   key                     -> what the run adds to the shared data: its own split
    advance   state, until            -> state after up to K steps (a scan), and metrics of each step
    evaluate  state                   -> state that knows its best parameters; metrics on held-out data
    finish    state                   -> metrics of the selected parameters on every split, and their statistics

Source: F037 (learning loop), F044 (early stopping).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.typing import ArrayLike

from nn_core.data.splits import SPLITS
from nn_core.metrics import means
from nn_core.tasks.base import Data, Hparams, Task
from nn_core.training import early_stopping
from nn_core.training.state import TrainState, run_keys, selected_params, stopped
from nn_core.training.step import MakeOptimizer, TrainStep, make_train_step, select


class Settings(NamedTuple):
    """The structure of the loop; a change makes another program.

    Attributes:
        chunk_steps: K, steps in one compiled call.
        keep_best: remember the parameters with the lowest validation loss, and finish with them.
        evaluate_train: evaluate on the training split too, for curves without dropout and for the gap.
        max_skips: non-finite steps in a row that are skipped rather than fatal.
        divergence_factor: a loss above this many times 1 + |first loss| ends the run as diverged.
        accumulate: micro-batches whose gradients make one update.
        splits: the splits that `finish` evaluates.
    """

    chunk_steps: int
    keep_best: bool = False
    evaluate_train: bool = False
    max_skips: int = 0
    divergence_factor: float = 100.0
    accumulate: int = 1
    splits: tuple[str, ...] = SPLITS


class Program(NamedTuple):
    """The five functions, for one run or (after `populate`) for a population; `own` is the result of `prepare`."""

    start: Callable[[Array, Hparams, Data], TrainState]
    prepare: Callable[[Array, Data], Data]
    advance: Callable[[TrainState, Array, Hparams, Data, Data, ArrayLike], tuple[TrainState, dict[str, Array]]]
    evaluate: Callable[[TrainState, Array, Hparams, Data, Data], tuple[TrainState, dict[str, Array]]]
    finish: Callable[[TrainState, Array, Hparams, Data, Data], dict[str, Array]]


def make_program(task: Task, make_optimizer: MakeOptimizer, settings: Settings) -> Program:
    """The pure functions of one run.

    Args:
        task: what is learned.
        make_optimizer: hparams -> optax transformation.
        settings: the loop's structure.
    Returns:
        The five functions, neither jitted nor vmapped.
    """
    train_step = make_train_step(
        task,
        make_optimizer,
        max_skips=settings.max_skips,
        divergence_factor=settings.divergence_factor,
        accumulate=settings.accumulate,
    )
    return Program(
        start=partial(start, task, make_optimizer, settings),
        prepare=partial(prepare, task),
        advance=partial(advance, task, train_step, settings.chunk_steps),
        evaluate=partial(evaluate, task, ("validation", "train") if settings.evaluate_train else ("validation",)),
        finish=partial(finish, task, settings.splits),
    )


def start(
    task: Task, make_optimizer: MakeOptimizer, settings: Settings, key: Array, hparams: Hparams, data: Data
) -> TrainState:
    """The state before the first step; a run whose start is not finite (a huge init_scale) has diverged."""
    drawn = task.init(run_keys(key).init, hparams)
    finite = jnp.isfinite(optax.tree.norm(drawn))
    params = select(finite, drawn, jax.tree.map(jnp.zeros_like, drawn))  # values that are not finite are never kept
    count = jnp.zeros((), jnp.int32)
    return TrainState(
        step=count,
        params=params,
        opt_state=make_optimizer(hparams).init(params),
        stopping=early_stopping.init(params, "min_delta" in hparams)
        if settings.keep_best or "patience" in hparams
        else None,
        first_loss=jnp.full((), jnp.nan, jnp.float32),
        skipped=count,
        skipped_in_a_row=count,
        diverged=~finite,
    )


def prepare(task: Task, key: Array, data: Data) -> Data:
    """A run's additions to the shared data, drawn once because sorting a split takes a while to compile."""
    return task.prepare(data, run_keys(key).split)


def advance(
    task: Task,
    train_step: TrainStep,
    num_steps: int,
    state: TrainState,
    key: Array,
    hparams: Hparams,
    own: Data,
    data: Data,
    until: ArrayLike,
) -> tuple[TrainState, dict[str, Array]]:
    """Makes up to `num_steps` steps, none past `until`, in a scan over `train_step`."""
    keys = run_keys(key)
    member_data = data | own
    plan = task.plan(member_data, keys.order, state.step, num_steps)

    def body(state: TrainState, plan_k: Any) -> tuple[TrainState, dict[str, Array]]:
        return train_step(state, task.batch(member_data, plan_k), hparams, keys.noise, until)

    return jax.lax.scan(body, state, plan)


def evaluate(
    task: Task, splits: tuple[str, ...], state: TrainState, key: Array, hparams: Hparams, own: Data, data: Data
) -> tuple[TrainState, dict[str, Array]]:
    """Metrics of the current parameters; early stopping records the validation loss."""
    del key
    values = split_means(task, splits, state.params, data | own, hparams)
    if state.stopping is None:
        return state, values
    patience = hparams["patience"] if "patience" in hparams else None
    min_delta = hparams["min_delta"] if "min_delta" in hparams else None
    updated = early_stopping.update(
        state.stopping, values["validation_loss"], state.params, state.step, patience=patience, min_delta=min_delta
    )
    resting = state.diverged | stopped(state)
    return state._replace(stopping=select(resting, state.stopping, updated)), values


def finish(
    task: Task, splits: tuple[str, ...], state: TrainState, key: Array, hparams: Hparams, own: Data, data: Data
) -> dict[str, Array]:
    """Metrics of the selected parameters on every split, and the task's description of them."""
    member_data = data | own
    params = selected_params(state)
    values = split_means(task, splits, params, member_data, hparams)
    return values | task.describe(params, member_data, hparams, run_keys(key).noise)


def split_means(
    task: Task, splits: tuple[str, ...], params: Any, member_data: Data, hparams: Hparams
) -> dict[str, Array]:
    """{"SPLIT_METRIC": mean} of some splits."""
    return {
        f"{split}_{name}": value
        for split in splits
        for name, value in task.derive(means(task.evaluate(params, member_data, hparams, split))).items()
    }


def chunk_steps(most: int, *cadences: int) -> int:
    """The number of steps in a compiled call: at most `most`, chosen so that a call rarely runs past the cadence.

    >>> chunk_steps(100, 10), chunk_steps(20, 97), chunk_steps(20, 40)
    (10, 20, 20)
    """
    shortest = min(cadences)
    calls = -(-shortest // most)
    return -(-shortest // calls)
