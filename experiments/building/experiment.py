"""Builds an experiment from a config. Names become code here, by the tables of a registry."""

import re
from collections import UserDict
from collections.abc import Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict

from experiments.building.corpus import Corpus
from experiments.building.memory import Demand, available_bytes, check_fits, copies_on, demand
from experiments.building.mesh import make_layout
from experiments.building.ranges import check_keys, check_ranges, ranges_of
from experiments.building.records import Kind, Model, Registry
from experiments.building.registry import REGISTRY
from experiments.building.transfer import transferred
from experiments.building.unused_keys import check_dropout, check_used
from experiments.caching.traced_programs import Kept
from experiments.command_line.choices import choose
from nn_core.optimizers import make_optimizer
from nn_core.schedules import SCHEDULES, make_schedule
from nn_core.tasks.base import Batch, Data, Task
from nn_core.training.population import (
    Members,
    aligned,
    jit_over_members,
    make_members,
    populate,
    shapes_on,
    sharding_on,
    with_shardings,
)
from nn_core.training.program import Program, Settings, chunk_steps, make_program
from nn_core.training.sharding import Layout
from nn_core.training.spread import on_mesh, spread
from nn_core.training.step import MakeOptimizer


class Experiment(NamedTuple):
    """A config as code: the pure functions of one run and the data they share.

    Attributes:
        task: what is learned.
        program: start, advance, evaluate, finish of one run.
        data: host arrays, shared by every member.
        settings: the structure of the loop.
        registry: the models and tasks that the config names.
        corpus: tokenizer and source of the batches, where a text is learned.
        layout: how one run is spread over several devices; None: it is on one, or a population is spread by its members.
    """

    task: Task
    program: Program
    data: Data
    settings: Settings
    registry: Registry
    corpus: Corpus | None = None
    layout: Layout | None = None


def build(config: ConfigDict, registry: Registry = REGISTRY, mesh: Mesh | None = None) -> Experiment:
    """Builds what a config's structure describes (its hparams and seed are arguments of the result).

    Args:
        config: one run's config.
        registry: models and tasks by name.
        mesh: several devices for one run; None: one device, or a population.
    Returns:
        The experiment; nothing is compiled yet.
    Raises:
        ValueError: an unknown name, a value out of range, impossible sizes.
    """
    kind, model = check_values(config, registry)
    task, data, *corpus = kind.build(config, registry)
    make_optimizer = kind.optimizer(optimizer_factory(config, registry))
    task, data, make_optimizer = transferred(config, kind.form, task, data, make_optimizer)
    data = jax.tree.map(aligned, data)
    train = config.train
    settings = Settings(
        chunk_steps=chunk_steps(train.chunk_steps, train.eval_every),
        keep_best=train.keep_best,
        evaluate_train=train.evaluate_train,
        max_skips=train.max_skips,
        divergence_factor=train.divergence_factor,
        accumulate=train.accumulate,
        splits=kind.splits,
    )
    layout = None if mesh is None else make_layout(config, model, mesh)
    program = make_program(task if layout is None else on_mesh(task, layout), make_optimizer, settings)
    return Experiment(task, program, data, settings, registry, corpus[0] if corpus else None, layout)


def check_values(config: ConfigDict, registry: Registry = REGISTRY) -> tuple[Kind, Model]:
    """The task and the model that a config names.

    Raises:
        ValueError: what can be judged before data and other runs are read: unknown names, values out of range or without
            effect, missing keys, an impossible schedule.
    """
    check_ranges(config, ranges_of(config, registry))
    check_used(config.data)
    check_dropout(config)
    kind = choose(config.task.name, registry.tasks, "task.name")
    model = choose(config.model.name, registry.models, "model.name")
    check_keys(config, "task", kind.keys)
    check_keys(config, "model", model.keys)
    kind.check(config)
    optimizer_factory(config, registry)
    return kind, model


def optimizer_factory(config: ConfigDict, registry: Registry = REGISTRY) -> MakeOptimizer:
    """hparams -> optimizer, for the names in the config."""
    rules = registry.optimizers
    choose(config.optimizer.name, rules, "optimizer.name")
    choose(config.schedule.name, SCHEDULES, "schedule.name")
    steps, warmup = config.train.steps, config.schedule.warmup_steps
    if warmup >= max(steps, 1):
        raise ValueError(
            f"config.schedule.warmup_steps={warmup} is not below config.train.steps={steps}; lower it, or train longer"
        )
    options = {key: config.schedule[key] for key in config.schedule if key != "name"}
    try:
        schedule = make_schedule(config.schedule.name, total_steps=max(steps, 1), **options)
    except ValueError as error:  # the error names arguments, but the user has set keys
        names = "|".join(options)
        raise ValueError(re.sub(rf"\b({names})\b", r"config.schedule.\1", str(error))) from None
    return lambda hparams: make_optimizer(config.optimizer.name, hparams, schedule, config.optimizer.proximal, rules)


