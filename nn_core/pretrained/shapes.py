"""Shapes of a module's parameters, without computing one and without tracing equal layers again."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax

from nn_core.training.manifest import named_leaves

Path = tuple[str, ...]


def parameter_shapes(module: nn.Module, example: Any) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter of a module, by path such as "stack/block_0/attention/qkv/kernel".

    Args:
        module: its layers are not scanned.
        example: an input, as an array or a `jax.ShapeDtypeStruct`.
    Raises:
        ValueError: fields that describe no module.
    """
    twins: dict[Path, Path] = {}

    def init(key: jax.Array, inputs: Any) -> Any:
        with nn.intercept_methods(_trace_once(twins)):
            return module.init(key, inputs)

    params = jax.eval_shape(init, jax.eval_shape(jax.random.key, 0), example)["params"]
    found = {name: leaf.shape for name, leaf in named_leaves(params).items()}
    for twin, first in twins.items():
        start = "/".join(first) + "/"
        found |= {"/".join(twin) + "/" + path[len(start) :]: found[path] for path in found if path.startswith(start)}
    return found


def _trace_once(twins: dict[Path, Path]) -> Callable[..., Any]:
    """Calls the first of a parent's numbered parts only: block_1 of the same fields, on inputs of the same shapes, has
    the parameters of block_0 and gives what it gave. Which is whose twin is put into `twins`."""
    seen: dict[Any, list[tuple[Any, Any, Path]]] = {}  # kind and place -> (fields and shapes, what it gave, its path)

    def call(method: Callable[..., Any], args: Any, kwargs: Any, context: nn.module.InterceptorContext) -> Any:
        part = context.module
        name = part.name or ""
        if context.method_name != "__call__" or not name.rpartition("_")[2].isdigit() or part.scope is None:
            return method(*args, **kwargs)
        fields = {field: getattr(part, field) for field in part.__dataclass_fields__ if field not in ("parent", "name")}
        leaves = jax.tree.leaves((args, kwargs))
        about = fields, [(leaf.shape, leaf.dtype) if hasattr(leaf, "shape") else leaf for leaf in leaves]
        alike = seen.setdefault((type(part), part.scope.path[:-1], jax.tree.structure((args, kwargs))), [])
        for known, found, first in alike:
            if known == about:
                twins[part.scope.path] = first
                return found
        found = method(*args, **kwargs)
        alike.append((about, found, part.scope.path))
        return found

    return call
