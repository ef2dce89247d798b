"""How a command tells what is wrong: one line on the error stream, and an exit code."""

import sys
from pathlib import Path


def tell(error: Exception, code: int) -> int:
    """Tells what is wrong, in one line; returns the code."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    return code


def refuse(error: Exception) -> int:
    """Tells a mistake of the caller or a checkpoint that cannot be read; returns exit code 2, raises what is neither."""
    from nn_core.training.manifest import CheckpointError

    if not isinstance(error, (ValueError, CheckpointError)):
        raise error
    return tell(error, 2)


def io_message(directory: Path, error: OSError) -> str:
    """What to tell of a full disk and the like."""
    return (
        f"{error.filename or directory} cannot be read or written ({error.strerror or error}); "
        "what is saved stays as it is, and the same command continues"
    )
