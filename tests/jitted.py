"""Programs that the tests of a process share: a model is traced once, however many tests call it; and its parameters.

Most of a test's time goes into its programs; `jax.jit(model.apply)` anew in every test traces, lowers and compiles anew.
"""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np


@functools.cache
def method(model: nn.Module, name: str = "__call__", *, static: tuple[str, ...] = (), **fixed: Any) -> Callable:
    """A model's method, jitted: (variables, *arguments) -> result.

    Equal models share a program, also where they are not the same object.

    Args:
        model: hashable, as Flax's modules are while their fields are.
        name: of the method.
        static: names of the arguments that are structure.
        fixed: keywords that every call has.
    """
    return jax.jit(functools.partial(model.apply, method=name, **fixed), static_argnames=static)


@functools.cache
def initializer(model: nn.Module) -> Callable:
    """A model's `init`, jitted: (key, *arguments) -> variables."""
    return jax.jit(model.init)


def drawn(model: nn.Module, *inputs: Any, stddev: float = 1.0, seed: int = 1) -> Any:
    """Normal variables of a model's shapes, from NumPy: compiling an initializer takes longer than a test."""
    rng, shapes = np.random.default_rng(seed), jax.eval_shape(model.init, jax.random.key(0), *inputs)
    return jax.tree.map(lambda leaf: jnp.asarray(stddev * rng.normal(size=leaf.shape), jnp.float32), shapes)
