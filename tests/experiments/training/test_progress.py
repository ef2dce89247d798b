"""Without a terminal a line now and then says where a run is."""

import time

import pytest

from configs import digits
from experiments.training import progress
from experiments.training.progress import Progress, clock, heartbeat


def follow(steps: range, seconds_a_step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of 1,000 steps, whose loop comes by at the given steps."""
    now = [50.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    config = digits.get_config()
    config.train.steps, config.figures = 1000, ()
    with Progress("2/3 ", config, 8, None) as shown:
        shown.step(steps.start, [])
        for step in steps[1:]:
            now[0] += seconds_a_step * steps.step
            shown.step(step, [{"member": 0, "step": step, "batch_loss": 1 / step}])


def test_each_tenth_of_the_way_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    follow(range(0, 1001, 20), 0.05, monkeypatch)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == "" and len(lines) == 9
    assert lines[0] == "2/3 8 runs: step 100 of 1,000, loss 0.0100, 20 steps/s, 45 s left"


def test_a_long_run_is_told_of_every_half_minute_and_a_short_one_not_at_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    follow(range(600, 641, 2), 5.0, monkeypatch)  # continues at step 600
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"2/3 8 runs: step {step} of 1" for step in range(606, 641, 6)]
    assert lines[0].endswith("loss 0.0017, 0.2 steps/s, 32 min 50 s left")
    follow(range(0, 1001, 20), 0.001, monkeypatch)
    assert capsys.readouterr().err == ""


def test_a_study_says_that_it_is_at_work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.05)
    with heartbeat("word2vec"):
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2 and set(lines) == {"word2vec: at work for 0 s"}
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_time_for_people() -> None:
    assert [clock(s) for s in (0.2, 59.6, 90, 7300)] == ["0 s", "1 min 0 s", "1 min 30 s", "2 h 1 min"]
