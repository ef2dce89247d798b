"""Loads a member's parameters and config from the path of its run directory alone; the directory may have moved."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from experiments.command_line import config_paths
from experiments.run_directory import files, results
from experiments.run_directory.no_run import about_folder, about_folders, about_study
from experiments.run_directory.population_store import STEPS
from nn_core.files import user_path
from nn_core.pretrained.folder import is_folder
from nn_core.training.checkpoint import steps
from nn_core.training.manifest import CheckpointError, read_manifest
from nn_core.training.restore import restore_params


class Stored(NamedTuple):
    """A member's checkpoint.

    Attributes:
        directory: the run directory.
        folder: folder of its population: the run directory itself, or one of groups/.
        config: the member's own config.
        member: its number in the sweep.
        step: of the checkpoint.
        params: nested dicts of arrays.
        notes: lines for the user about damaged steps that were skipped.
        held: the content of config.json.
    """

    directory: Path
    folder: Path
    config: ConfigDict
    member: int
    step: int
    params: Any
    notes: tuple[str, ...]
    held: Mapping[str, Any] = MappingProxyType({})


def parse_step(text: str) -> str | int:
    """The value of --step: "best", "latest" or a number."""
    if text in ("best", "latest"):
        return text
    if text.isdecimal():
        return int(text)
    raise ValueError(f"--step={text} is not a checkpoint; use best, latest, or the number of a step")


def load(path: str | Path, which: str | int = "best", member: int | None = None) -> Stored:
    """A member's parameters and config.

    Args:
        path: the run directory.
        which: "best" on validation ("latest" if nothing was validated), "latest", or a step.
        member: its number in a sweep; None for a run that is none.
    Returns:
        The checkpoint; nothing on disk is changed.
    Raises:
        ValueError: no run there, or a study, no such member, or a config that this version cannot read.
        CheckpointError: no such step, or none that is sound.
    """
    directory = user_path(path).resolve()
    held = read_run(directory)
    if not held["sweep"]:
        raise ValueError(about_study(directory, held["config"]["task"]["name"]))
    number = choose_member(directory, held["sweep"], member)
    folder, place = find_member(directory, number)
    try:
        config = config_paths.apply(ConfigDict(held["config"]), held["sweep"][number])
        restored = restore_params(folder / STEPS, which_of(folder, which, config), member=place)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{directory} was written by another version ({error}); train it again") from None
    return Stored(directory, folder, config, number, restored.step, restored.params, restored.notes, held)


def read_run(directory: Path) -> dict[str, Any]:
    """config.json of a run directory.

    Raises:
        ValueError: there is none; the message names a parent folder that has one, if any does.
    """
    if directory.is_file():
        raise ValueError(f"{directory} is a file; give the folder that `experiments.run` made")
    if not directory.is_dir():
        raise ValueError(f"there is no run directory {directory}; give the folder that `experiments.run` made")
    if is_folder(directory):
        raise ValueError(about_folder(directory))
    held = files.read_config(directory)
    if held is None:
        networks = about_folders(directory)
        if networks is not None:
            raise ValueError(networks)
        above = next((parent for parent in directory.parents if (parent / results.CONFIG).is_file()), None)
        hint = f"; did you mean {above}?" if above else "; give the folder that `experiments.run` made"
        raise ValueError(f"{directory} is not a run directory, it has no {results.CONFIG}{hint}")
    if not isinstance(held.get("sweep"), tuple):
        raise ValueError(f"{directory / results.CONFIG} names no members; it is of another version, train it again")
    return held


def choose_member(directory: Path, sweep: tuple, member: int | None) -> int:
    """The number of the requested member.

    Raises:
        ValueError: no member is named and there are several, or there is no such member.
    """
    if member is None and len(sweep) == 1:
        return 0
    if member is None:
        raise ValueError(
            f"{directory} holds a sweep of {len(sweep)} runs; choose one with --member=0 … {len(sweep) - 1} "
            f"(column member of {results.RESULTS})"
        )
    if not 0 <= member < len(sweep):
        held = "one run, leave --member out" if len(sweep) == 1 else f"members 0 … {len(sweep) - 1}"
        raise ValueError(f"--member={member} does not exist; {directory} holds {held}")
    return member


def find_member(directory: Path, number: int) -> tuple[Path, int | None]:
    """The folder of a member's population, and its place there, which is None if the checkpoints hold a single run.

    Raises:
        CheckpointError: no readable checkpoint holds it.
    """
    # The last first: a search leaves a member in the folder of every rung that it reached.
    folders = [directory, *sorted(directory.glob(f"{results.GROUPS}/*"), reverse=True)]
    reasons = []
    for folder in folders:
        for step in reversed(steps(folder / STEPS)):
            try:
                record = read_manifest(folder / STEPS / str(step))["record"]
            except CheckpointError as error:
                reasons.append(f"{folder / STEPS / str(step)}: {error}")
                continue
            numbers = record.get("numbers", [])
            if number in numbers:
                return folder, None if record["single"] else numbers.index(number)
            break
    if reasons:
        raise CheckpointError(f"{directory} has no sound checkpoint of member {number} ({'; '.join(reasons)})")
    raise CheckpointError(f"{directory} holds no checkpoint of member {number} yet; start or continue its run")


def which_of(folder: Path, which: str | int, config: ConfigDict) -> str | int:
    """The step to restore: "best" becomes "latest" if every step carries the best parameters so far, or none has a value."""
    if which != "best" or config.train.keep_best or config.hparams.patience is not None:
        return "latest" if which == "best" else which
    for step in steps(folder / STEPS):
        try:
            if read_manifest(folder / STEPS / str(step))["value"] is not None:
                return "best"
        except CheckpointError:
            return "best"  # it might be the best one: restoring will tell
    return "latest"
