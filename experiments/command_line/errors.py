"""How a command reports an error: one line on the error stream, and an exit code."""

import sys
from collections.abc import Mapping
from pathlib import Path

from experiments.command_line.options import Option, as_typed
from experiments.command_line.output import reader_left

NO_MEMORY = "RESOURCE_EXHAUSTED"


def tell(error: Exception, code: int) -> int:
    """Reports an error in one line and returns the code. If it is that the reader has left, raises it instead."""
    if isinstance(error, OSError) and reader_left(error):
        raise error
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    return code


def refuse(error: Exception, options: Mapping[str, Option] | None = None) -> int:
    """Reports a mistake by the caller or an unreadable checkpoint and returns exit code 2; raises any other error.

    Args:
        error: what was raised.
        options: of the command, so that a library's argument names are reported as the user types them.
    """
    from nn_core.training.manifest import CheckpointError

    if isinstance(error, RuntimeError) and str(error).startswith(NO_MEMORY):  # the library's way to say it
        return tell(ValueError(f"the memory of this machine does not hold it ({error}); ask for less at once"), 2)
    if not isinstance(error, (ValueError, CheckpointError)):
        raise error
    return tell(as_typed(error, options or {}), 2)


def io_message(directory: Path, error: OSError) -> str:
    """The message for a full disk and the like. If the error is that the reader has left, raises it."""
    if reader_left(error):
        raise error
    return (
        f"{error.filename or directory} cannot be read or written ({error.strerror or error}); "
        "what is saved stays as it is, and the same command continues"
    )
