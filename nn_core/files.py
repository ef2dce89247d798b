"""Files that are complete or absent: written beside their place, then renamed, in a way that works on Windows too."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

PART = ".part"  # suffix of a file that is still being written
# Windows refuses to rename what another process has open, such as a virus scanner, so a rename is tried again there.
PAUSES = (0.01, 0.05, 0.2, 0.8) if os.name == "nt" else ()


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str], *, shared: bool = False) -> Iterator[Path]:
    """Yields the path to write to; at the end of the block the file gets its own name.

    A reader finds either the old file or the complete new one, even if the writer is killed or the power is cut. After an
    exception in the block, the old file stays.

    Args:
        path: the file to create or replace. The block must close what it opens, because Windows renames no open file.
        shared: whether another process may write the same file at the same time.
    Raises:
        OSError: the file cannot be written or renamed.
    """
    target = Path(path)
    part = target.with_name(f"{target.name}.{os.getpid()}{PART}" if shared else target.name + PART)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())  # otherwise a power cut may leave an empty file under the new name
        move(part, target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()  # the file of a failed block; after a rename there is none


def move(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Renames a file, replacing one with the same name, or a folder to an unused name.

    Raises:
        OSError: the system refuses, on Windows even after a second of waiting.
    """
    for pause in PAUSES:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            time.sleep(pause)
    os.replace(source, target)


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Forces a folder's entries to disk, so that they survive a power cut; Windows cannot and need not do this.

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
    """A path as typed by a user: a leading `~` or `~name` stands for a home folder, if there is such a user."""
    return Path(os.path.expanduser(path))
