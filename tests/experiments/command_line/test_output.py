"""A finished work is told to every terminal, and a reader who leaves is neither a fault nor the end of a run."""

import ast
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.command_line import output
from experiments.command_line.errors import io_message, tell
from experiments.command_line.output import READER_LEFT, run_command, say

ROOT = Path(__file__).parents[3]
COMMANDS = [
    path
    for path in sorted((ROOT / "experiments").rglob("*.py"))
    if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
]


@pytest.fixture
def closed_pipe() -> Iterator[io.TextIOWrapper]:
    """A stream that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    with io.TextIOWrapper(io.FileIO(writer, "w"), encoding="utf-8") as stream:
        yield stream


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_runs_as_one(path: Path) -> None:
    """Or its signs and its closed pipes would be tracebacks."""
    last = ast.parse(path.read_text(encoding="utf-8")).body[-1]
    assert isinstance(last, ast.If) and "run_command(" in ast.unparse(last.body[-1])


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", b"0.8 +/- 0.1 ... -> \\u0939\n"), ("cp1252", None)])
def test_signs_that_the_encoding_lacks_are_spelt(encoding: str, shown: bytes | None, monkeypatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))

    def main() -> int:
        print("0.8 ± 0.1 … → ह")
        return 3

    with pytest.raises(SystemExit) as ended:
        run_command(main)
    assert ended.value.code == 3
    assert out.buffer.getvalue() == (shown or "0.8 ± 0.1 … -> \\u0939\n".encode("cp1252"))  # type: ignore[attr-defined]


def test_a_command_whose_reader_left_ends_with_its_own_code(closed_pipe, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", closed_pipe)
    monkeypatch.setattr(
        sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    )  # pytest's is not to be silenced
    with pytest.raises(SystemExit) as ended:
        run_command(lambda: print("x" * 100_000) or 0)
    assert ended.value.code == READER_LEFT
    sys.stdout.flush()  # what is left goes nowhere
    with pytest.raises(BrokenPipeError):
        tell(BrokenPipeError(32, "Broken pipe"), 2)
    with pytest.raises(BrokenPipeError):
        io_message(Path("run"), BrokenPipeError(32, "Broken pipe"))


def test_work_goes_on_without_readers(closed_pipe, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", closed_pipe)
    for _ in range(3):
        say("a line")
    closed_pipe.flush()
    full = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(full, "write", lambda text: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        say("a line", full)


def test_windows_tells_a_closed_pipe_as_a_wrong_argument(monkeypatch) -> None:
    error = OSError(22, "Invalid argument")
    assert not output.reader_left(error)
    monkeypatch.setattr(output.os, "name", "nt")
    assert output.reader_left(error) and not output.reader_left(OSError(22, "Invalid argument", "con"))


def test_the_list_of_configs_for_a_terminal_without_signs_and_for_one_line() -> None:
    command = [sys.executable, "-m", "experiments.run"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="ascii")
    assert done.returncode == 0 and "regularization" in done.stdout and done.stderr == ""
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert started.stdout is not None and started.stderr is not None
    started.stdout.close()
    assert (started.wait(), started.stderr.read()) == (READER_LEFT, "")
    started.stderr.close()
