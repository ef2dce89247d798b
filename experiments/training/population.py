"""Trains one population for a command. A single run is a population of one."""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from experiments.building.corpus import BITS, Corpus, bits_per_character, read_whole
from experiments.building.experiment import Experiment
from experiments.building.kept_tokenizer import keep_tokenizer
from experiments.command_line import processes
from experiments.command_line.config_paths import flatten
from experiments.command_line.output import say
from experiments.run_directory import results
from experiments.run_directory.files import encode, entry
from experiments.run_directory.lock import hold
from experiments.run_directory.population_store import Policy, finished_rows, open_store
from experiments.run_directory.results import Row
from experiments.training import plan
from experiments.training.frames import make_watch
from experiments.training.image_labels import keep_images
from experiments.training.kept_table import keep_table
from experiments.training.loop import Cadence, Hooks, Interrupted, train
from experiments.training.progress import Progress
from experiments.training.samples import make_sampler
from experiments.training.tracking import Log, follow
from nn_core.tasks.base import Data
from nn_core.training.manifest import CheckpointError
from nn_core.training.population import Members, place, put
from nn_core.training.spread import batch_sharding
from nn_core.training.state import TrainState


class Population(NamedTuple):
    """Members that are trained together.

    Attributes:
        name: for the progress bar.
        folder: where it lives: the run directory itself for a single run.
        group: the group that they belong to.
        members: the members.
        arrays: their keys and hparams, padded to fill the devices.
    """

    name: str
    folder: Path
    group: plan.Group
    members: list[plan.Member]
    arrays: Members


def cut(
    groups: list[plan.Group], directory: Path, config: ConfigDict, generations: Sequence[int] = ()
) -> list[Population]:
    """The populations of a sweep, each with its own folder; a run that began alone stays in the directory itself."""
    pieces = [
        (group, members, arrays)
        for group in groups
        for members, arrays in plan.parts(group, config.train.max_members, len(jax.local_devices()))
    ]
    first = generations[0] if generations else sum(len(members) for _, members, _ in pieces)
    alone = [Population("", directory, *pieces[0])] if first == 1 else []
    return alone + [
        Population(f"{index + 1}/{len(pieces)} ", entry(directory, results.GROUPS) / f"{index:04d}", *pieces[index])
        for index in range(len(alone), len(pieces))
    ]


Save = Callable[[int, TrainState, bool], None]
# Where a population begins that does not begin at step 0: step and state.
Origin = Callable[[], tuple[int, TrainState]] | None


def train_population(population: Population, stop: Callable[[], bool], origin: Origin = None) -> list[Row]:
    """Trains a population to its end, continuing from its last checkpoint; one that is finished is only read.

    Args:
        population: who is trained.
        stop: whether somebody asked it to stop.
        origin: where it begins without a checkpoint of its own; None: at step 0.
    Raises:
        Interrupted: `stop` returned True; the state is saved.
        CheckpointError: the state cannot be saved or restored.
    """
    numbers = [member.number for member in population.members]
    done = done_rows(population)
    if done is not None:
        return done
    if stop():
        raise Interrupted
    group, members, config = population.group, population.members, population.members[0].config
    program, mesh = group.traced.program, group.traced.mesh
    arrays = place(population.arrays, mesh, by_member=True)
    live = None if population.name else population.folder
    with (
        hold(population.folder) if population.name else contextlib.nullcontext(),  # parts may share a directory
        open_store(population.folder, make_policy(population)) as store,
        Progress(population.name, config, len(members), live) as progress,
        contextlib.ExitStack() as stack,
    ):
        experiment = with_kept_tokenizer(group.experiment, config, population.folder)
        data = place(experiment.data, mesh, by_member=False)
        resumed, notes = store.resume(group.traced.state)
        resumed = origin() if resumed is None and origin is not None else resumed
        for note in notes:
            progress.note(f"warning: {note}")
        if resumed is not None:
            placed = jax.tree.map(lambda leaf, shape: put(leaf, shape.sharding), resumed[1], group.traced.state)
            resumed = resumed[0], placed
            progress.note(f"continuing {population.name}at step {resumed[0]}")

        followed = live is not None and processes.leads()
        start = 0 if resumed is None else resumed[0]
        logs = [store.log, *([stack.enter_context(follow(config, population.folder, start))] if followed else [])]
        sample = make_sampler(config, population.folder, experiment, group.traced.keep)
        seen = progress.step if processes.leads() else unseen
        save = saving(population, experiment, store.save)
        own = partial(program.prepare, arrays.keys, data)
        watch = make_watch(experiment, population.folder, numbers, arrays.hparams, data, own)
        hooks = Hooks(make_log(members, logs), seen, sample, save, stop, make_feed(experiment, arrays), watch)
        _, final = train(program, data, arrays, make_cadence(config), experiment.settings.chunk_steps, hooks, resumed)
    if progress.tokens_per_second:
        say(f"{population.name}{progress.tokens_per_second:,.0f} tokens/s, evaluation and samples included")
    bytes_each = group.traced.needed.state / len(arrays.keys)
    rows = [result_row(member, row, experiment.corpus, bytes_each) for member, row in zip(members, final, strict=False)]
    if population.name:
        results.write_rows(entry(population.folder, results.RESULTS), rows)
    return rows