def set_hparams(config: ConfigDict) -> dict[str, float]:
    """The hparams that the config sets. Their presence is structure, their values are arguments."""
    return {name: float(value) for name, value in config.hparams.items() if value is not None}


class Recorder(UserDict):
    """Hparams that remember which of them were read."""

    def __init__(self, values: Mapping[str, Any], read: set[str]):
        super().__init__(values)
        self.read = read

    def __getitem__(self, name: str) -> Any:
        if name not in self.data:
            raise ValueError(f"hparams.{name} is read and not set; add --config.hparams.{name}=VALUE")
        self.read.add(name)
        return self.data[name]


class Traced(NamedTuple):
    """What tracing a population tells, and the traced functions, which training calls without tracing them again.

    Attributes:
        program: the jitted functions of a population.
        mesh: carries its member axis.
        state: shapes of its state, with their shardings.
        results: names of the final metrics.
        needed: the memory of a population, at the least.
        keep: folder in which the programs are kept; None: they are not.
    """

    program: Program
    mesh: Mesh
    state: Any
    results: tuple[str, ...]
    needed: Demand
    keep: Path | None


def trace(experiment: Experiment, hparams: Mapping[str, float], num_members: int, keep: Path | None = None) -> Traced:
    """Traces a population without compiling it. Every hparam that is set must be read, and every one that is read must be set.

    Args:
        experiment: the built config.
        hparams: what the config of one member sets.
        num_members: P, a multiple of the number of devices, or 1.
        keep: folder in which traced programs are kept and looked up; None: they are not kept.
    Returns:
        What the trace has told.
    Raises:
        ValueError: more memory is needed than there is; an hparam that nothing reads, or one that is missing; anything else
            that tracing finds wrong.
    """
    read: set[str] = set()
    recorded, layout = recording(experiment.program, read), experiment.layout
    drawn = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), num_members))
    values: Any = {name: jax.ShapeDtypeStruct((num_members,), np.float32) for name in sorted(hparams)}
    if layout is None:
        program, mesh = populate(recorded, num_members)
        sharding: Any = sharding_on(mesh, by_member=True)
    else:
        program, sharding = spread(recorded, layout, Members(drawn, values), experiment.data)
        mesh = layout.mesh
    # With the sharding that they will have; otherwise JAX would trace again for the arrays of the training.
    keys, values = shapes_on(mesh, (drawn, values), by_member=True)
    data = shapes_on(mesh, experiment.data, by_member=False)
    state = with_shardings(jax.eval_shape(program.start, keys, values, data), sharding)
    own = shapes_on(mesh, jax.eval_shape(program.prepare, keys, data), by_member=layout is None)
    # This comes first: what can never run should be refused before the functions that take long to trace.
    first = jax.vmap(partial(first_batch, experiment.task), (None, 0), axis_size=num_members)
    batch = jax.eval_shape(first, data, own)
    needed = demand(state, state.params, batch, experiment.data, own, data_copies=copies_on(mesh))
    check_fits(needed, available_bytes(list(mesh.devices.flat)))
    functions: dict[str, Kept] = {}

    def follow(name: str, *arguments: Any) -> Any:
        """The shapes of a function's results."""
        function = getattr(program, name)
        if keep is None:
            return jax.eval_shape(function, *arguments)
        functions[name] = kept = Kept(function.__wrapped__, arguments, keep / name, partial(jit_over_members, mesh))
        return kept.shapes

    follow("advance", state, keys, values, own, data, np.int32(1))
    follow("evaluate", state, keys, values, own, data)
    checked = any(kept.found for kept in functions.values())  # a kept program was checked when it was first traced
    for name in () if checked else hparams:
        if name not in read:
            value = f"config.hparams.{name}={hparams[name]:g}"
            raise ValueError(f"{value} is read by nothing in this config; what it reads: {', '.join(sorted(read))}")
    # It only judges a run: reading an hparam here does not count as a use.
    results = follow("finish", state, keys, values, own, data)
    return Traced(program._replace(**functions), mesh, state, tuple(results), needed, keep)


def recording(program: Program, read: set[str]) -> Program:
    """The same program, which notes while it is traced which hparams are read, and names one that is missing."""

    def noting(function: Callable, place: int) -> Callable:
        @wraps(function.func if isinstance(function, partial) else function)
        def noted(*arguments: Any) -> Any:
            hparams = Recorder(arguments[place], read)
            return function(*arguments[:place], hparams, *arguments[place + 1 :])

        return noted

    return program._replace(
        start=noting(program.start, 1),
        advance=noting(program.advance, 2),
        evaluate=noting(program.evaluate, 2),
        finish=noting(program.finish, 2),
    )


def first_batch(task: Task, data: Data, own: Data) -> Batch:
    """The first batch of a run."""
    member_data = data | own
    plan = task.plan(member_data, jax.random.key(0), jnp.int32(0), 1)
    return task.batch(member_data, jax.tree.map(lambda leaf: leaf[0], plan))


def members_of(configs: list[ConfigDict]) -> Members:
    """The members of one program."""
    return make_members([config.seed for config in configs], [set_hparams(config) for config in configs])
