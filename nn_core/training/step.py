"""One update of the parameters: gradient, optimizer, and the guard that keeps what is not finite out of the state."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.typing import ArrayLike

from nn_core.tasks.base import Batch, Hparams, Metrics, Task
from nn_core.training.state import TrainState, stopped

MakeOptimizer = Callable[[Hparams], optax.GradientTransformation]
TrainStep = Callable[[TrainState, Batch, Hparams, Array, ArrayLike], tuple[TrainState, dict[str, Array]]]


def select(condition: Array, new: Any, old: Any) -> Any:
    """`new` where the scalar condition holds, `old` elsewhere, leaf by leaf."""
    return jax.tree.map(lambda new_leaf, old_leaf: jnp.where(condition, new_leaf, old_leaf), new, old)


def make_train_step(
    task: Task,
    make_optimizer: MakeOptimizer,
    *,
    max_skips: int = 0,
    divergence_factor: float = 100.0,
    accumulate: int = 1,
) -> TrainStep:
    """The step that `scan` repeats.

    A run that has stopped, diverged or reached `until` keeps its state: that is how a member of a population rests
    while the others go on. A step whose loss or gradient is not finite leaves parameters and optimizer untouched; the
    run ends as diverged after more than `max_skips` of them in a row, or when its loss has exploded, finite or not:
    tanh and Adam keep a hopeless run finite for ever.

    Args:
        task: what is learned.
        make_optimizer: hparams -> optax transformation, built inside the traced function.
        max_skips: bad steps in a row that are skipped; 0 stops at the first.
        divergence_factor: a loss above this many times 1 + |first loss| has exploded.
        accumulate: micro-batches whose gradients make one update; less memory, the same update (F145).
    Returns:
        (state, batch, hparams, key, until) -> (state, {"batch_loss", "gradient_norm", "active", …} scalars).
    """

    update = make_update(task, accumulate)

    def train_step(
        state: TrainState, batch: Batch, hparams: Hparams, key: Array, until: ArrayLike
    ) -> tuple[TrainState, dict[str, Array]]:
        step_key = jax.random.fold_in(key, state.step)
        params, opt_state, objective, metrics, gradient_norm, size = update(
            make_optimizer(hparams), state.params, state.opt_state, batch, hparams, step_key
        )
        # The updates too: a huge learning rate makes infinite parameters of a finite gradient.
        finite = jnp.isfinite(objective) & jnp.isfinite(gradient_norm) & jnp.isfinite(size)
        active = (state.step < until) & ~state.diverged & ~stopped(state)
        first_loss = jnp.where(jnp.isnan(state.first_loss), objective.astype(jnp.float32), state.first_loss)
        exploded = active & (objective > divergence_factor * (1.0 + jnp.abs(first_loss)))
        apply, bad = active & finite & ~exploded, active & ~finite
        in_a_row = jnp.where(apply, 0, state.skipped_in_a_row + bad)
        diverged = state.diverged | exploded | (in_a_row > max_skips)
        new_state = TrainState(
            # A step that ends the run is not counted: the state is the one before it.
            step=state.step + (active & ~diverged),
            params=select(apply, params, state.params),
            opt_state=select(apply, opt_state, state.opt_state),
            stopping=state.stopping,
            first_loss=first_loss,
            skipped=state.skipped + bad,
            skipped_in_a_row=in_a_row,
            diverged=diverged,
        )
        row = {f"batch_{name}": total / count for name, (total, count) in metrics.items()}
        return new_state, row | {"gradient_norm": gradient_norm, "active": active}

    return train_step


def make_update(task: Task, accumulate: int) -> Callable[..., tuple[Any, Any, Array, Metrics, Array, Array]]:
    """(optimizer, params, state, batch, hparams, key) -> (params, state, objective, metrics, gradient norm, size of the
    updates): one gradient and one update, or what the task does instead.

    Raises:
        ValueError: micro-batches for a task that makes its own updates.
    """
    value_and_gradient = make_gradient(task, accumulate)

    def one(optimizer: Any, params: Any, state: Any, batch: Batch, hparams: Hparams, key: Array) -> tuple:
        objective, metrics, grads = value_and_gradient(params, batch, hparams, key)
        updates, state = optimizer.update(grads, state, params)
        new = optax.apply_updates(params, updates)
        return new, state, objective, metrics, optax.tree.norm(grads), optax.tree.norm(updates)

    own = task.update
    if own is None:
        return one
    if accumulate > 1:
        raise ValueError(f"train.accumulate={accumulate} has no effect on a task with updates of its own; use 1")

    def several(optimizer: Any, params: Any, state: Any, *rest: Any) -> tuple:
        found = own(optimizer, params, state, *rest)
        return *found, optax.tree.norm(jax.tree.map(jnp.subtract, found[0], params))

    return several


def make_gradient(task: Task, accumulate: int) -> Callable[[Any, Batch, Hparams, Array], tuple[Array, Metrics, Any]]:
    """(params, batch, hparams, key) -> (objective, metrics, gradient), in one piece or over micro-batches.

    A micro-batch counts by what its loss counts (examples, class weights, tokens): with the objective
    total_i / count_i + penalty of micro-batch i, the sum of count_i objective_i over the sum of count_i is the
    objective of the whole batch, and the gradients likewise. Sums travel; the division comes once, at the end.

    Args:
        task: what is learned.
        accumulate: k, which divides the batch; 1: the batch in one piece.
    Returns:
        The function; it raises ValueError at tracing where k does not divide the batch.
    """
    direct = jax.value_and_grad(task.loss, has_aux=True)

    def whole(params: Any, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics, Any]:
        (objective, metrics), grads = direct(params, batch, hparams, key)
        return objective, metrics, grads

    def in_pieces(params: Any, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics, Any]:
        size = len(jax.tree.leaves(batch)[0])
        if size % accumulate:
            raise ValueError(f"train.accumulate={accumulate} must divide the batch of {size} examples; use a divisor")
        pieces = jax.tree.map(lambda leaf: leaf.reshape(accumulate, -1, *leaf.shape[1:]), batch)
        shapes = jax.eval_shape(lambda piece: whole(params, piece, hparams, key), jax.tree.map(lambda x: x[0], pieces))
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

        def add(total: Any, numbered: tuple[Array, Batch]) -> tuple[Any, None]:
            index, piece = numbered
            objective, metrics, grads = whole(params, piece, hparams, jax.random.fold_in(key, index))
            count = metrics["loss"][1]
            part = count * objective, metrics, jax.tree.map(lambda leaf: leaf * count.astype(leaf.dtype), grads)
            return jax.tree.map(jnp.add, total, part), None

        (objective, metrics, grads), _ = jax.lax.scan(add, zeros, (jnp.arange(accumulate), pieces))
        count = metrics["loss"][1]
        return objective / count, metrics, jax.tree.map(lambda leaf: leaf / count.astype(leaf.dtype), grads)

    return whole if accumulate == 1 else in_pieces
