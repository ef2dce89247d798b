"""The user's own code: a config file may bring models, losses, data and more as records, which are handed down.

Nothing registers itself, and nothing outlives the command: the file is run, its `get_extensions()` is called, and the
registry that the command uses is another value.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

from experiments.building.records import Registry, extended
from experiments.building.registry import REGISTRY
from experiments.command_line.own_file import run_file

EXTENSIONS = "extensions"  # in config.json: the file that a run needs, and its digest


def with_own(get_extensions: Callable[[], Any] | None, path: Path) -> Registry:
    """The registry of a command.

    Args:
        get_extensions: of the config file; None where it defines none.
        path: of the config file, for messages.
    Raises:
        ValueError: what it returns is not a Registry, or a name is taken.
    """
    if get_extensions is None:
        return REGISTRY
    own = get_extensions()
    if not isinstance(own, Registry):
        raise ValueError(
            f"{path}: get_extensions() returns {type(own).__name__}; return a Registry of experiments.building.records"
        )
    try:
        return extended(REGISTRY, own)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def about_file(path: Path) -> dict[str, str]:
    """What a run directory keeps of the file that it needs."""
    return {"file": str(path.resolve()), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def file_of(about: Mapping[str, str]) -> Path:
    """The file that a run needs: where it was, or, on another machine, the same bytes in the folder of the command."""
    path, here = Path(about["file"]), Path.cwd() / PureWindowsPath(about["file"]).name  # of whatever system
    moved = not path.is_file() and here.is_file() and about_file(here)["sha256"] == about["sha256"]
    return here if moved else path


def change_of(held: Mapping[str, Any], given: Path | None = None) -> str | None:
    """A line for the user if the file of a run has changed since; None if it has not, or if the run needs none.

    Args:
        held: the content of config.json.
        given: the file that the command names, which may have moved; None: see `file_of`.
    Raises:
        ValueError: the file is gone.
    """
    about = held.get(EXTENSIONS)
    if about is None:
        return None
    path = given or file_of(about)
    if not path.is_file():
        raise ValueError(
            f"{path} is gone, and the run needs the code that it brought; put it back, or type the command in the folder "
            "where it now is"
        )
    if about_file(path)["sha256"] != about["sha256"]:
        return f"{path} has changed since the run began; its code is used as it is now"
    return None


def registry_of_run(held: Mapping[str, Any]) -> Registry:
    """The registry that a stored run was built with.

    Args:
        held: the content of config.json.
    Raises:
        ValueError: the run's own file is gone, or brings no records any more.
    """
    if held.get(EXTENSIONS) is None:
        return REGISTRY
    change_of(held)
    path = file_of(held[EXTENSIONS])
    module = run_file(path)
    if "get_extensions" not in module:
        raise ValueError(f"{path} defines no get_extensions() any more, and the run needs what it brought")
    return with_own(module["get_extensions"], path)
