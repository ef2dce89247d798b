"""Programs that the tests of a process share: a model is traced once, however many tests call it; and its parameters.

Most of a test's time goes into its programs; `jax.jit(model.apply)` anew in every test traces, lowers and compiles anew.
"""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
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


def shapes(model: nn.Module, *inputs: Any, **options: Any) -> Any:
    """Shapes of a model's variables for inputs (arrays, or tuples of them); traced once for each shape of the inputs."""
    inputs, options = jax.tree.map(jax.typeof, (inputs, options))
    return _shapes(model, inputs, tuple(options.items()))


@functools.cache
def _shapes(model: nn.Module, inputs: tuple[Any, ...], options: tuple[tuple[str, Any], ...]) -> Any:
    return jax.eval_shape(model.init, jax.random.key(0), *inputs, **dict(options))


def drawn(model: nn.Module, *inputs: Any, stddev: float = 1.0, seed: int = 1) -> Any:
    """Normal variables of a model's shapes, from NumPy: compiling an initializer takes longer than a test."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: (stddev * rng.normal(size=leaf.shape)).astype(np.float32), shapes(model, *inputs))
