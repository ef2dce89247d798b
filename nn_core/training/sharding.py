"""One run on many devices: where each array lies, as rules by parameter path that stand outside of every model.

A mesh has three axes. `data` splits the batch and copies the parameters; `fsdp` splits the batch and the parameters;
`tensor` splits the matrices inside a layer. `jit` is told where the state lies, XLA adds the communication, and the
functions of the run stay what they are on one device.

Source: F146; Rajbhandari et al. 2020 (ZeRO, which `fsdp` is); Shoeybi et al. 2019 (Megatron, which `tensor` is).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from nn_core.tasks.base import Batch, Data, Hparams, Metrics, Params, Plan, Task
from nn_core.training.population import MEMBER_AXIS, Members, compiler_options, lift_one
from nn_core.training.program import Program

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
RECURRENT: tuple[Rule, ...] = (
    ("input/kernel", (FSDP, None)),
    ("recurrent/kernel", (FSDP, None)),
    ("output/kernel", (FSDP, None)),
    ("*embedding/embedding", (None, FSDP)),
    EVERYTHING_ELSE,
)
DENSE: tuple[Rule, ...] = (("kernel", (FSDP, None)), EVERYTHING_ELSE)
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
            1, a large array that is split by nothing.
    """
    mesh, used, specs = layout.mesh, set(), []
    leaves = named(tree)
    for name, leaf in leaves.items():
        pattern, axes = next((rule for rule in layout.rules if _matches(name, rule[0])), EVERYTHING_ELSE)
        used.add(pattern)
        specs.append(_spec(name, leaf.shape, axes, mesh))
        if mesh.shape[FSDP] > 1 and _bytes(leaf) >= LARGE and not any(specs[-1]):
            raise ValueError(f"mesh.fsdp={mesh.shape[FSDP]} splits nothing of {name} {leaf.shape}; add a rule for it")
    unused = [pattern for pattern, _ in layout.rules if pattern not in used]
    if unused and layout.strict:
        raise ValueError(f"mesh.rules: {unused[0]!r} matches no array; there are {', '.join(leaves)}")
    return jax.tree.unflatten(jax.tree.structure(tree), specs)


def named(tree: Any) -> dict[str, Any]:
    """The arrays of a tree by path."""
    found = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in found}


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*/{pattern}")


def _spec(name: str, shape: tuple[int, ...], axes: tuple[Axes, ...], mesh: Mesh) -> P:
    """The axes of the last dimensions, None for those before (the layers of a scanned stack)."""
    if len(axes) > len(shape):
        return P()  # a count that stands where others have a matrix
    spec = (None,) * (len(shape) - len(axes)) + axes
    for size, entry in zip(shape, spec, strict=True):
        parts = _parts(entry, mesh)
        if size % parts:
            axis = " x ".join(_names(entry))
            raise ValueError(
                f"mesh: {name} {shape} has a dimension of {size}, which {axis} = {parts} does not divide; "
                f"use one of {_divisors(size)}"
            )
    return P(*(entry if _parts(entry, mesh) > 1 else None for entry in spec))


def _names(entry: Axes) -> tuple[str, ...]:
    return () if entry is None else (entry,) if isinstance(entry, str) else entry


def _parts(entry: Axes, mesh: Mesh) -> int:
    return math.prod(mesh.shape[axis] for axis in _names(entry))


def _divisors(number: int) -> str:
    return ", ".join(str(d) for d in range(1, number + 1) if number % d == 0)


def _bytes(leaf: Any) -> int:
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def _show(shape: MeshShape) -> str:
    return ", ".join(f"{axis}={size}" for axis, size in shape._asdict().items())


def _is_spec(leaf: Any) -> bool:
    return isinstance(leaf, P)


