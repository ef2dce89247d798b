"""One run on many devices: where each array lies, as rules by parameter path that stand outside of every model.

A mesh has three axes. `data` splits the batch and copies the parameters; `fsdp` splits the batch and the parameters;
`tensor` splits the matrices inside a layer. `jit` is told where the state lies, XLA adds the communication, and the
functions of the run stay what they are on one device.

Source: F146; Rajbhandari et al. 2020 (ZeRO, which `fsdp` is); Shoeybi et al. 2019 (Megatron, which `tensor` is).
"""

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from nn_core.training.population import MEMBER_AXIS

DATA, FSDP, TENSOR = "data", "fsdp", "tensor"
AXES = (DATA, FSDP, TENSOR)
REST = -1  # the size of an axis that takes the remaining devices
LARGE = 2**20  # bytes of an array that fsdp must split
Axes = str | tuple[str, ...] | None  # the mesh axes that split one dimension of an array
Rule = tuple[str, tuple[Axes, ...]]  # path pattern, and the axes of the LAST dimensions of the arrays that it matches

# Each list is in order, the first match wins. fsdp and tensor may be used alone or together: in a transformer each splits
# one dimension of a matrix, elsewhere both split its rows. Vocabularies and classes are never split: their sizes have few
# divisors.
EVERYTHING_ELSE: Rule = ("*", ())
TRANSFORMER: tuple[Rule, ...] = (
    ("qkv/kernel", (FSDP, TENSOR)),
    ("query/kernel", (FSDP, TENSOR)),
    ("key/kernel", (FSDP, TENSOR)),
    ("value/kernel", (FSDP, TENSOR)),
    ("out/kernel", (TENSOR, FSDP)),
    ("up/kernel", (FSDP, TENSOR)),
    ("gate/kernel", (FSDP, TENSOR)),
    ("down/kernel", (TENSOR, FSDP)),
    ("patch_embedding/kernel", (None, FSDP)),
    ("head/kernel", (FSDP, None)),
    ("*embedding/embedding", (None, FSDP)),
    EVERYTHING_ELSE,
)
ROWS: tuple[Axes, ...] = ((FSDP, TENSOR), None)
RECURRENT: tuple[Rule, ...] = (
    ("input/kernel", ROWS),
    ("recurrent/kernel", ROWS),
    ("output/kernel", ROWS),
    ("*embedding/embedding", (None, FSDP)),
    EVERYTHING_ELSE,
)
DENSE: tuple[Rule, ...] = (("kernel", ROWS), EVERYTHING_ELSE)
CONVOLUTIONAL: tuple[Rule, ...] = (
    ("conv_*/kernel", (None, None, None, (FSDP, TENSOR))),
    ("dense_*/kernel", ROWS),
    EVERYTHING_ELSE,
)


class MeshShape(NamedTuple):
    """Sizes of the axes, each >= 1; one of them may be REST.

    Attributes:
        data: copies of the parameters, each with its part of the batch.
        fsdp: parts of the parameters and of the batch.
        tensor: parts of the matrices inside a layer.
    """

    data: int = REST
    fsdp: int = 1
    tensor: int = 1


