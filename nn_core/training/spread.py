"""One run on a mesh: the same task and the same functions, with `jit` told where the state lies."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
from jax import Array
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from nn_core.tasks.base import Batch, Data, Hparams, Metrics, Params, Plan, Task
from nn_core.training.population import Members, compiler_options, lift_one
from nn_core.training.program import Program
from nn_core.training.sharding import DATA, FSDP, Layout, axis_names, divisors, is_spec, specs_of, state_shardings


def on_mesh(task: Task, layout: Layout) -> Task:
    """The task with its batches split over data and fsdp and its parameters gathered over fsdp where a step needs them.

    Between the steps every device keeps its part of the parameters and of their moments. The gradient of the gathering
    is the scattering, so a gradient comes back in parts. Without this XLA may gather activations instead of weights.
    """
    mesh = layout.mesh
    parts = mesh.shape[DATA] * mesh.shape[FSDP]
    split = batch_sharding(layout)

    def place(leaf: Array) -> Array:
        if leaf.shape[0] % parts:
            raise ValueError(
                f"a batch of {leaf.shape[0]} examples does not divide over data x fsdp = {parts}; "
                f"use one of {divisors(leaf.shape[0])}, or another config.data.batch_size"
            )
        return jax.lax.with_sharding_constraint(leaf, split)

    def without_fsdp(spec: P) -> NamedSharding:
        kept = [tuple(axis for axis in axis_names(entry) if axis != FSDP) or None for entry in spec]
        return NamedSharding(mesh, P(*kept))

    def loss(params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
        gathered = jax.tree.map(without_fsdp, specs_of(params, layout), is_leaf=is_spec)
        return task.loss(jax.lax.with_sharding_constraint(params, gathered), batch, hparams, key)

    def batch(data: Data, plan: Plan) -> Batch:
        return jax.tree.map(place, task.batch(data, plan))

    return task._replace(loss=loss, batch=batch)


def batch_sharding(layout: Layout, axis: int = 0) -> NamedSharding:
    """How a batch lies: its examples, along this axis, over data and fsdp."""
    return NamedSharding(layout.mesh, P(*(None,) * axis, (DATA, FSDP)))


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