def state_shardings(state: Any, layout: Layout) -> Any:
    """The sharding of every array of a state, which has a leading member axis of size 1."""
    specs = specs_of(jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), state), layout)
    return jax.tree.map(lambda spec: NamedSharding(layout.mesh, P(MEMBER_AXIS, *spec)), specs, is_leaf=_is_spec)


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
    flat = jax.tree.leaves(specs_of(state, layout), is_leaf=_is_spec)
    lines = []
    for (name, leaf), spec in zip(named(state).items(), flat, strict=True):
        parts = math.prod(_parts(entry, layout.mesh) for entry in spec)
        lines.append(
            Placement(name, leaf.shape, (*spec, *(None,) * (len(leaf.shape) - len(spec))), _bytes(leaf) // parts)
        )
    return lines


def on_mesh(task: Task, layout: Layout) -> Task:
    """The task with its batches split over data and fsdp and its parameters gathered over fsdp where a step needs them.

    Between the steps every device keeps its part of the parameters and of their moments. The gradient of the gathering
    is the scattering, so a gradient comes back in parts. Without this XLA may gather activations instead of weights.
    """
    mesh = layout.mesh
    parts = mesh.shape[DATA] * mesh.shape[FSDP]
    split = NamedSharding(mesh, P((DATA, FSDP)))

    def place(leaf: Array) -> Array:
        if leaf.shape[0] % parts:
            raise ValueError(
                f"a batch of {leaf.shape[0]} examples does not divide over data x fsdp = {parts}; "
                f"use one of {_divisors(leaf.shape[0])}, or another config.data.batch_size"
            )
        return jax.lax.with_sharding_constraint(leaf, split)

    def without_fsdp(spec: P) -> NamedSharding:
        kept = [tuple(axis for axis in _names(entry) if axis != FSDP) or None for entry in spec]
        return NamedSharding(mesh, P(*kept))

    def loss(params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
        gathered = jax.tree.map(without_fsdp, specs_of(params, layout), is_leaf=_is_spec)
        return task.loss(jax.lax.with_sharding_constraint(params, gathered), batch, hparams, key)

    def batch(data: Data, plan: Plan) -> Batch:
        return jax.tree.map(place, task.batch(data, plan))

    return task._replace(loss=loss, batch=batch)


def spread(program: Program, layout: Layout, members: Members, data: Data) -> tuple[Program, Any]:
    """The functions of one run as jitted functions whose state lies where the layout says.

    Args:
        program: the pure functions of one run, of a task `on_mesh`.
        layout: mesh and rules.
        members: keys and hparams, or their shapes, of a population of one.
        data: arrays, or their shapes.
    Returns:
        (the program, every leaf with a member axis of size 1; the shardings of the state).
    Raises:
        ValueError: rules that do not fit the state.
    """
    mesh, whole = layout.mesh, NamedSharding(layout.mesh, P())
    options = compiler_options(mesh)
    state = state_shardings(jax.eval_shape(lift_one(program.start, (0, 0, None)), *members, data), layout)

    def jit(function: Callable, in_axes: tuple[int | None, ...], out: Any, donate: tuple[int, ...] = ()) -> Callable:
        lifted = lift_one(function, in_axes)
        return jax.jit(lifted, out_shardings=out, donate_argnums=donate, compiler_options=options)

    spread_program = Program(
        start=jit(program.start, (0, 0, None), state),
        prepare=jit(program.prepare, (0, None), whole),
        advance=jit(program.advance, (0, 0, 0, 0, None, None), (state, whole), donate=(0,)),
        evaluate=jit(program.evaluate, (0, 0, 0, 0, None), (state, whole), donate=(0,)),
        finish=jit(program.finish, (0, 0, 0, 0, None), whole),
    )
    return spread_program, state


def count_collectives(compiled_text: str) -> Mapping[str, int]:
    """How often each collective stands in a compiled program's text, started ones counted once.

    >>> count_collectives("x = f32[2] all-reduce(y), z = f32[] all-gather-start(w), all-gather-done(z)")
    {'all-reduce': 1, 'all-gather': 1}
    """
    kinds = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
    counts = {kind: compiled_text.count(f" {kind}(") + compiled_text.count(f" {kind}-start(") for kind in kinds}
    return {kind: count for kind, count in counts.items() if count}
