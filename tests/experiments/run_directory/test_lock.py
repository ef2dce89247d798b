"""One run per directory, told who holds it, freed by any death."""

import os
import re
import socket
import sys
import time
from pathlib import Path

import pytest

from experiments.run_directory.lock import HOLDER, LockedError, hold
from tests.faults import finish, kill_group, run, start, wait_until

HOLD = """
import sys, time
from pathlib import Path
from experiments.run_directory.lock import hold
with hold(Path(sys.argv[1])):
    Path(sys.argv[1], "held").touch()
    time.sleep(float(sys.argv[2]))
"""
TRY = """
import sys
from pathlib import Path
from experiments.run_directory.lock import hold
try:
    with hold(Path(sys.argv[1])):
        print("held")
except ValueError as error:
    print(error)
    sys.exit(2)
"""


def test_a_second_run_is_refused_within_two_seconds_and_told_who_holds_it(tmp_path: Path) -> None:
    first = start([sys.executable, "-c", HOLD, str(tmp_path), "60"])
    wait_until((tmp_path / "held").exists)
    started = time.monotonic()
    second = run([sys.executable, "-c", TRY, str(tmp_path)])
    assert time.monotonic() - started < 2
    assert second.code == 2 and second.out.count("\n") == 1
    host, since = re.escape(socket.gethostname()), r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.search(f"in use by process {first.pid} on {host} since {since}; wait for it", second.out)
    kill_group(first)
    finish(first)
    assert run([sys.executable, "-c", TRY, str(tmp_path)]).out == "held\n"


def test_the_lock_is_free_after_the_block_and_after_an_exception(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "run"
    with pytest.raises(KeyError), hold(directory):
        raise KeyError
    with hold(directory):
        assert f'"pid": {os.getpid()}' in (directory / HOLDER).read_text(encoding="utf-8")
        with pytest.raises(LockedError, match=f"in use by process {os.getpid()} "), hold(directory):
            pass
    with hold(directory):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', "\x00\xff"])
def test_an_unreadable_lock_file_hinders_nobody_and_still_refuses(tmp_path: Path, content: str) -> None:
    (tmp_path / HOLDER).write_text(content, encoding="latin-1")
    with hold(tmp_path):
        (tmp_path / HOLDER).write_text(content, encoding="latin-1")
        with pytest.raises(LockedError, match="in use by another process; wait for it"), hold(tmp_path):
            pass


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ValueError, match="file/run cannot be written .*; choose another --workdir"),
        hold(tmp_path / "file" / "run"),
    ):
        pass
