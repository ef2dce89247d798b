"""Files that are whole or not there: written beside their place, then renamed, in a way that Windows allows too."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

PART = ".part"  # what the name of a file that is still being written ends with
# Windows refuses to rename what another process has open, such as a virus scanner, so a rename is tried again there.
PAUSES = (0.01, 0.05, 0.2, 0.8) if os.name == "nt" else ()


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str], *, shared: bool = False) -> Iterator[Path]:
    """Yields the path to write to; at the end of the block the file gets its own name.

    A reader finds the old file or the whole new one, also after the writer was killed or the power was cut. After an
    exception in the block the old file stays.

    Args:
        path: the file to make or to replace. The block must close what it opens: Windows renames no open file.
        shared: whether another process may write the same file at the same time.
    Raises:
        OSError: the file cannot be written or renamed.
    """
    target = Path(path)
    part = target.with_name(f"{target.name}.{os.getpid()}{PART}" if shared else target.name + PART)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())  # else a power cut may leave the new name with nothing in it
        move(part, target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()  # of a block that failed; a file that was renamed is not there any more


def move(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Renames a file, in place of one that has the name, or a folder to a name that is free.

    Raises:
        OSError: the system refuses, on Windows also after a second of waiting.
    """
    for pause in PAUSES:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            time.sleep(pause)
    os.replace(source, target)


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Forces a folder's entries to the disk, so that they outlive a power cut; Windows opens no folder and needs none.

    Raises:
        OSError: the disk fails.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def user_path(path: str | os.PathLike[str]) -> Path:
    """A path that somebody typed: a leading `~` or `~name` is a home folder, where there is such a user."""
    return Path(os.path.expanduser(path))
