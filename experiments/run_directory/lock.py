"""One run per directory, by a lock that the system frees when the process ends, however it ends."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from nn_core.files import whole_file

LOCK = ".lock"
HOLDER = ".holder.json"  # who holds the lock, or held it last: Windows lets nobody read a file that is locked


class LockedError(ValueError):
    """Another process holds the run directory."""


@contextlib.contextmanager
def hold(directory: Path) -> Iterator[None]:
    """Holds a run directory for this process. Both files may stay behind; only the lock itself counts.

    Two writers would silently corrupt each other's checkpoints.

    Args:
        directory: created if it is missing.
    Raises:
        LockedError: at once, if another process holds it; the message says which, where and since when.
        ValueError: the directory cannot be created, or its file system has no locks.
    """
    path = directory / LOCK
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{directory} cannot be written ({error.strerror}); choose another --workdir") from None
    try:
        lock = FileLock(path).acquire(timeout=0)
    except Timeout:
        who = holder(directory / HOLDER)
        raise LockedError(f"{directory} is in use by {who}; wait for it, or choose another --workdir") from None
    except (OSError, NotImplementedError) as error:
        raise ValueError(f"{path} cannot be locked ({error}); choose a --workdir elsewhere") from None
    with lock:
        with whole_file(directory / HOLDER) as part:
            about = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
            part.write_text(json.dumps(about), encoding="utf-8", newline="\n")
        yield


def held_by(directory: Path) -> str | None:
    """The process that holds a run directory at this moment, for a message; None: nobody does."""
    if not (directory / HOLDER).is_file():
        return None
    try:
        with FileLock(directory / LOCK).acquire(timeout=0):
            return None
    except Timeout:
        return holder(directory / HOLDER)


def holder(path: Path) -> str:
    """The process that wrote the file, for a message."""
    try:
        who = json.loads(path.read_text(encoding="utf-8"))
        return f"process {who['pid']} on {who['host']} since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # the file is just being written
        return "another process"
