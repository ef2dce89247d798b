"""One run on many devices: where each array lies, as rules by parameter path that stand outside of every model.

A mesh has three axes. `data` splits the batch and copies the parameters; `fsdp` splits the batch and the parameters;
`tensor` splits the matrices inside a layer. `jit` is told where the state lies, XLA adds the communication, and the
functions of the run stay what they are on one device.

Source: F146; Rajbhandari et al. 2020 (ZeRO, which `fsdp` is); Shoeybi et al. 2019 (Megatron, which `tensor` is).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from nn_core.tasks.base import Batch, Data, Plan, Task
from nn_core.training.population import MEMBER_AXIS, compiler_options, lift_one
from nn_core.training.program import Program
from nn_core.training.state import TrainState

DATA, FSDP, TENSOR = "data", "fsdp", "tensor"
AXES = (DATA, FSDP, TENSOR)
REST = -1  # the size of an axis that takes the devices that the others leave
LARGE = 2**20  # bytes of an array that fsdp must split
Axes = str | tuple[str, ...] | None  # the mesh axes that split one dimension of an array
Rule = tuple[str, tuple[Axes, ...]]  # path pattern, and the axes of the LAST dimensions of the arrays that it matches

# Each list is in order, the first match wins. Both dimensions of a matrix are split, so that fsdp and tensor may be
# used alone or together. Vocabularies and classes are never split: their sizes divide by nothing.
EVERYTHING_ELSE: Rule = ("*", ())
TRANSFORMER: tuple[Rule, ...] = (
    ("*/qkv/kernel", (FSDP, TENSOR)),
    ("*/out/kernel", (TENSOR, FSDP)),
    ("*/up/kernel", (FSDP, TENSOR)),
    ("*/down/kernel", (TENSOR, FSDP)),
    ("*embedding/embedding", (None, FSDP)),
    EVERYTHING_ELSE,
)
DENSE: tuple[Rule, ...] = (("*/kernel", (FSDP, None)), EVERYTHING_ELSE)
CONVOLUTIONAL: tuple[Rule, ...] = (("conv_*/kernel", (None, FSDP)), ("dense_*/kernel", (FSDP, None)), EVERYTHING_ELSE)


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
        ValueError: a size that cannot be, two that are REST, or a product that is not the number of devices.
    """
    given = [size for size in shape if size != REST]
    product = math.prod(given)
    if any(size < 1 for size in given) or len(given) < len(AXES) - 1:
        raise ValueError(f"mesh {_show(shape)} needs sizes >= 1, one of them may be {REST} (what is left)")
    if REST in shape and num_devices % product == 0:
        return MeshShape(*(num_devices // product if size == REST else size for size in shape))
    if product != num_devices:
        divisors = [size for size in range(1, num_devices + 1) if num_devices % size == 0]
        raise ValueError(
            f"mesh {_show(shape)} needs {product} devices{' or a multiple' if REST in shape else ''}, there are "
            f"{num_devices}; use sizes whose product is one of {', '.join(map(str, divisors))}, or leave one at {REST}"
        )
    return shape


def make_run_mesh(shape: MeshShape, devices: Sequence[jax.Device]) -> Mesh:
    """The mesh of one run: a member axis of size 1, as every program of a population has it, then the three axes."""
    sizes = resolve(shape, len(devices))
    names = (MEMBER_AXIS, *AXES)
    return Mesh(np.asarray(devices).reshape(1, *sizes), names, axis_types=(AxisType.Auto,) * len(names))


def run_specs(state: Any, rules: Sequence[Rule], mesh: Mesh) -> Any:
    """How each leaf of a state is split, as a tree of PartitionSpecs.

    The optimizer's state repeats the parameters' paths, so a rule takes a parameter and its moments alike.

    Args:
        state: shapes of a run's state, with a leading member axis of size 1.
        rules: in order, the first match wins; a pattern is compared with the end of a leaf's path.
        mesh: of `make_run_mesh`.
    Raises:
        ValueError: a rule that matches no leaf, a dimension that an axis does not divide, or, where fsdp is more than
            1, a large array that is split by nothing.
    """
    leaves = [(jax.tree_util.keystr(path, simple=True, separator="/"), leaf) for path, leaf in _leaves(state)]
    used: set[str] = set()
    specs = []
    for name, leaf in leaves:
        pattern, axes = next((rule for rule in rules if _matches(name, rule[0])), EVERYTHING_ELSE)
        used.add(pattern)
        specs.append(_spec(name, leaf, axes, mesh))
    unused = [pattern for pattern, _ in rules if pattern not in used and pattern != EVERYTHING_ELSE[0]]
    if unused:
        raise ValueError(f"mesh rule {unused[0]!r} matches no parameter; there are {', '.join(n for n, _ in leaves)}")
    if mesh.shape[FSDP] > 1:
        whole = [n for (n, leaf), spec in zip(leaves, specs, strict=True) if _bytes(leaf) >= LARGE and not any(spec)]
        if whole:
            raise ValueError(f"mesh.fsdp={mesh.shape[FSDP]} splits nothing of {whole[0]}; add a rule for it")
    return jax.tree.unflatten(jax.tree.structure(state), specs)


def _leaves(state: Any) -> Iterator[tuple[Any, Any]]:
    yield from jax.tree_util.tree_leaves_with_path(state)


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*/{pattern}")


def _spec(name: str, leaf: Any, axes: tuple[Axes, ...], mesh: Mesh) -> P:
    """The axes of the last dimensions, None for those before; the member axis is the first."""
    if len(axes) > len(leaf.shape) - 1:
        return P(MEMBER_AXIS)  # a count that stands where a matrix does for others
    spec = (None,) * (len(leaf.shape) - 1 - len(axes)) + axes
    for size, entry in zip(leaf.shape[1:], spec, strict=True):
        parts = math.prod(mesh.shape[axis] for axis in _names(entry))
        if size % parts:
            divisors = [d for d in range(1, size + 1) if size % d == 0]
            raise ValueError(
                f"mesh: {name} of shape {leaf.shape[1:]} has a dimension of {size}, which "
                f"{' x '.join(_names(entry))} = {parts} does not divide; use one of {', '.join(map(str, divisors))}"
            )
    return P(MEMBER_AXIS, *(entry if _split(entry, mesh) else None for entry in spec))


def _names(entry: Axes) -> tuple[str, ...]:
    return () if entry is None else (entry,) if isinstance(entry, str) else entry


def _split(entry: Axes, mesh: Mesh) -> bool:
    return any(mesh.shape[axis] > 1 for axis in _names(entry))


def _bytes(leaf: Any) -> int:
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def _show(shape: MeshShape) -> str:
    return ", ".join(f"{axis}={size}" for axis, size in shape._asdict().items())


def shardings(specs: Any, mesh: Mesh) -> Any:
    """PartitionSpecs as shardings, leaf by leaf."""
    return jax.tree.map(partial(NamedSharding, mesh), specs, is_leaf=lambda leaf: isinstance(leaf, P))


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


def placements(state: Any, specs: Any, mesh: Mesh) -> list[Placement]:
    """The plan of a state, line by line."""
    flat = jax.tree.leaves(specs, is_leaf=lambda leaf: isinstance(leaf, P))
    lines = []
    for (path, leaf), spec in zip(_leaves(state), flat, strict=True):
        parts = math.prod(mesh.shape[axis] for entry in spec[1:] for axis in _names(entry))
        entries = tuple(spec[1:]) + (None,) * (len(leaf.shape) - len(spec))
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        lines.append(Placement(name, leaf.shape[1:], entries, _bytes(leaf) // parts))
    return lines


def split_batches(task: Task, mesh: Mesh) -> Task:
    """The task with each batch split over data and fsdp, and nothing else changed."""
    parts = mesh.shape[DATA] * mesh.shape[FSDP]
    split = NamedSharding(mesh, P((DATA, FSDP)))

    def place(leaf: Array) -> Array:
        if leaf.shape[0] % parts:
            divisors = [d for d in range(1, leaf.shape[0] + 1) if leaf.shape[0] % d == 0]
            raise ValueError(
                f"a batch of {leaf.shape[0]} examples does not divide over data x fsdp = {parts}; "
                f"use one of {', '.join(map(str, divisors))}, or another config.data.batch_size"
            )
        return jax.lax.with_sharding_constraint(leaf, split)

    def batch(data: Data, plan: Plan) -> Batch:
        return jax.tree.map(place, task.batch(data, plan))

    return task._replace(batch=batch)


def jit_run(program: Program, specs: Any, mesh: Mesh) -> Program:
    """The functions of one run, jitted with the state where the specs say; every leaf has a member axis of size 1.

    Args:
        program: the pure functions of one run, of a task whose batches are split.
        specs: of `run_specs`.
        mesh: of `make_run_mesh`.
    """
    state, whole = shardings(specs, mesh), NamedSharding(mesh, P())
    options = compiler_options(mesh)

    def jit(function: Any, in_axes: tuple[int | None, ...], out: Any, donate: tuple[int, ...] = ()) -> Any:
        lifted = lift_one(function, in_axes)
        return jax.jit(lifted, out_shardings=out, donate_argnums=donate, compiler_options=options)

    return Program(
        start=jit(program.start, (0, 0, None), state),
        prepare=jit(program.prepare, (0, None), whole),
        advance=jit(program.advance, (0, 0, 0, 0, None, None), (state, whole), donate=(0,)),
        evaluate=jit(program.evaluate, (0, 0, 0, 0, None), (state, whole), donate=(0,)),
        finish=jit(program.finish, (0, 0, 0, 0, None), whole),
    )


def count_collectives(compiled_text: str) -> Mapping[str, int]:
    """How often each collective stands in a compiled program's text, started ones counted once.

    >>> count_collectives("x = f32[2] all-reduce(y), z = f32[] all-gather-start(w), all-gather-done(z)")
    {'all-reduce': 1, 'all-gather': 1}
    """
    kinds = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
    counts = {kind: compiled_text.count(f" {kind}(") + compiled_text.count(f" {kind}-start(") for kind in kinds}
    return {kind: count for kind, count in counts.items() if count}


def state_shapes(state: TrainState, specs: Any, mesh: Mesh) -> TrainState:
    """Shapes of a state with their shardings: what is traced with them is not traced again for the arrays."""

    def shape(leaf: Any, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)

    return jax.tree.map(shape, state, shardings(specs, mesh))
