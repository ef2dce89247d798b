"""Runs that start from other runs, each from the one of its own seed: a lookup by key, inside the program."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.tasks.base import Hparams, Params, Task
from nn_core.training.state import RunKeys, run_keys
from nn_core.transfer.rules import Rule
from nn_core.transfer.surgery import transplant


class Stack(NamedTuple):
    """Parameters of S runs.

    Attributes:
        params: a tree, every leaf with a leading axis S.
        seeds_S: uint32, of the runs; None: there is one, and it serves every seed.
    """

    params: Any
    seeds_S: Any


def chosen(stack: Stack, key: Array, use: Callable[[RunKeys], Array]) -> Any:
    """The parameters of the run whose root key gives this key.

    Args:
        stack: of runs.
        key: one of the named keys of a run, such as `run_keys(root).init`.
        use: which one it is.
    Returns:
        One tree; the first run's if no key fits, which the caller rules out.
    """
    if stack.seeds_S is None:
        return jax.tree.map(lambda leaf: leaf[0], stack.params)
    known_SW = jax.vmap(lambda seed: jax.random.key_data(use(run_keys(jax.random.key(seed)))))(stack.seeds_S)
    place = jnp.argmax(jnp.all(known_SW == jax.random.key_data(key)[None], axis=1))
    return jax.tree.map(lambda leaf: jnp.asarray(leaf)[place], stack.params)


def start_by_seed(task: Task, stack: Stack, load: Sequence[Rule]) -> Task:
    """The task whose runs start from the stack's run of their own seed; see `nn_core.transfer.fine_tuning.start_from`."""

    def init(key: Array, hparams: Hparams) -> Params:
        return transplant(task.init(key, hparams), chosen(stack, key, lambda keys: keys.init), load)

    return task._replace(init=init)
