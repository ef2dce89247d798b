"""The file that an option names for a command to write: checked before the work, and whole or not there after it."""

import contextlib
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nn_core.files import user_path, whole_file


def check_not_read(option: str, out: str, read: str, what: str = "the file that is read") -> None:
    """Raises ValueError where a file that is to be written is the one that is read."""
    if user_path(out).resolve() == user_path(read).resolve():
        raise ValueError(f"{option}={out} is {what}, which would be lost; name another file")


def check_not_within(option: str, out: str, folder: str, what: str) -> None:
    """Raises ValueError where a file that is to be written is one of a folder that is read."""
    place = user_path(out)
    if place.is_file() and user_path(folder).resolve() in place.resolve().parents:
        raise ValueError(f"{option}={out} is a file of {what}, which would be lost; name another file")


def check_place(option: str, out: str, read: str, example: str, run: str) -> None:
    """Raises ValueError where a file cannot be written, or is one that is read.

    Args:
        option: as typed, such as "--out".
        out: its value.
        read: the file that the command reads.
        example: a name that the file could have.
        run: the run directory that the command reads.
    """
    check_not_read(option, out, read)
    check_not_within(option, out, run, "the run")
    place = user_path(out)
    if place.suffix.lower() == ".gz":
        raise ValueError(f"{option}={out} would be plain text; name a file without .gz at its end")
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


def check_one(
    files: Sequence[str], kind: str, out: str | None, others: Mapping[str, Any], of: str, checkpoint: str
) -> None:
    """Checks a command that reads one file and writes a table.

    Args:
        files: that are given.
        kind: of a file, for messages.
        out: value of --out.
        others: options by name that are for other files.
        of: for which, for messages.
        checkpoint: the run directory that it reads.
    Raises:
        ValueError: more than one file, a place that cannot be written, or an option that is for other files.
    """
    if len(files) != 1:
        raise ValueError(f"{len(files)} files are given; give one {kind} at a time")
    for name, value in others.items():
        if value not in (None, False):
            raise ValueError(f"--{name} is for {of}; leave it out for a {kind}")
    if out is not None:
        check_place("--out", out, files[0], "scores.csv", checkpoint)


def write_table(header: Sequence[str], rows: Sequence[Sequence[Any]], out: str | None, what: str) -> None:
    """Writes a CSV to the file of --out, and says how many of what; without one it goes to the terminal."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    if out is None:
        print(text.getvalue(), end="")
        return
    with written_file("--out", out) as part:
        part.write_text(text.getvalue(), encoding="utf-8", newline="")
    print(f"{len(rows)} {what}: {out}")
