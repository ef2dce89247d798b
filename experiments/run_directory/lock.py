"""One run per directory: a lock that the kernel frees when the process ends, however it ends."""

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

LOCK = ".lock"


class LockedError(ValueError):
    """Another process holds the run directory."""


@contextlib.contextmanager
def hold(directory: Path) -> Iterator[None]:
    """Holds a run directory for this process; the lock file stays, only its lock counts.

    Two writers would corrupt each other's checkpoints without a word.

    Args:
        directory: is made if missing.
    Raises:
        LockedError: at once, if another process holds it; says which, where and since when.
        ValueError: the directory cannot be made or its file system has no locks.
    """
    path = directory / LOCK
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{directory} cannot be written ({error.strerror}); choose another --workdir") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                who = holder(path)
                raise LockedError(f"{directory} is in use by {who}; wait for it, or choose another --workdir") from None
            raise ValueError(f"{path} cannot be locked ({error.strerror}); choose a --workdir elsewhere") from None
        file.truncate(0)
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}, file)
        file.flush()
        yield


def holder(path: Path) -> str:
    """Who wrote a lock file."""
    try:
        who = json.loads(path.read_text(encoding="utf-8"))
        return f"process {who['pid']} on {who['host']} since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it is just being written
        return "another process"
