"""Trains one population from a command: its program, its folder, its hooks. A single run is a population of one."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
from ml_collections import ConfigDict
from tqdm import tqdm

from experiments import results, sweep
from experiments.loop import Cadence, Hooks, Row, train
from experiments.overrides import flatten
from experiments.rundir import encode
from experiments.samples import make_sampler
from experiments.storage import Policy, finished_rows, open_store
from nn_core.training.population import Members, place, populate

GROUPS = "groups"  # folder of a sweep's populations in its run directory


class Population(NamedTuple):
    """Members that are trained together.

    Attributes:
        name: for the progress bar.
        folder: where it lives: the run directory itself for a single run.
        group: the structure they share.
        members: who they are.
        arrays: their keys and hparams, padded to fill the devices.
    """

    name: str
    folder: Path
    group: sweep.Group
    members: list[sweep.Member]
    arrays: Members


def cut(groups: list[sweep.Group], directory: Path, config: ConfigDict) -> list[Population]:
    """The populations of a sweep, each with a folder of its own."""
    pieces = [
        (group, members, arrays)
        for group in groups
        for members, arrays in sweep.parts(group, config.train.max_members, len(jax.local_devices()))
    ]
    if len(pieces) == 1 and len(pieces[0][1]) == 1:
        return [Population("", directory, *pieces[0])]
    return [
        Population(f"{index + 1}/{len(pieces)} ", directory / GROUPS / f"{index:04d}", *piece)
        for index, piece in enumerate(pieces)
    ]


def train_population(population: Population, stop: Callable[[], bool]) -> list[Row]:
    """Trains a population to its end, continuing where it was left; one that is finished is only read.

    Raises:
        Interrupted: `stop` said so; the state is saved.
        CheckpointError: the state cannot be saved or restored.
    """
    done = finished_rows(population.folder) if population.name else None
    if done is not None:
        return done
    group, members, config = population.group, population.members, population.members[0].config
    program, mesh = populate(group.experiment.program, len(population.arrays.keys))
    data = place(group.experiment.data, mesh, by_member=False)
    arrays = place(population.arrays, mesh, by_member=True)
    with open_store(population.folder, make_policy(population)) as store, progress_bar(population) as bar:
        shapes = jax.eval_shape(program.start, *arrays, data)
        resumed, notes = store.resume(shapes)
        for note in notes:
            print(f"warning: {note}", file=sys.stderr)
        if resumed is not None:
            resumed = resumed[0], place(resumed[1], mesh, by_member=True)
            tqdm.write(f"continuing {population.name}at step {resumed[0]}", file=sys.stderr)

        def log(rows: list[Row]) -> None:
            kept = [row for row in rows if row["member"] < len(members)]  # the rest is padding
            store.log([row | {"member": members[row["member"]].number} for row in kept])

        hooks = Hooks(log, moves(bar), make_sampler(config, population.folder), store.save, stop)
        chunk = group.experiment.settings.chunk_steps
        _, final = train(program, data, arrays, make_cadence(config), chunk, hooks, resumed)
    rows = [result_row(member, row) for member, row in zip(members, final, strict=False)]
    if population.name:
        results.write_rows(population.folder / results.RESULTS, rows)
    return rows


def make_cadence(config: ConfigDict) -> Cadence:
    """When the loop does what."""
    train = config.train
    return Cadence(train.steps, train.eval_every, train.log_every, train.sample_every)


def make_policy(population: Population) -> Policy:
    """What is saved of a population."""
    config = population.members[0].config
    record = {
        "config": encode(config.to_dict()),
        "members": [encode(member.overrides, "overrides") for member in population.members],
    }
    settings = config.checkpoint
    single = len(population.arrays.keys) == 1
    return Policy(settings.every_seconds, settings.keep_latest, settings.keep_best, single, record)


def progress_bar(population: Population) -> tqdm:
    """Steps of a population; silent where nobody looks."""
    count = len(population.members)
    return tqdm(
        total=population.members[0].config.train.steps,
        desc=f"{population.name}{count} run{'s' if count > 1 else ''}",
        unit="step",
        disable=not sys.stderr.isatty(),
        leave=False,
    )


def moves(bar: tqdm) -> Callable[[int, list[Row]], None]:
    """Moves a bar and shows the median loss of the members."""

    def progress(step: int, rows: list[Row]) -> None:
        losses = sorted(row["batch_loss"] for row in rows if "batch_loss" in row)
        if losses:
            bar.set_postfix(loss=f"{losses[len(losses) // 2]:.4f}", refresh=False)
        bar.update(step - bar.n)

    return progress


def result_row(member: sweep.Member, final: Row) -> Row:
    """The line of results.csv: who it is, what it changed, how it ended."""
    values = flatten(member.config)
    identity = {"member": member.number, "label": member.config.label, "seed": values["seed"]}
    row = identity | {"overrides": member.overrides} | final
    if "train_loss" in row and "validation_loss" in row:
        row["gap"] = row["validation_loss"] - row["train_loss"]
    return row
