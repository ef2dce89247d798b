"""One run on a mesh: the same task and the same functions, with `jit` told where the state lies."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import flax.linen as nn
import jax
from jax import Array
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from nn_core.tasks.base import Batch, Data, Hparams, Metrics, Params, Plan, Task
from nn_core.training.population import Members, compiler_options, lift_one
from nn_core.training.program import Program
from nn_core.training.sharding import DATA, FSDP, Layout, divisors, in_a_step, is_split, state_shardings


def on_mesh(task: Task, layout: Layout) -> Task:
    """The task with its batches split over data and fsdp and its parameters gathered over fsdp where a step needs them.

    Between the steps every device keeps its part of the parameters and of their moments. The gradient of the gathering
    is the scattering, so a gradient comes back in parts. Left to itself, XLA may gather activations instead of weights:
    so parameters are gathered at the start of a step, except for scanned stacks. Where there is one, what a layer returns
    stays split as the batch is; the layers are then gathered one by one, and again in the backward pass: a device never
    holds the stack.
    """
    parts = layout.mesh.shape[DATA] * layout.mesh.shape[FSDP]
    split = batch_sharding(layout)

    def place(leaf: Array) -> Array:
        if leaf.shape[0] % parts:
            raise ValueError(
                f"a batch of {leaf.shape[0]} examples does not divide over data x fsdp = {parts}; "
                f"use one of {divisors(leaf.shape[0])}, or another config.data.batch_size"
            )
        return jax.lax.with_sharding_constraint(leaf, split)

    def loss(params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
        lies = in_a_step(params, layout)
        params = jax.lax.with_sharding_constraint(params, lies)
        if not is_split(lies, FSDP):
            return task.loss(params, batch, hparams, key)
        with examples_stay(layout, num_examples=len(jax.tree.leaves(batch)[0])):
            return task.loss(params, batch, hparams, key)

    def batch(data: Data, plan: Plan) -> Batch:
        return jax.tree.map(place, task.batch(data, plan))

    return task._replace(loss=loss, batch=batch)


def examples_stay(layout: Layout, num_examples: int) -> AbstractContextManager[None]:
    """Inside this context the examples of whatever a Linen module returns lie where those of the batch lie."""
    parts = layout.mesh.shape[DATA] * layout.mesh.shape[FSDP]

    def stay(leaf: Array) -> Array:
        if not isinstance(leaf, Array) or leaf.shape[:1] != (num_examples,) or num_examples % parts:
            return leaf
        rest = (P.UNCONSTRAINED,) * (leaf.ndim - 1)
        return jax.lax.with_sharding_constraint(leaf, NamedSharding(layout.mesh, P((DATA, FSDP), *rest)))

    def call(next_call: Callable[..., Any], args: Any, kwargs: Any, context: nn.module.InterceptorContext) -> Any:
        del context
        return jax.tree.map(stay, next_call(*args, **kwargs))

    return nn.intercept_methods(call)


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
