"""How a command tells what is wrong: one line on the error stream, and an exit code."""

import sys
from collections.abc import Mapping
from pathlib import Path

from experiments.command_line.options import Option, as_typed
from experiments.command_line.output import reader_left


def tell(error: Exception, code: int) -> int:
    """Tells what is wrong, in one line; returns the code. That nobody reads any more is nothing to tell: it is raised."""
    if isinstance(error, OSError) and reader_left(error):
        raise error
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    return code


def refuse(error: Exception, options: Mapping[str, Option] | None = None) -> int:
    """Tells a mistake of the caller or a checkpoint that cannot be read; returns exit code 2, raises what is neither.

    Args:
        error: what was raised.
        options: of the command, so that the names of a library's arguments are told as they are typed.
    """
    from nn_core.training.manifest import CheckpointError

    if not isinstance(error, (ValueError, CheckpointError)):
        raise error
    return tell(as_typed(error, options or {}), 2)


def io_message(directory: Path, error: OSError) -> str:
    """What to tell of a full disk and the like; a reader who left is no such thing, and is raised."""
    if reader_left(error):
        raise error
    return (
        f"{error.filename or directory} cannot be read or written ({error.strerror or error}); "
        "what is saved stays as it is, and the same command continues"
    )
