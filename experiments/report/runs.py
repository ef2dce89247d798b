"""Runs the experiments of the report in this process, or reads finished ones."""

import contextlib
import datetime
import io
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from experiments.command_line.arguments import CHECKPOINTS, OPTIONS, Arguments, parse
from experiments.execution.begin import begin
from experiments.execution.chain import is_chain, run_chain
from experiments.execution.execute import execute
from experiments.execution.prepare import prepare
from experiments.report.records import Experiment
from experiments.run_directory import files, results
from experiments.run_directory.lock import LockedError, hold
from experiments.run_directory.settings import setting_names
from experiments.training import plan

FINISHED = ("finished", "diverged")


class Ran(NamedTuple):
    """A run, for the report.

    Attributes:
        experiment: what it is.
        directory: where it lives.
        words: the command line that reproduces it, without `python -m experiments.run`.
        run: its content; None if it failed.
        problem: why it failed, one line; empty otherwise.
        pending: it was not requested and has not been run before.
        environment: versions, commit and devices that it was made with.
        date: day of its results, ISO; empty if there are none.
        seconds: wall time of this run; 0 if it was finished before.
        cpu_seconds: CPU time of this process for it.
    """

    experiment: Experiment
    directory: Path
    words: tuple[str, ...]
    run: results.Results | None
    problem: str = ""
    pending: bool = False
    environment: Mapping[str, Any] = {}
    date: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0


class InterruptedReportError(Exception):
    """A signal stopped a run; its exit code is the argument."""


def words_of(experiment: Experiment, quick: bool) -> tuple[str, ...]:
    """The command line of an experiment."""
    changes = {**experiment.full, **(experiment.quick if quick else {})}
    return (
        f"--config=configs/{experiment.config}.py",
        *(f"--config.{path}={value}" for path, value in changes.items()),
    )


def run_experiment(experiment: Experiment, name: str, quick: bool, workdir: Path) -> Ran:
    """Runs an experiment in its folder under the report's, or reads it: here, or among the finished runs.

    Whatever goes wrong is part of the result: the report is written without the run.

    Raises:
        InterruptedReportError: a signal arrived; the run is saved and continues with the same command.
    """
    words = words_of(experiment, quick)
    directory = workdir / "runs" / ("quick" if quick else "full") / name
    ran = Ran(experiment, directory, words, None)
    started, cpu = time.perf_counter(), time.process_time()
    try:
        arguments = parsed(words)
        found = find_finished(ran, arguments)
        if found is not None:
            return read(ran._replace(directory=found))
        if files.read_config(directory) is not None and not holds(arguments, directory):
            arguments = parsed((*words, "--config.checkpoint.resume=fresh"))  # moves the other run aside
        directory.mkdir(parents=True, exist_ok=True)
        code, output = run_quietly(arguments, directory)
    except (ValueError, LockedError, ArithmeticError, RuntimeError, OSError, MemoryError) as error:
        return ran._replace(problem=one_line(error))
    files.entry(directory, "output.txt").write_text(output, encoding="utf-8", newline="\n")
    if code >= 128:
        raise InterruptedReportError(code)
    if not (directory / results.RESULTS).is_file():
        return ran._replace(problem=f"the run ended with exit code {code} and has no results")
    return read(ran._replace(seconds=time.perf_counter() - started, cpu_seconds=time.process_time() - cpu))


def finished_run(experiment: Experiment, name: str, quick: bool, workdir: Path) -> Ran:
    """Reads an experiment that was run before; otherwise returns one marked as `pending`."""
    ran = Ran(experiment, workdir / "runs" / ("quick" if quick else "full") / name, words_of(experiment, quick), None)
    try:
        found = find_finished(ran, parsed(ran.words))
    except (ValueError, OSError) as error:
        return ran._replace(problem=one_line(error))
    return ran._replace(pending=True) if found is None else read(ran._replace(directory=found))


def finished_run_of_config(name: str) -> Ran | None:
    """A finished run of a config as it stands, from where the command puts it; None if there is none."""
    directory = CHECKPOINTS / name
    if not is_finished(directory):
        return None
    arguments = parsed((f"--config=configs/{name}.py",))
    if not holds(arguments, directory):
        return None
    experiment = Experiment(name, "", tuple(arguments.config.figures), {}, {})
    return read(Ran(experiment, directory, words_of(experiment, False), None))


def find_finished(ran: Ran, arguments: Arguments) -> Path | None:
    """The folder that holds exactly this run, finished: under the report's, or among the runs of the command."""
    candidates = (ran.directory, CHECKPOINTS / arguments.config.name)
    return next((folder for folder in candidates if is_finished(folder) and holds(arguments, folder)), None)


def parsed(words: tuple[str, ...]) -> Arguments:
    """The parsed command line."""
    arguments = parse(words, OPTIONS)
    if arguments is None:
        raise ValueError("the experiment names no config")
    return arguments


def one_line(error: BaseException) -> str:
    """Kind and message of an error, shortened."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:400]


def is_finished(directory: Path) -> bool:
    """Whether a folder holds a finished run."""
    return files.read_status(directory)["status"] in FINISHED and (directory / results.RESULTS).is_file()


def holds(arguments: Arguments, directory: Path) -> bool:
    """Whether a folder holds exactly this run: the same config and the same members."""
    held = files.read_config(directory)
    if held is None:
        return False
    changes = files.compare(held["config"], files.decode(files.encode(arguments.config.to_dict())))
    members = plan.expand(arguments.config, arguments.get_sweep) if "train" in arguments.config else []
    overrides = files.decode(files.encode(tuple(member.overrides for member in members), "sweep"))
    return not (changes.structure or changes.values) and held["sweep"] == overrides


def run_quietly(arguments: Arguments, directory: Path) -> tuple[int, str]:
    """Exit code and standard output of a run; its standard error is shown."""
    started, output = time.perf_counter(), io.StringIO()
    with contextlib.redirect_stdout(output), hold(directory):
        if is_chain(arguments.config):
            return run_chain(arguments, directory), output.getvalue()
        prepared = prepare(arguments, directory)
        code = begin(prepared)
        if code is None:
            code = execute(prepared, started, draws=False)  # the pages get pictures of their own
    return code, output.getvalue()


def read(ran: Ran) -> Ran:
    """Adds the content of the folder."""
    held = files.read_config(ran.directory)
    seconds = os.stat(ran.directory / results.RESULTS).st_mtime
    date = datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()
    environment = held["environment"] if held else {}
    return ran._replace(run=with_settings(results.read(ran.directory)), environment=environment, date=date)


def with_settings(run: results.Results) -> results.Results:
    """The run with the name of its setting in every row, and losses of evaluations as `train_loss@STEP`."""
    logged: dict[Any, dict[str, float]] = {}
    for row in run.metrics:
        for name in ("train_loss", "validation_loss"):
            if isinstance(row.get(name), (int, float)):
                logged.setdefault(row["member"], {})[f"{name}@{row['step']}"] = row[name]
    names = setting_names(run.rows)
    rows = [dict(r) | logged.get(r["member"], {}) | {"setting": n} for r, n in zip(run.rows, names, strict=True)]
    for index, row in enumerate(rows):
        row.setdefault("seed", index)
    return run._replace(rows=rows)
