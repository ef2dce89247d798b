"""The first signal is a question, the second an end: also while the process is inside compiled code."""

import signal
import sys
import time
from pathlib import Path

import pytest

from experiments.training.signals import exit_code, stop_requests
from tests.faults import finish, start, wait_until

# Deaf: code that does not come back to the interpreter, as a long compiled chunk does not.
LOOP = """
import sys, time, ctypes
from pathlib import Path
from experiments.training import signals
from experiments.training.signals import exit_code, stop_requests
signals.REPEAT_SECONDS = 0.1 if sys.argv[2] == "deaf" else 1.0
place, deaf = Path(sys.argv[1]), sys.argv[2] == "deaf"
with stop_requests(lambda number: print(number.name, flush=True) or Path(place, "told").touch()) as requested:
    Path(place, "ready").touch()
    if deaf:
        libc, until = ctypes.CDLL(None), time.monotonic() + 20
        while time.monotonic() < until:
            libc.usleep(20_000_000)
    while requested() is None:
        time.sleep(0.01)
    if sys.argv[2] == "slow":
        time.sleep(0.5)  # what saving takes
Path(place, "saved").touch()
sys.exit(exit_code(requested()))
"""

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows sends no signals between processes")


def launch(place: Path, kind: str):
    process = start([sys.executable, "-c", LOOP, str(place), kind])
    wait_until((place / "ready").exists)
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_first_signal_lets_the_work_be_saved(tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = launch(tmp_path, "hearing")
    process.send_signal(number)
    ended = finish(process)
    assert (ended.code, ended.out) == (code, f"{number.name}\n"), ended.err
    assert (tmp_path / "saved").exists()


@pytest.mark.parametrize("pause", [0.0, 0.2])
def test_a_repeat_at_once_is_the_same_request(tmp_path: Path, pause: float) -> None:
    """`timeout` signals the process and its group."""
    process = launch(tmp_path, "slow")
    process.send_signal(signal.SIGTERM)
    time.sleep(pause)
    process.send_signal(signal.SIGTERM)
    ended = finish(process)
    assert (ended.code, ended.out) == (143, "SIGTERM\n"), ended.err
    assert (tmp_path / "saved").exists()


@pytest.mark.parametrize(("first", "second", "code"), [("SIGTERM", "SIGTERM", 143), ("SIGTERM", "SIGINT", 130)])
def test_the_second_signal_ends_the_process_even_inside_compiled_code(
    tmp_path, first: str, second: str, code: int
) -> None:
    process = launch(tmp_path, "deaf")
    process.send_signal(signal.Signals[first])
    wait_until((tmp_path / "told").exists)
    time.sleep(0.2)
    started = time.monotonic()
    process.send_signal(signal.Signals[second])
    ended = finish(process)
    assert time.monotonic() - started < 2
    assert ended.code == code and not (tmp_path / "saved").exists()


def test_the_handlers_of_before_come_back() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    told = []
    with stop_requests(told.append) as requested:
        assert requested() is None
        signal.raise_signal(signal.SIGTERM)
        wait_until(lambda: bool(told))
        assert requested() == signal.SIGTERM
    assert {number: signal.getsignal(number) for number in before} == before
    assert [exit_code(number) for number in told] == [143]


def test_other_signals_are_no_request() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with stop_requests(lambda _: None) as requested:
            signal.raise_signal(signal.SIGUSR1)
            time.sleep(0.05)
            assert requested() is None
    finally:
        signal.signal(signal.SIGUSR1, before)
