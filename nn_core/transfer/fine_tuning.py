"""Fine-tuning as a transformation of a task and its optimizer: another start, and parts that are frozen or slower.

The trainer is not involved. Frozen parameters are cut out of the gradient, so the backward pass stops where no earlier
parameter learns. They have no optimizer state and stay unchanged to the bit.

Source: F073-F076.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.lax import stop_gradient

from nn_core.tasks.base import Batch, Hparams, Metrics, Params, Task
from nn_core.training.step import MakeOptimizer
from nn_core.transfer.rules import Rule, assign, paths
from nn_core.transfer.surgery import transplant


def start_from(task: Task, source: Params, load: Sequence[Rule]) -> Task:
    """The task whose runs start from given parameters; what the rules call new is drawn by each run's key.

    Args:
        task: what is learned.
        source: parameters of a trained network.
        load: rules, see `nn_core.transfer.rules`.
    Returns:
        The task; its `init` raises ValueError where the parameters do not fit (see `transplant`).
    """

    def init(key: Array, hparams: Hparams) -> Params:
        return transplant(task.init(key, hparams), source, load)

    return task._replace(init=init)


def factors(params: Params, train: Sequence[Rule], key: str = "transfer.train") -> Any:
    """The factor of the learning rate of every parameter, a tree of floats like the parameters."""
    values = assign(paths(params), train, key).values()
    return jax.tree.unflatten(jax.tree.structure(params), [float(value) for value in values])


def split(params: Params, factor: Any) -> tuple[Any, Any]:
    """(trained parameters, frozen parameters), each with None in the places of the other.

    Args:
        params: a tree.
        factor: a tree of floats of the same structure; 0 is frozen.
    """
    trained = jax.tree.map(lambda leaf, f: leaf if f else None, params, factor)
    frozen = jax.tree.map(lambda leaf, f: None if f else leaf, params, factor)
    return trained, frozen


def join(trained: Any, frozen: Any) -> Params:
    """The inverse of `split`."""
    return jax.tree.map(lambda a, b: b if a is None else a, trained, frozen, is_leaf=lambda leaf: leaf is None)


def fine_tune(task: Task, make_optimizer: MakeOptimizer, train: Sequence[Rule]) -> tuple[Task, MakeOptimizer]:
    """The task and the optimizer for parameters that are frozen or have learning rates of their own.

    Args:
        task: what is learned.
        make_optimizer: hparams -> optax transformation.
        train: rules, see `nn_core.transfer.rules`; they raise ValueError when a run starts.
    Returns:
        (task, make_optimizer) for the trainer.
    """

    def loss(params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
        held = jax.tree.map(lambda leaf, f: leaf if f else stop_gradient(leaf), params, factors(params, train))
        return task.loss(held, batch, hparams, key)

    return task._replace(loss=loss), lambda hparams: only_trained(make_optimizer(hparams), train)


def only_trained(inner: optax.GradientTransformation, train: Sequence[Rule]) -> optax.GradientTransformation:
    """An optimizer that knows the trained parameters only, and scales each one's update by its factor.

    Args:
        inner: gets gradients, parameters and state without the frozen ones.
        train: rules.
    Returns:
        A transformation over all parameters.
    """

    def init(params: Params) -> Any:
        return inner.init(split(params, factors(params, train))[0])

    def update(grads: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        factor = factors(params, train)
        trained, frozen = split(params, factor)
        updates, state = inner.update(split(grads, factor)[0], state, trained)
        scaled = jax.tree.map(
            lambda u, f: u if f == 1 else u * jnp.asarray(f, u.dtype), updates, split(factor, factor)[0]
        )
        # Minus zero: adding it keeps the sign of a zero too.
        return join(scaled, jax.tree.map(lambda leaf: jnp.full_like(leaf, -0.0), frozen)), state

    return optax.GradientTransformation(init, update)
