"""A sweep as jobs: the same results as here, also when jobs are killed, and shares that run at the same time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments.execution import jobs
from experiments.run import main
from tests.experiments.test_continuing import CONFIG
from tests.lives import ROOT

pytest.importorskip("submitit", reason="the extra slurm")


def words(folder: Path, name: str, *more: str) -> list[str]:
    """The command of a sweep of four members in two populations."""
    config = folder / "tiny.py"
    config.write_text(CONFIG, encoding="utf-8")
    return [f"--config={config}", f"--workdir={folder / name}", "--config.train.max_members=2", *more]


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Path:
    """The sweep without jobs."""
    folder = tmp_path_factory.mktemp("jobs")
    command(words(folder, "here"))
    return folder / "here"


def command(argv: list[str]) -> str:
    """What the command says in a process of its own, which compiles as the jobs do."""
    run = [sys.executable, "-m", "experiments.run", *argv]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.mark.slow
def test_jobs_write_the_results_that_the_sweep_has_here(here, tmp_path):
    said = command(words(tmp_path, "run", "--executor=processes"))
    assert (tmp_path / "run" / "results.csv").read_bytes() == (here / "results.csv").read_bytes()
    assert "2 of 2 jobs submitted" in said
    assert len(list((tmp_path / "run" / "groups").iterdir())) == 2


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--executor=slrum"], "use local, slurm, processes, debug"),
        (["--executor.partition=gpu"], "needs --executor=slurm"),
        (["--detach"], "needs --executor=slurm"),
        (["--executor=debug", "--part=1/2"], "makes jobs of all shares"),
        (["--executor=debug", "--sweep=false"], "is for a sweep"),
        (["--executor=debug", "--executor.populations=0"], "must be >= 1"),
        (["--part=1/2", "--config.checkpoint.resume=fresh"], "put aside"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(more, told, tmp_path, capsys):
    assert main(words(tmp_path, "run", *more)) == 2
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1 and not (tmp_path / "run").exists()


def test_no_scheduler_is_told_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(words(tmp_path, "run", "--executor=slurm")) == 1
    said = capsys.readouterr().err
    assert "--executor=processes" in said and said.count("\n") == 1


class FailedJob:
    """A job that has ended without a result."""

    def __init__(self, folder: Path, number: int):
        self.job_id, self.paths = str(number), SimpleNamespace(stderr=folder / f"{number}.err")

    def done(self) -> bool:
        return True


def test_a_share_that_always_fails_is_named_with_its_log(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(jobs, "make_submit", lambda _, folder, *more: lambda number: FailedJob(folder, number))
    assert main(words(tmp_path, "run", "--executor=processes")) == 1
    told = f"part 1/2 has failed 3 times; its output is in {tmp_path / 'run' / 'jobs' / '1.err'}"
    assert told in capsys.readouterr().err


@pytest.mark.slow
def test_jobs_in_this_order_and_shares_at_the_same_time_give_the_same(here, tmp_path):
    command(words(tmp_path, "debug", "--executor=debug", "--executor.populations=2"))
    assert (tmp_path / "debug" / "results.csv").read_bytes() == (here / "results.csv").read_bytes()
    shares = [[*words(tmp_path, "shares"), f"--part={number}/2"] for number in (1, 2)]
    both = [subprocess.Popen([sys.executable, "-m", "experiments.run", *share], cwd=ROOT) for share in shares]
    assert [process.wait() for process in both] == [0, 0]
    command(words(tmp_path, "shares"))
    assert (tmp_path / "shares" / "results.csv").read_bytes() == (here / "results.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="looks for the jobs by ps")
def test_a_killed_job_is_submitted_again(here, tmp_path):
    argv = words(tmp_path, "run", "--executor=processes")
    waiting = subprocess.Popen(
        [sys.executable, "-m", "experiments.run", *argv], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    killed = False
    for _ in range(600):
        found = subprocess.run(
            ["pgrep", "-f", f"workdir={tmp_path / 'run'} .*--part=1/2"], capture_output=True, text=True
        )
        if found.stdout.split():
            os.kill(int(found.stdout.split()[0]), signal.SIGKILL)
            killed = True
            break
        time.sleep(0.1)
    out, _ = waiting.communicate(timeout=300)
    assert killed and not waiting.returncode and "1 of 2 jobs submitted" in out
    assert (tmp_path / "run" / "results.csv").read_bytes() == (here / "results.csv").read_bytes()


@pytest.mark.slow
def test_what_is_not_waited_for_is_gathered_later(here, tmp_path):
    assert "part 1/2: job " in command(words(tmp_path, "run", "--executor=processes", "--detach"))
    groups = tmp_path / "run" / "groups"
    for _ in range(1200):
        if len(list(groups.glob("*/results.csv"))) == 2:
            break
        time.sleep(0.1)
    assert "submitted" not in command(words(tmp_path, "run", "--executor=processes"))
    assert (tmp_path / "run" / "results.csv").read_bytes() == (here / "results.csv").read_bytes()
