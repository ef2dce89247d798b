"""Takes a run directory for a command that has passed its checks, or shows the run there that has ended."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.building.own_code import EXTENSIONS, about_file, change_of
from experiments.command_line import agreement, processes
from experiments.command_line.config_paths import flatten
from experiments.command_line.output import say
from experiments.execution import jobs
from experiments.execution.continuing import (
    SWEEP,
    check_directory,
    held_models,
    sweep_of,
)
from experiments.execution.prepare import Prepared
from experiments.run_directory import files, table
from experiments.run_directory.files import HELD, STARTED_IN
from experiments.run_directory.population_store import finished_rows
from experiments.training import plan, tracking
from nn_core.files import whole_file

DIVERGED = 3  # exit code of a single run that diverged
NOT_ENDED = -1  # stands for the exit code of a run that goes on
DATA = "data.txt"  # what was read of data of one's own
ENDED = {"finished": 0, "diverged": DIVERGED}  # status of a run that has come to its end, and its exit code


def begin(prepared: Prepared) -> int | None:
    """Takes the directory, which the caller holds, for this run.

    Returns:
        None, or the exit code of a run that had already ended; its results are shown and nothing else is done.
    Raises:
        ValueError: the directory holds another run.
        OSError: it cannot be written.
    """
    check_processes(prepared)
    ended = processes.of_lead(claim(prepared) if processes.leads() else 0)
    return None if ended == NOT_ENDED else ended


def check_processes(prepared: Prepared) -> None:
    """Raises ValueError where several processes would do what one does alone, or were not started alike."""
    if processes.alone():
        return
    if not prepared.groups or len(sweep_of(prepared.groups)) > 1:
        raise ValueError(
            f"--distributed trains one run in several processes, and config {prepared.arguments.config.name!r} is a "
            "study or a sweep; take one member by --sweep=false, or give each machine its part of the sweep by --part"
        )
    arguments = prepared.arguments
    about = {f"config.{path}": files.show(value) for path, value in flatten(arguments.config.to_dict()).items()}
    about |= {"--workdir": str(prepared.directory)}
    about |= {f"the version of {name}": str(files.installed(name)) for name in files.PACKAGES}
    about |= {"the code": agreement.code(None if arguments.get_extensions is None else arguments.path)}
    agreement.check_alike(about)


def claim(prepared: Prepared) -> int:
    """What `begin` does in the process that writes; the exit code of a run that has ended before, or NOT_ENDED."""
    config, directory = prepared.arguments.config, prepared.directory
    check_directory(prepared.arguments, directory, prepared.groups)  # again, now that nobody else can write
    directory.mkdir(parents=True, exist_ok=True)  # a part of a sweep holds its populations only
    if prepared.resume == "fresh":
        jobs.check_none_running(directory)
        files.set_aside(directory)
    status = files.read_status(directory)["status"]
    steps = steps_of(prepared.groups)
    rows = finished_rows(directory, range(len(steps)), steps) if status in ENDED else None
    held = files.read_config(directory)
    own_code = prepared.arguments.get_extensions is not None
    changed = change_of(held, prepared.arguments.path) if own_code and held is not None else None
    if changed:
        say(f"warning: {changed}", sys.stderr)
    if rows is not None:
        ended = "is finished" if status == "finished" else "has diverged"
        say(f"{directory} {ended}; to run it again: --config.checkpoint.resume=fresh")
        say(table.report(rows, config.table))
        if prepared.groups:
            tracking.write_late(directory, config)
        return ENDED[status]
    about: dict[str, Any] = {"overrides": prepared.arguments.overrides, "sweep": sweep_of(prepared.groups)}
    about |= {"generations": prepared.generations, HELD: held_models(prepared.groups)}
    about[STARTED_IN] = str(Path.cwd())
    tell_new(prepared.generations, held)
    if own_code:
        about[EXTENSIONS] = about_file(prepared.arguments.path)
    files.write_config(directory, config.to_dict(), **about)
    files.write_status(directory, "running")
    if prepared.summary:
        text = "".join(f"{line}\n" for line in prepared.summary)
        with whole_file(files.entry(directory, DATA)) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
        say(text.rstrip("\n"))
    return NOT_ENDED


def steps_of(groups: list[plan.Group]) -> list[int]:
    """Number of steps of each member, in the order of their numbers."""
    members = sorted((member for group in groups for member in group.members), key=lambda member: member.number)
    return [member.config.train.steps for member in members]


def tell_new(generations: tuple[int, ...], held: Mapping[str, Any] | None) -> None:
    """Says that a sweep has got new members."""
    if held is not None and sum(generations) > len(held[SWEEP]):
        say(f"{generations[-1]} of {sum(generations)} members are new; the others keep their numbers")
