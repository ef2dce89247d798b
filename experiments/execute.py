"""Runs what the command line asked for: checks everything first, then trains group by group, then tells the results."""

import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from experiments import results, sweep, table
from experiments.arguments import Arguments
from experiments.figures import FIGURES, draw
from experiments.loop import Cadence, Hooks, Row, finite_or_none, train
from experiments.overrides import choose, flatten, nearest
from experiments.studies import STUDIES
from experiments.validation import check_ranges
from nn_core.training.population import place, populate

OTHER_COLUMNS = {"steps", "best_step", "skipped", "gap"}  # what result rows hold beside the final metrics


def run_study(config: ConfigDict, directory: Path) -> list[Row]:
    """Runs a study and keeps its arrays."""
    outcome = STUDIES[config.task.name](config)
    np.savez(directory / results.ARRAYS, allow_pickle=False, **outcome.arrays)
    return [{"member": index, "label": "", "overrides": {}} | row for index, row in enumerate(outcome.rows)]


class Prepared(NamedTuple):
    """A command that has passed every check.

    Attributes:
        arguments: the command line.
        directory: where the run lives.
        groups: the members by structure; none for a study.
    """

    arguments: Arguments
    directory: Path
    groups: list[sweep.Group]


def prepare(arguments: Arguments, directory: Path) -> Prepared:
    """Expands the sweep, builds and traces every group: all mistakes surface here, before any compilation.

    Raises:
        ValueError: in one line, what is wrong and what would be right.
    """
    for name in arguments.config.figures:
        choose(name, FIGURES, "figures")
    if arguments.config.task.name in STUDIES:
        check_ranges(arguments.config)
        return Prepared(arguments, directory, [])
    members = sweep.expand(arguments.config, arguments.get_sweep)
    groups = sweep.group(members)
    check_columns(arguments.config, groups)
    return Prepared(arguments, directory, groups)


def check_columns(config: ConfigDict, groups: list[sweep.Group]) -> None:
    """Raises ValueError for a column of the table that no member has."""
    known = {name for group in groups for name in group.traced.results} | OTHER_COLUMNS
    for column in config.table:
        if column not in known:
            raise ValueError(
                f"config.table names {column!r}{nearest(column, sorted(known))} there are: {', '.join(sorted(known))}"
            )


def execute(prepared: Prepared, started: float) -> int:
    """Trains, writes the results, prints the table, draws the figures. Returns the exit code."""
    config, directory = prepared.arguments.config, prepared.directory
    directory.mkdir(parents=True, exist_ok=True)
    resolved = {"config": config.to_dict(), "overrides": prepared.arguments.overrides}
    (directory / results.CONFIG).write_text(json.dumps(resolved, indent=1), encoding="utf-8")
    rows = train_groups(prepared) if prepared.groups else run_study(config, directory)
    results.write_rows(directory / results.RESULTS, rows)
    print(table.render(table.make_table(rows, config.table)))
    for path in draw(directory, config.figures):
        print(f"figure: {path}")
    print(f"results: {directory}  ({time.perf_counter() - started:.0f} s)")
    return 0


def train_groups(prepared: Prepared) -> list[Row]:
    """Trains every group; a single run lives in the run directory itself, the groups of a sweep below it."""
    groups, directory = prepared.groups, prepared.directory
    single = len(groups) == 1 and len(groups[0].members) == 1
    if not single:
        print(sweep.describe(groups))
    rows: list[Row] = []
    for index, group in enumerate(groups):
        folder = directory if single else directory / "groups" / f"{index:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        name = "" if single else f"{index + 1}/{len(groups)} "
        rows += train_group(group, folder, name, prepared.arguments.config.train.max_members)
    return sorted(rows, key=lambda row: row["member"])


def train_group(group: sweep.Group, directory: Path, name: str, max_members: int) -> list[Row]:
    """Trains the members of one structure and returns their result rows."""
    config = group.members[0].config
    cadence = Cadence(config.train.steps, config.train.eval_every, config.train.log_every)
    num_devices = len(jax.local_devices())
    rows: list[Row] = []
    populations = sweep.parts(group, max_members, num_devices)
    size = len(populations[0][1].keys)
    program, mesh = populate(group.experiment.program, size)
    data = place(group.experiment.data, mesh, by_member=False)
    with (directory / results.METRICS).open("w", encoding="utf-8") as log:
        for members, population in populations:
            bar = tqdm(
                total=cadence.steps,
                desc=f"{name}{len(members)} run{'s' * (len(members) > 1)}",
                unit="step",
                disable=not sys.stderr.isatty(),
                leave=False,
            )
            hooks = make_hooks(members, log, bar)
            chunk = group.experiment.settings.chunk_steps
            _, final = train(program, data, place(population, mesh, by_member=True), cadence, chunk, hooks)
            bar.close()
            rows += [result_row(member, row) for member, row in zip(members, final, strict=False)]
    return rows


def make_hooks(members: list[sweep.Member], log, bar: tqdm) -> Hooks:
    """Writes rows under the members' own numbers, leaving the padding out, and moves the bar."""

    def write(rows: list[Row]) -> None:
        for row in rows:
            if row["member"] < len(members):
                log.write(json.dumps(finite_or_none(row | {"member": members[row["member"]].number})) + "\n")
        log.flush()

    def progress(step: int, rows: list[Row]) -> None:
        losses = sorted(row["batch_loss"] for row in rows if "batch_loss" in row)
        if losses:
            bar.set_postfix(loss=f"{losses[len(losses) // 2]:.4f}", refresh=False)
        bar.update(step - bar.n)

    return Hooks(write, progress)


def result_row(member: sweep.Member, final: Row) -> Row:
    """The line of results.csv: who it is, what it changed, how it ended."""
    values = flatten(member.config)
    identity = {"member": member.number, "label": member.config.label, "seed": values["seed"]}
    row = identity | {"overrides": member.overrides} | final
    if "train_loss" in row and "validation_loss" in row:
        row["gap"] = row["validation_loss"] - row["train_loss"]
    return row