def resolve(shape: MeshShape, num_devices: int) -> MeshShape:
    """The sizes with REST filled in.

    >>> resolve(MeshShape(fsdp=2), 8)
    MeshShape(data=4, fsdp=2, tensor=1)

    Raises:
        ValueError: an impossible size, two that are REST, or a product that is not the number of devices.
    """
    given = [size for size in shape if size != REST]
    product = math.prod(given)
    if any(size < 1 for size in given) or len(given) < len(AXES) - 1:
        raise ValueError(f"mesh {_show(shape)} needs sizes >= 1, one of them may be {REST} (what is left)")
    if REST in shape and num_devices % product == 0:
        return MeshShape(*(num_devices // product if size == REST else size for size in shape))
    if product != num_devices:
        raise ValueError(
            f"mesh {_show(shape)} needs {product} devices{' or a multiple' if REST in shape else ''}, there are "
            f"{num_devices}; use sizes whose product is one of {divisors(num_devices)}, or leave one at {REST}"
        )
    return shape


def make_run_mesh(shape: MeshShape, devices: Sequence[jax.Device]) -> Mesh:
    """The mesh of one run: a member axis of size 1, as every program of a population has it, then the three axes."""
    sizes = resolve(shape, len(devices))
    names = (MEMBER_AXIS, *AXES)
    return Mesh(np.asarray(devices).reshape(1, *sizes), names, axis_types=(AxisType.Auto,) * len(names))


class Layout(NamedTuple):
    """Where one run lies.

    Attributes:
        mesh: of `make_run_mesh`.
        rules: in order, the first match wins; a pattern is compared with the end of an array's path.
        strict: every rule must match something; False for the list of a family, which covers its variants.
    """

    mesh: Mesh
    rules: tuple[Rule, ...]
    strict: bool = True


def specs_of(tree: Any, layout: Layout) -> Any:
    """How each array of a tree is split, as a tree of PartitionSpecs.

    The optimizer's state repeats the parameters' paths, so a rule takes a parameter and its moments alike.

    Args:
        tree: arrays or shapes.
        layout: mesh and rules.
    Raises:
        ValueError: a rule that matches nothing, a dimension that an axis does not divide, or, where fsdp is more than
            1, a large array that nothing splits.
    """
    mesh, used, specs = layout.mesh, set(), []
    leaves = named(tree)
    for name, leaf in leaves.items():
        pattern, axes = rule_of(name, layout)
        used.add(pattern)
        specs.append(_spec(name, leaf.shape, axes, mesh))
        if mesh.shape[FSDP] > 1 and _bytes(leaf) >= LARGE and not any(specs[-1]):
            raise ValueError(f"mesh.fsdp={mesh.shape[FSDP]} splits nothing of {name} {leaf.shape}; add a rule for it")
    unused = [pattern for pattern, _ in layout.rules if pattern not in used]
    if unused and layout.strict:
        raise ValueError(f"mesh.rules: {unused[0]!r} matches no array; there are {', '.join(leaves)}")
    return jax.tree.unflatten(jax.tree.structure(tree), specs)


def rule_of(name: str, layout: Layout) -> Rule:
    """The first rule that matches a path."""
    return next((rule for rule in layout.rules if _matches(name, rule[0])), EVERYTHING_ELSE)


def in_a_step(params: Any, layout: Layout) -> Any:
    """Where each parameter lies while a step computes with it, as a tree of shardings: gathered over fsdp.

    A scanned stack, whose rule names the dimensions of one layer, stays split: a layer is gathered when its turn comes.
    """
    leaves = named(params)
    stacked = [len(leaf.shape) > len(rule_of(name, layout)[1]) for name, leaf in leaves.items()]
    specs = jax.tree.leaves(specs_of(params, layout), is_leaf=is_spec)
    lie = [spec if stack else without_fsdp(spec) for spec, stack in zip(specs, stacked, strict=True)]
    return jax.tree.unflatten(jax.tree.structure(params), [NamedSharding(layout.mesh, spec) for spec in lie])


def is_split(shardings: Any, axis: str) -> bool:
    """Whether some array of a tree of shardings is split over a mesh axis."""
    specs = [sharding.spec for sharding in jax.tree.leaves(shardings)]
    return any(axis in axis_names(entry) for spec in specs for entry in spec)


def without_fsdp(spec: P) -> P:
    """The same axes without fsdp."""
    return P(*(tuple(axis for axis in axis_names(entry) if axis != FSDP) or None for entry in spec))


def named(tree: Any) -> dict[str, Any]:
    """The arrays of a tree by path."""
    found = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in found}


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*/{pattern}")


def _spec(name: str, shape: tuple[int, ...], axes: tuple[Axes, ...], mesh: Mesh) -> P:
    """The axes of the last dimensions, None for those before (the layers of a scanned stack)."""
    if len(axes) > len(shape):
        return P()  # a count, in the place of a matrix
    spec = (None,) * (len(shape) - len(axes)) + axes
    for size, entry in zip(shape, spec, strict=True):
        parts = _parts(entry, mesh)
        if size % parts:
            axis = " x ".join(axis_names(entry))
            raise ValueError(
                f"mesh: {name} {shape} has a dimension of {size}, which {axis} = {parts} does not divide; "
                f"use one of {divisors(size)}"
            )
    return P(*(entry if _parts(entry, mesh) > 1 else None for entry in spec))


def axis_names(entry: Axes) -> tuple[str, ...]:
    """The axes that split one dimension."""
    return () if entry is None else (entry,) if isinstance(entry, str) else entry


def _parts(entry: Axes, mesh: Mesh) -> int:
    return math.prod(mesh.shape[axis] for axis in axis_names(entry))


def divisors(number: int) -> str:
    """The divisors of a number, for a message."""
    return ", ".join(str(d) for d in range(1, number + 1) if number % d == 0)


def _bytes(leaf: Any) -> int:
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def _show(shape: MeshShape) -> str:
    return ", ".join(f"{axis}={size}" for axis, size in shape._asdict().items())


def is_spec(leaf: Any) -> bool:
    """Whether a leaf of a tree is a PartitionSpec, which is a tuple to `jax.tree`."""
    return isinstance(leaf, P)


def state_shardings(state: Any, layout: Layout) -> Any:
    """The sharding of every array of a state, which has a leading member axis of size 1.

    Raises:
        ValueError: rules that do not fit the state, or a tensor axis that splits nothing.
    """
    specs = specs_of(jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), state), layout)
    split = {axis for spec in jax.tree.leaves(specs, is_leaf=is_spec) for entry in spec for axis in axis_names(entry)}
    if layout.mesh.shape[TENSOR] > 1 and TENSOR not in split:
        raise ValueError(
            f"mesh.tensor={layout.mesh.shape[TENSOR]} splits no array of this model, so its devices would repeat each "
            "other's work; use mesh.data or mesh.fsdp, or name arrays for it in mesh.rules"
        )
    return jax.tree.map(lambda spec: NamedSharding(layout.mesh, P(MEMBER_AXIS, *spec)), specs, is_leaf=is_spec)


class Placement(NamedTuple):
    """A line of the plan: where an array lies.

    Attributes:
        path: of the array.
        shape: without the member axis.
        spec: the axes of each dimension.
        device_bytes: what one device holds of it.
    """

    path: str
    shape: tuple[int, ...]
    spec: tuple[Axes, ...]
    device_bytes: int


def placements(state: Any, layout: Layout) -> list[Placement]:
    """The plan of a state, line by line.

    Args:
        state: shapes of one run's state, without a member axis.
        layout: mesh and rules.
    """
    flat = jax.tree.leaves(specs_of(state, layout), is_leaf=is_spec)
    lines = []
    for (name, leaf), spec in zip(named(state).items(), flat, strict=True):
        parts = math.prod(_parts(entry, layout.mesh) for entry in spec)
        lines.append(
            Placement(name, leaf.shape, (*spec, *(None,) * (len(leaf.shape) - len(spec))), _bytes(leaf) // parts)
        )
    return lines
