"""Runs a command that has passed its checks: trains group by group, then tells the results."""

import contextlib
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from experiments.command_line import processes
from experiments.command_line.errors import io_message
from experiments.command_line.executors import requested
from experiments.command_line.output import say
from experiments.execution import halving, jobs
from experiments.execution.begin import DIVERGED
from experiments.execution.part import WHOLE, share
from experiments.execution.prepare import Prepared
from experiments.execution.study import run_study
from experiments.figures import draw
from experiments.run_directory import files, results, table
from experiments.run_directory.best import axes
from experiments.run_directory.lock import LockedError
from experiments.run_directory.results import Row
from experiments.studies import STUDIES
from experiments.studies.base import StudyError
from experiments.training import plan, signals, tracking
from experiments.training.loop import Interrupted
from experiments.training.population import Origin, Population, cut, train_population
from experiments.training.progress import heartbeat
from nn_core.files import whole_file
from nn_core.training.manifest import CheckpointError

FAILED, REFUSED = 1, 2  # exit codes where nothing can be saved or restored, and where somebody else uses the directory
PAGE, LEAST_AXES = "results.md", 3


def execute(prepared: Prepared, started: float, draws: bool = True) -> int:
    """Trains, writes the results, prints the table, draws the figures where the caller does not. Returns the exit code."""
    directory = prepared.directory
    try:
        told = submitted(prepared)
        for line in told:
            say(line)
        if told:
            return 0
        rows = run(prepared)
        return tell(prepared, rows, started, draws) if prepared.part == WHOLE else tell_part(prepared)
    except Interrupted as interruption:
        number = interruption.args[0]
        note(directory, "interrupted", signal=number)
        say(f"stopped and saved; the same command continues: {directory}", sys.stderr)
        return signals.exit_code(number)
    except (CheckpointError, jobs.JobError, OSError) as error:
        what = io_message(directory, error) if isinstance(error, OSError) else " ".join(str(error).split())
        note(directory, "failed", error=what)
        say(f"error: {what}", sys.stderr)
        return FAILED
    except LockedError as error:
        say(f"error: {error}", sys.stderr)
        return REFUSED
    except StudyError as error:
        note(directory, "failed", error=str(error))
        say(f"error: {error}", sys.stderr)
        return DIVERGED
    except Exception as error:
        note(directory, "failed", error=f"{type(error).__name__}: {error}")
        raise


def submitted(prepared: Prepared) -> list[str]:
    """Trains the populations of a sweep as jobs, if the command asks for it; the jobs that are not waited for."""
    request = requested(prepared.arguments.options)
    if request is None:
        return []
    config, directory, arguments = prepared.arguments.config, prepared.directory, prepared.arguments
    populations = cut(prepared.groups, directory, config, prepared.generations)
    words = [f"--config={arguments.path.resolve()}", f"--workdir={directory}"]
    words += [f"--config.{key}={text}" for key, text in arguments.overrides.items() if key != "checkpoint.resume"]
    return jobs.run_jobs(request, directory, populations, words)


def note(directory: Path, status: str, **details: Any) -> None:
    """Writes the status of a run that did not finish, if the disk still allows it."""
    if not processes.leads():
        return
    with contextlib.suppress(OSError):
        files.write_status(directory, status, **details)


def run(prepared: Prepared) -> list[Row]:
    """Trains everything, or runs the study."""
    config, directory = prepared.arguments.config, prepared.directory
    if not prepared.groups:
        say(f"study: {plan.describe_devices(len(jax.local_devices()))}")
        own = prepared.registry.studies
        study = own[config.task.name] if config.task.name in own else STUDIES[config.task.name]
        with heartbeat(config.name):
            outcome = run_study(study, config, directory)
        with whole_file(files.entry(directory, results.ARRAYS)) as part, part.open("wb") as file:
            np.savez(file, allow_pickle=False, **outcome.arrays)
        for name, write in outcome.files.items():
            write(files.entry(directory, name))
        return [{"member": index, "label": "", "overrides": {}} | row for index, row in enumerate(outcome.rows)]
    if config.search.rungs:
        with signals.stop_requests(announce) as requested:
            return halving.search(prepared, lambda one, origin: train_one(one, requested, origin))
    populations = share(cut(prepared.groups, directory, config, prepared.generations), prepared.part)
    say(plan.describe(prepared.groups))
    with signals.stop_requests(announce) as requested:
        rows = [row for population in populations for row in train_one(population, requested)]
    return sorted(rows, key=lambda row: row["member"])


def train_one(population: Population, requested: Callable[[], int | None], origin: Origin = None) -> list[Row]:
    """Trains a population; Interrupted carries the signal's number."""
    try:
        return train_population(population, lambda: processes.any_of(requested() is not None), origin)
    except Interrupted as interruption:
        raise Interrupted(requested() or signal.SIGTERM) from interruption  # of another process


def tell_part(prepared: Prepared) -> int:
    """The end of a share. Returns the exit code."""
    directory, (number, count) = prepared.directory, prepared.part
    files.write_status(directory, "part", part=number, parts=count)
    say(f"part {number} of {count} is done: {directory}; the same command without --part joins the parts")
    return 0


def announce(number: int) -> None:
    """Announces the first signal."""
    say("stopping after this chunk of steps; a second signal ends at once", sys.stderr)


def unasked(rows: list[Row], config: ConfigDict) -> tuple[str, ...]:
    """The figures of a sweep that its config need not name: its axes side by side, where they are three or more."""
    name = "parallel_coordinates"
    return (name,) if len(axes(rows)) >= LEAST_AXES and name not in config.figures else ()


def tell(prepared: Prepared, rows: list[Row], started: float, draws: bool) -> int:
    """Writes results, table and figures of a run that has ended; returns the exit code."""
    config, directory = prepared.arguments.config, prepared.directory
    diverged = len(rows) == 1 and rows[0].get("status") == "diverged"
    if not processes.leads():
        return DIVERGED if diverged else 0
    results.write_rows(files.entry(directory, results.RESULTS), rows)
    with whole_file(files.entry(directory, PAGE)) as part:
        part.write_text(table.as_markdown(config.name, rows, config.table), encoding="utf-8", newline="\n")
    say(table.report(rows, config.table))
    names = (*config.figures, *unasked(rows, config)) if draws else ()
    drawn = draw(directory, names, prepared.registry.figures)
    for path in drawn:
        say(f"figure: {path}")
    if prepared.groups:
        tracking.write_end(results.read(directory), config, drawn)
    files.write_status(directory, "diverged" if diverged else "finished")
    say(f"results: {directory}  ({time.perf_counter() - started:.0f} s)")
    if diverged:
        say(f"error: the run diverged at step {rows[0]['steps']}; lower config.hparams.learning_rate", sys.stderr)
    return DIVERGED if diverged else 0
