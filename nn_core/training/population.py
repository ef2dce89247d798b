"""Many runs as one program: `vmap` over (state, key, hparams), the member axis sharded over the devices.

A member's keys depend only on its own seed, so it equals its solo run whatever other members there are.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from nn_core.tasks.base import Hparams
from nn_core.training.program import Program

MEMBER_AXIS = "member"
ALIGNMENT = 64  # bytes; a CPU device reads a host array that begins at a multiple of it in place
MIN_BLOCK, MAX_BLOCK = 4, 8  # members that a CPU core trains side by side
# LLVM's first level on CPU: the programs run as fast as at the third (matrix products are library calls) and compile
# in 55 to 80 % of the time, which is most of the time of a small sweep.
COMPILER_OPTIONS: dict[str, dict[str, int | str]] = {"cpu": {"xla_backend_optimization_level": 1}}
if jax.__version_info__[:2] <= (0, 12):  # later ones may not know the option, and would refuse to compile
    # Matrix products by Eigen, only reductions by YNNPACK: a training step takes 0.89 of the time with a GPT of 6 layers
    # and width 384, 0.94 with the CNN, 0.98 with a GPT of width 128, the same with MLPs (paired, two AVX2 cores).
    COMPILER_OPTIONS["cpu"]["xla_cpu_experimental_ynn_fusion_type"] = "LIBRARY_FUSION_TYPE_REDUCE"


class Members(NamedTuple):
    """The members to train: a root key and a value of every hparam for each of them (leading axis P)."""

    keys: Array
    hparams: Hparams


def make_members(seeds: Sequence[int], hparams: Sequence[dict[str, float]]) -> Members:
    """Stacks seeds and hparams.

    Args:
        seeds: P seeds.
        hparams: P dicts with the same names.
    Returns:
        The members, hparams as float32 of shape (P,).
    Raises:
        ValueError: the dicts differ in their names (they belong to different programs).
    """
    names = set(hparams[0])
    for other in hparams:
        if set(other) != names:
            raise ValueError(f"members set different hparams: {sorted(names)} and {sorted(other)}; group them first")
    stacked: dict[str, Any] = {name: np.asarray([one[name] for one in hparams], np.float32) for name in sorted(names)}
    return Members(root_keys(seeds), stacked)


def root_keys(seeds: Sequence[int]) -> Array:
    """The root key of each run, made by a single program instead of one per operation."""
    return _keys(np.asarray(seeds, np.uint32))


_keys = jax.jit(jax.vmap(jax.random.key))


def member(tree: Any, index: int) -> Any:
    """One member's part of a population's tree."""
    return jax.tree.map(lambda leaf_P: leaf_P[index], tree)


def populate(program: Program, num_members: int, devices: Sequence[jax.Device] | None = None) -> tuple[Program, Mesh]:
    """Turns the functions of one run into jitted functions of a population, every leaf with a leading member axis.

    A population of one is the run itself with an added axis, without vmap and with identical numbers.

    Args:
        program: the pure functions of one run.
        num_members: P; a multiple of the number of devices, or 1.
        devices: default: all local devices (only the first for a population of one).
    Returns:
        (the program over populations, the mesh that carries the member axis).
    Raises:
        ValueError: P does not divide over the devices.
    """
    devices = list(devices or jax.local_devices())[: None if num_members > 1 else 1]
    if num_members % len(devices):
        raise ValueError(f"num_members={num_members} is not a multiple of the {len(devices)} devices; pad it")
    mesh = Mesh(np.asarray(devices), (MEMBER_AXIS,), axis_types=(AxisType.Auto,))
    populated = Program(
        start=over_members(program.start, (0, 0, None), num_members, mesh),
        prepare=over_members(program.prepare, (0, None), num_members, mesh),
        advance=over_members(program.advance, (0, 0, 0, 0, None, None), num_members, mesh, donate=(0,)),
        evaluate=over_members(program.evaluate, (0, 0, 0, 0, None), num_members, mesh, donate=(0,)),
        finish=over_members(program.finish, (0, 0, 0, 0, None), num_members, mesh),
    )
    return populated, mesh


def over_members(
    function: Callable, in_axes: tuple[int | None, ...], num_members: int, mesh: Mesh, donate: tuple[int, ...] = ()
) -> Callable:
    """A function of one run as one jitted program over a population.

    Args:
        function: of trees.
        in_axes: 0 for each argument with a leading member axis, None for a shared one.
        num_members: P; a multiple of the mesh's devices, or 1.
        mesh: carries the member axis.
        donate: indices of the arguments whose memory the result may reuse.
    Returns:
        The function; every leaf of its result has a leading member axis.
    """
    devices = mesh.devices.ravel()
    if num_members == 1:
        lifted = lift_one(function, in_axes)
    else:
        specs = tuple(P(MEMBER_AXIS) if axis == 0 else P() for axis in in_axes)
        block = block_size(num_members // len(devices), devices[0].platform)
        lifted = jax.shard_map(
            in_blocks(function, in_axes, block), mesh=mesh, in_specs=specs, out_specs=P(MEMBER_AXIS), check_vma=False
        )
    named(lifted, function)
    return jit_over_members(mesh, lifted, donate_argnums=donate)


def lift_one(function: Callable, in_axes: tuple[int | None, ...]) -> Callable:
    """A function of one run as a function of a population of one, under its own name."""
    return named(around_one(function, in_axes), function)


def named(lifted: Callable, function: Callable) -> Callable:
    """The lifted function under the name of the original, which appears in profiles, logs and a test."""
    lifted.__name__ = (function.func if isinstance(function, partial) else function).__name__
    return lifted


def jit_over_members(mesh: Mesh, function: Callable, *, donate_argnums: tuple[int, ...]) -> Callable:
    """Jits a function of trees with leading member axes; like `jax.jit`, with the mesh that carries that axis."""
    # Given explicitly: a state from a checkpoint is placed like this and must not lead to another program.
    sharding = NamedSharding(mesh, P(MEMBER_AXIS))
    options = compiler_options(mesh)
    return jax.jit(function, donate_argnums=donate_argnums, out_shardings=sharding, compiler_options=options)


def compiler_options(mesh: Mesh) -> dict[str, int | str] | None:
    """Compiler options for the platform of the mesh; None if there are none."""
    return COMPILER_OPTIONS.get(mesh.devices.flat[0].platform)


def train_all(function: Callable, *by_member: Any) -> Any:
    """Applies a function of one run to every member: one program on all devices, for any number of members.

    Args:
        function: of as many trees as there are arguments.
        by_member: trees with a leading member axis.
    Returns:
        Its results with a leading member axis, on the host.
    """
    num_members = len(jax.tree.leaves(by_member)[0])
    devices = jax.local_devices()[: None if num_members > 1 else 1]
    size = -(-num_members // len(devices)) * len(devices)
    mesh = Mesh(np.asarray(devices), (MEMBER_AXIS,), axis_types=(AxisType.Auto,))
    program = over_members(function, (0,) * len(by_member), size, mesh)
    if size > num_members:  # padding by copies of the last member
        rows = np.minimum(np.arange(size), num_members - 1)
        by_member = jax.tree.map(lambda leaf: leaf[rows], by_member)
    return jax.tree.map(lambda leaf: leaf[:num_members], jax.device_get(program(*by_member)))


def block_size(num_members: int, platform: str) -> int:
    """The number of members that a device runs side by side; on a CPU, few enough for their states to stay in the cache.

    Without blocks the time of a member doubles from 8 to 256 members of 26,000 parameters.

    >>> block_size(128, "cpu"), block_size(12, "cpu"), block_size(128, "gpu"), block_size(17, "cpu")
    (8, 6, 128, 17)
    """
    if platform != "cpu":
        return num_members
    divisors = [size for size in range(MIN_BLOCK, MAX_BLOCK + 1) if num_members % size == 0]
    return max(divisors, default=num_members)


def in_blocks(function: Callable, in_axes: tuple[int | None, ...], block: int) -> Callable:
    """Applies `vmap` to blocks of members, one block after the other, in one program."""

    def mapped(*arguments: Any) -> Any:
        by_member = tuple(tree for tree, axis in zip(arguments, in_axes, strict=True) if axis == 0)

        def one(parts: tuple[Any, ...]) -> Any:
            rest = iter(parts)
            return function(*(next(rest) if axis == 0 else tree for tree, axis in zip(arguments, in_axes, strict=True)))

        if len(jax.tree.leaves(by_member)[0]) == block:
            return jax.vmap(one)(by_member)
        return jax.lax.map(one, by_member, batch_size=block)

    return mapped


def around_one(function: Callable, in_axes: tuple[int | None, ...]) -> Callable:
    """A function of one run as a function of a population of one."""

    def lifted(*arguments: Any) -> Any:
        one = [member(tree, 0) if axis == 0 else tree for tree, axis in zip(arguments, in_axes, strict=True)]
        return jax.tree.map(lambda leaf: leaf[None], function(*one))

    return lifted


def aligned(leaf: Any) -> Any:
    """A host array that all devices of a CPU share, instead of a copy on each; other leaves as they are.

    An array that stays on the disk, or that a device stores as another type, is not copied here.
    """
    if type(leaf) is not np.ndarray or leaf.dtype != jax.dtypes.canonicalize_dtype(leaf.dtype):
        return leaf
    if leaf.ctypes.data % ALIGNMENT == 0 and leaf.flags.c_contiguous:
        return leaf
    room = np.empty(leaf.nbytes + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    copy = room[start : start + leaf.nbytes].view(leaf.dtype).reshape(leaf.shape)
    copy[...] = leaf
    return copy


def place(tree: Any, mesh: Mesh, *, by_member: bool) -> Any:
    """Puts a tree on the mesh: split along its leading axis, or whole on every device."""
    sharding = sharding_on(mesh, by_member)
    return jax.tree.map(lambda leaf: put(leaf, sharding), tree)


def put(leaf: Any, sharding: Any) -> Array:
    """Places an array by its sharding; if every process has the array, each places its own part."""
    if isinstance(leaf, Array) and leaf.sharding == sharding:
        return leaf
    if sharding.is_fully_addressable:
        return jax.device_put(leaf, sharding)
    if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        data = put(jax.random.key_data(leaf), sharding)
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(leaf))
    host = np.asarray(leaf)
    host = host.astype(jax.dtypes.canonicalize_dtype(host.dtype), copy=False)
    return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])


def shapes_on(mesh: Mesh, tree: Any, *, by_member: bool) -> Any:
    """The result of `place` as shapes; a function traced with them is not traced again for the arrays."""

    def shape(leaf: Any) -> jax.ShapeDtypeStruct:
        dtype = jax.dtypes.canonicalize_dtype(leaf.dtype) if isinstance(leaf, np.ndarray) else leaf.dtype
        return jax.ShapeDtypeStruct(leaf.shape, dtype, sharding=sharding_on(mesh, by_member))

    return jax.tree.map(shape, tree)


def sharding_on(mesh: Mesh, by_member: bool) -> NamedSharding:
    """Split along the leading axis, or whole on every device."""
    return NamedSharding(mesh, P(MEMBER_AXIS) if by_member else P())


def with_shardings(tree: Any, sharding: Any) -> Any:
    """Shapes with the shardings that their arrays will have.

    Args:
        tree: shapes.
        sharding: one for all, or a tree of one for each.
    """
    each = jax.tree.map(lambda _: sharding, tree) if isinstance(sharding, NamedSharding) else sharding
    return jax.tree.map(lambda leaf, one: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=one), tree, each)
