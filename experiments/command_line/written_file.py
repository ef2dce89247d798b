"""The file that an option names for a command to write: checked before the work, and whole or not there after it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from nn_core.files import user_path, whole_file


def check_not_read(option: str, out: str, read: str, what: str = "the file that is read") -> None:
    """Raises ValueError where a file that is to be written is the one that is read."""
    if user_path(out).resolve() == user_path(read).resolve():
        raise ValueError(f"{option}={out} is {what}, which would be lost; name another file")


def check_place(option: str, out: str, read: str, example: str) -> None:
    """Raises ValueError where a file cannot be written, or is the one that is read.

    Args:
        option: as typed, such as "--out".
        out: its value.
        read: the file that the command reads.
        example: a name that the file could have.
    """
    check_not_read(option, out, read)
    place = user_path(out)
    if place.is_dir():
        raise ValueError(f"{option}={out} is a folder; name a file, such as {option}={place / example}")
    if not place.absolute().parent.is_dir():
        raise ValueError(f"{option}={out}: there is no folder {place.parent}; make it, or name a file elsewhere")


@contextlib.contextmanager
def written_file(option: str, out: str) -> Iterator[Path]:
    """As `whole_file`, for a file that an option names; raises ValueError, naming the option, where the system refuses."""
    try:
        with whole_file(user_path(out)) as part:
            yield part
    except OSError as error:
        raise ValueError(f"{option}={out} cannot be written ({error.strerror})") from None