def saving(population: Population, experiment: Experiment, save: Save) -> Save:
    """Saves a state, and before the first one what prediction needs besides: nothing can be asked of a run until then."""
    config, keys = population.members[0].config, population.arrays.keys
    numbers = [member.number for member in population.members]
    unkept = [keep_images, keep_table] if processes.leads() else []

    def save_all(step: int, state: TrainState, at_once: bool) -> None:
        while unkept:
            unkept.pop()(population.folder, config, experiment, keys, numbers)
        save(step, state, at_once)

    return save_all


def make_log(members: Sequence[plan.Member], logs: Sequence[Log]) -> Log:
    """Takes rows with places in the population, and hands them on with the numbers of the members."""

    def log(rows: list[Row]) -> None:
        kept = [row for row in rows if row["member"] < len(members)]  # the rest is padding
        named = [row | {"member": members[row["member"]].number} for row in kept]
        for take in logs:
            take(named)

    return log


def done_rows(population: Population) -> list[Row] | None:
    """The results of a population of a sweep that is finished, or None."""
    numbers = [member.number for member in population.members]
    steps = [member.config.train.steps for member in population.members]
    return finished_rows(population.folder, numbers, steps) if population.name else None


def unseen(step: int, rows: list[Row]) -> None:
    """The progress of a process that nobody looks at."""


def with_kept_tokenizer(experiment: Experiment, config: ConfigDict, folder: Path) -> Experiment:
    """The experiment with the tokenizer of its folder, which is saved at the start and read from there ever after.

    Raises:
        CheckpointError: the saved tokenizer is damaged, or no longer fits the text of the config.
    """
    if experiment.corpus is None:
        return experiment
    fresh = experiment.corpus.tokenizer
    if not processes.leads():
        processes.of_lead(0)  # it writes what the others read
    kept = keep_tokenizer(folder, fresh)
    if processes.leads():
        processes.of_lead(0)
    if kept == fresh:
        return experiment
    try:
        if kept.vocabulary_size != fresh.vocabulary_size:
            raise ValueError(
                f"it has {kept.vocabulary_size} tokens, the text of the config gives {fresh.vocabulary_size}"
            )
        kind = experiment.registry.tasks[config.task.name]
        _, data, corpus = kind.build(config, experiment.registry, kept)
    except ValueError as error:
        raise CheckpointError(f"the tokenizer in {folder} does not fit the config's text ({error})") from None
    return experiment._replace(data=data, corpus=corpus)


def make_feed(experiment: Experiment, arrays: Members) -> Callable[[int, Data], Data]:
    """(step, data) -> data with the windows of the next chunk, for a text that stays on the disk.

    On a mesh each process reads the windows of its own devices only.
    """
    feed = None if experiment.corpus is None else experiment.corpus.feed
    if feed is None:
        return lambda step, data: data
    key, layout = arrays.keys[0], experiment.layout
    if layout is None:
        return lambda step, data: data | feed(key, step, read_whole)
    split = batch_sharding(layout, axis=1)

    def place_rows(shape: tuple[int, ...], read: Callable[[tuple[slice, ...]], np.ndarray]) -> jax.Array:
        return jax.make_array_from_callback(shape, split, lambda index: read(index or (slice(None),) * len(shape)))

    return lambda step, data: data | feed(key, step, place_rows)


def make_cadence(config: ConfigDict) -> Cadence:
    """How often the loop does what."""
    train = config.train
    return Cadence(train.steps, train.eval_every, train.log_every, train.sample_every)


def make_policy(population: Population) -> Policy:
    """When and what of a population is saved."""
    config = population.members[0].config
    single = len(population.members) == 1
    record = {
        "config": encode(config.to_dict()),
        "members": [encode(member.overrides, "overrides") for member in population.members],
        "numbers": [member.number for member in population.members],
        "single": single,
    }
    settings = config.checkpoint
    members = len(population.members)
    return Policy(settings.every_seconds, settings.keep_latest, settings.keep_best, members, single, record)


def result_row(member: plan.Member, final: Row, corpus: Corpus | None, bytes_each: float) -> Row:
    """A member's line of results.csv: its number and overrides, its results, and for a text the figures of its tokens.

    `gradients` is what it cost: updates times the examples (windows of a text, pairs) of a batch. Where a part of a network
    learns, `state_megabytes` is what its training holds: parameters, optimizer and the best ones so far.
    """
    values = flatten(member.config)
    identity = {"member": member.number, "label": member.config.label, "seed": values["seed"]}
    figures = {} if corpus is None else dict(corpus.figures)
    row = identity | {"overrides": member.overrides} | final | figures
    if "characters_per_token" in figures:
        row[BITS] = bits_per_character(row["validation_full_loss"], figures)
    if (batch := values.get("data.batch_size") or values.get("data.train")) is not None:
        row["gradients"] = row["steps"] * batch
    if "trained_share" in row:
        row["state_megabytes"] = bytes_each / 1e6
    if corpus is not None and corpus.judge is not None:
        row |= corpus.judge(row)
    if "train_loss" in row and "validation_loss" in row:
        row["gap"] = row["validation_loss"] - row["train_loss"]
    return row
