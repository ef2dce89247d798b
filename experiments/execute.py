"""Runs what the command line asked for: checks everything first, then trains group by group, then tells the results."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from experiments import memory, results, rundir, signals, sweep, table
from experiments.arguments import Arguments
from experiments.figures import FIGURES, draw
from experiments.lock import hold
from experiments.loop import Interrupted, Row
from experiments.overrides import choose, nearest
from experiments.populations import Population, cut, train_population
from experiments.studies import STUDIES
from experiments.validation import check_name, check_ranges
from nn_core.training.manifest import CheckpointError

OTHER_COLUMNS = {"steps", "best_step", "skipped", "gap"}  # what result rows hold beside the final metrics
RESUME = ("auto", "fresh", "never")
DIVERGED, FAILED = 3, 1  # exit codes of a single run that diverged, and of a command that could not save or restore


class Prepared(NamedTuple):
    """A command that has passed every check.

    Attributes:
        arguments: the command line.
        directory: where the run lives.
        groups: the members by structure; none for a study.
        resume: what to do with a run that the directory holds: "auto" or "fresh".
    """

    arguments: Arguments
    directory: Path
    groups: list[sweep.Group]
    resume: str


def prepare(arguments: Arguments, directory: Path) -> Prepared:
    """Expands the sweep, builds and traces every group: all mistakes surface here, before any compilation.

    Raises:
        ValueError: in one line, what is wrong and what would be right.
    """
    config = arguments.config
    check_name(config.name)
    for name in config.figures:
        choose(name, FIGURES, "figures")
    choose(config.checkpoint.resume, dict.fromkeys(RESUME), "checkpoint.resume")
    groups = []
    if config.task.name in STUDIES:
        check_ranges(config)
    else:
        groups = sweep.group(sweep.expand(config, arguments.get_sweep))
        check_columns(config, groups)
        for group in groups:
            memory.check_fits(
                sweep.memory_demand(group, config.train.max_members), memory.available_bytes(jax.devices())
            )
    check_directory(arguments, directory, groups)
    return Prepared(arguments, directory, groups, config.checkpoint.resume)


def check_columns(config: ConfigDict, groups: list[sweep.Group]) -> None:
    """Raises ValueError for a column of the table that no member has."""
    known = {name for group in groups for name in group.traced.results} | OTHER_COLUMNS
    for column in config.table:
        if column not in known:
            hint = nearest(column, sorted(known))
            raise ValueError(f"config.table names {column!r}{hint} there are: {', '.join(sorted(known))}")


def check_directory(arguments: Arguments, directory: Path, groups: list[sweep.Group]) -> None:
    """Raises ValueError where the directory holds another run, or one that must not be continued."""
    held = rundir.read_config(directory)
    if held is None:
        return
    resume = arguments.config.checkpoint.resume
    if resume == "never":
        raise ValueError(
            f"{directory} holds a run and config.checkpoint.resume is 'never'; choose another --workdir, or resume=auto"
        )
    changes = rundir.compare(held["config"], rundir.decode(rundir.encode(arguments.config.to_dict())))
    changed = changes.structure | changes.values
    if "sweep" not in changed and held["sweep"] != rundir.decode(rundir.encode(sweep_of(groups), "sweep")):
        changed["sweep"] = (f"{len(held['sweep'])} members", f"{sum(len(g.members) for g in groups)} other members")
    if changed and resume == "auto":
        raise ValueError(rundir.refusal(directory, changed))


def sweep_of(groups: list[sweep.Group]) -> tuple:
    """The overrides of every member in the order of the sweep."""
    members = sorted((member for group in groups for member in group.members), key=lambda member: member.number)
    return tuple(member.overrides for member in members)


def execute(prepared: Prepared, started: float) -> int:
    """Holds the directory, trains, writes the results, prints the table, draws the figures. Returns the exit code."""
    config, directory = prepared.arguments.config, prepared.directory
    with hold(directory):
        if prepared.resume == "fresh":
            rundir.set_aside(directory)
        if (
            rundir.read_status(directory)["status"] in ("finished", "diverged")
            and (directory / results.RESULTS).is_file()
        ):
            print(f"{directory} is finished; to run it again: --config.checkpoint.resume=fresh")
            print(table.render(table.make_table(results.read_rows(directory / results.RESULTS), config.table)))
            return 0
        check_directory(prepared.arguments, directory, prepared.groups)  # again, now that nobody else can write
        about = {"overrides": prepared.arguments.overrides, "sweep": sweep_of(prepared.groups)}
        rundir.write_config(directory, config.to_dict(), **about)
        rundir.write_status(directory, "running")
        try:
            rows = run(prepared)
        except Interrupted as interruption:
            number = interruption.args[0]
            rundir.write_status(directory, "interrupted", signal=number)
            print(f"stopped and saved; the same command continues: {directory}", file=sys.stderr)
            return signals.exit_code(number)
        except CheckpointError as error:
            rundir.write_status(directory, "failed", error=str(error))
            print(f"error: {error}", file=sys.stderr)
            return FAILED
        return tell(prepared, rows, started)


def run(prepared: Prepared) -> list[Row]:
    """Trains everything, or runs the study."""
    config, directory = prepared.arguments.config, prepared.directory
    if not prepared.groups:
        outcome = STUDIES[config.task.name](config)
        np.savez(directory / results.ARRAYS, allow_pickle=False, **outcome.arrays)
        return [{"member": index, "label": "", "overrides": {}} | row for index, row in enumerate(outcome.rows)]
    populations = cut(prepared.groups, directory, config)
    if len(populations) > 1 or len(populations[0].members) > 1:
        print(sweep.describe(prepared.groups), flush=True)
    with signals.stop_requests(announce) as requested:
        rows = [row for population in populations for row in train_one(population, requested)]
    return sorted(rows, key=lambda row: row["member"])


def train_one(population: Population, requested: Callable[[], int | None]) -> list[Row]:
    """Trains a population; what interrupts it carries the signal's number."""
    try:
        return train_population(population, lambda: requested() is not None)
    except Interrupted as interruption:
        raise Interrupted(requested()) from interruption


def announce(number: int) -> None:
    """Tells of the first signal."""
    print("stopping after this chunk of steps; a second signal ends at once", file=sys.stderr, flush=True)


def tell(prepared: Prepared, rows: list[Row], started: float) -> int:
    """Results, table and figures of a run that has come to its end; the exit code."""
    config, directory = prepared.arguments.config, prepared.directory
    results.write_rows(directory / results.RESULTS, rows)
    print(table.render(table.make_table(rows, config.table)))
    for path in draw(directory, config.figures):
        print(f"figure: {path}")
    diverged = len(rows) == 1 and rows[0].get("status") == "diverged"
    rundir.write_status(directory, "diverged" if diverged else "finished")
    print(f"results: {directory}  ({time.perf_counter() - started:.0f} s)")
    if diverged:
        print(
            f"error: the run diverged at step {rows[0]['steps']}; lower config.hparams.learning_rate", file=sys.stderr
        )
    return DIVERGED if diverged else 0
