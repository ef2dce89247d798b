"""A sweep as jobs: the same results as here, also when jobs are killed, and shares that run at the same time."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from experiments.execution import job, jobs
from experiments.execution.jobs import Submitted
from experiments.run import main
from experiments.run_directory.lock import hold
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
        (["--executor=debug", "--detach"], "starts nothing"),
        (["--executor=debug", "--part=1/2"], "makes jobs of all shares"),
        (["--executor=debug", "--sweep=false"], "is for a sweep"),
        (["--executor=debug", "--executor.populations=0"], "must be >= 1"),
        (["--executor=debug", "--config.search.rungs=(3,)"], "a search by rungs compares all members; leave it out"),
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


class EndedJob:
    """A job that has ended before its share was trained."""

    def __init__(self, folder: Path, number: int):
        self.job_id, result = str(number), folder / "none.pkl"
        self.paths = SimpleNamespace(stderr=folder / f"{number}.err", result_pickle=result)

    def done(self) -> bool:
        return True


def test_a_share_that_always_fails_is_named_with_its_log(tmp_path, capsys, monkeypatch):
    submissions = []

    def make_submit(request, folder, *more):
        def submit(numbers):
            submissions.append(tuple(numbers))
            return {number: Submitted(EndedJob(folder, number), {"cluster": "slurm"}) for number in numbers}

        return submit

    monkeypatch.setattr(jobs, "make_submit", make_submit)
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.0)
    assert main(words(tmp_path, "run", "--executor=processes")) == 1
    told = f"part 1/2 has failed 3 times; its output is in {tmp_path / 'run' / 'jobs' / '1.err'}"
    assert told in capsys.readouterr().err and submissions == [(1, 2)] * 3


SLURM = {  # what stands in for Slurm: each job array has the next hundred, and is in the state that a file says
    "srun": "exit 1",
    "sbatch": 'echo "$1" >> "$SLURM/submitted"; echo "Submitted batch job $(wc -l < "$SLURM/submitted")00"',
    "sacct": "echo 'JobID|State|NodeList'; cat \"$SLURM/states\"",
}


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "slurm"
    folder.mkdir()
    (folder / "states").write_text("100_0|PENDING|\n100_1|RUNNING|n1\n")
    for name, text in SLURM.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM", str(folder))
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="scripts stand in for Slurm")
def test_jobs_are_one_array_and_are_not_submitted_again_while_they_wait_or_run(slurm, tmp_path, capsys):
    argv = words(tmp_path, "run", "--executor=slurm", "--detach")
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert "part 1/2: job 100_0, output in" in said and "part 2/2: job 100_1, output in" in said
    script = (tmp_path / "run" / "jobs" / "100_submission.sh").read_text()
    assert "--array=0-1%2" in script and "--time=1440" in script
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert "submitted" not in said and "part 1/2: job 100_0, output in" in said
    assert main([*argv, "--config.checkpoint.resume=fresh"]) == 2
    assert "wait or run: 100_0 100_1; end them" in capsys.readouterr().err
    (slurm / "states").write_text("100_0|FAILED|n1\n100_1|RUNNING|n1\n")
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert "1 of 2 jobs submitted" in said and "part 1/2: job 200" in said and "part 2/2: job 100_1" in said
    assert (slurm / "submitted").read_text().count("\n") == 2


@pytest.mark.skipif(sys.platform == "win32", reason="scripts stand in for Slurm")
def test_what_slurm_refuses_is_told_in_one_line(slurm, tmp_path, capsys):
    (slurm / "sbatch").write_text("#!/bin/sh\necho 'invalid partition specified: no' >&2; exit 1\n")
    assert main(words(tmp_path, "run", "--executor=slurm", "--executor.partition=no")) == 1
    said = capsys.readouterr().err
    assert "slurm refuses the jobs (invalid partition specified: no)" in said and said.count("\n") == 1


def test_a_share_that_a_process_uses_is_not_submitted(tmp_path, capsys, monkeypatch):
    argv = words(tmp_path, "run", "--executor=processes", "--detach")
    submitted = []
    monkeypatch.setattr(jobs, "make_submit", lambda *more: lambda numbers: submitted.append(tuple(numbers)) or {})
    with hold(tmp_path / "run" / "groups" / "0000"), hold(tmp_path / "run" / "groups" / "0001"):
        assert main(argv) == 0
    said = capsys.readouterr().out
    assert not submitted and f"part 2/2: in use by process {os.getpid()}" in said


# A command that saves when it is asked to end; it says when it can be asked.
SAVES = """
import signal, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: ((folder / "saved").touch(), sys.exit(143)))
(folder / "ready").touch()
time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR2"), reason="Windows sends no signals between processes")
@pytest.mark.parametrize("sent", ["SIGTERM", "SIGUSR2"])
def test_a_job_that_is_asked_to_end_lets_its_command_save(sent, tmp_path, monkeypatch):
    """Submitit calls `checkpoint` in its handler of SIGUSR2, in the thread that runs the job."""
    monkeypatch.setattr(job, "command", lambda words: [sys.executable, "-c", SAVES, *words])
    queued, one = [], job.Job()

    def send() -> None:
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), getattr(signal, sent))

    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: None),
        signal.SIGUSR2: signal.signal(signal.SIGUSR2, lambda *_: queued.append(one.checkpoint([str(tmp_path)]))),
    }
    try:
        threading.Thread(target=send).start()
        assert one([str(tmp_path)]) == 143 and (tmp_path / "saved").exists()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert [again.args for again in queued] == [([str(tmp_path)],)] * (sent == "SIGUSR2")


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
@pytest.mark.skipif(not hasattr(signal, "SIGUSR2"), reason="Windows sends no signals between processes")
def test_a_job_whose_time_ends_is_queued_again_by_submitit(here, tmp_path):
    argv = words(tmp_path, "run", "--executor=processes")
    waiting = subprocess.Popen(
        [sys.executable, "-m", "experiments.run", *argv], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    mark = f"--workdir={tmp_path / 'run'}"
    for _ in range(600):
        family = psutil.Process(waiting.pid).children(recursive=True)
        found = [one for one in family if {mark, "--part=1/2"} <= set(one.cmdline())]
        if found:
            found[0].parent().send_signal(signal.SIGUSR2)
            break
        time.sleep(0.1)
    out, _ = waiting.communicate(timeout=300)
    assert not waiting.returncode and "1 of 2 jobs submitted" not in out
    assert "Requeued job" in "".join(path.read_text() for path in (tmp_path / "run" / "jobs").glob("*_log.out"))
    assert (tmp_path / "run" / "results.csv").read_bytes() == (here / "results.csv").read_bytes()


@pytest.mark.slow
def test_jobs_that_run_are_not_submitted_again(here, tmp_path):
    argv = words(tmp_path, "run", "--executor=processes")
    assert "2 of 2 jobs submitted" in command([*argv, "--detach"])
    assert "submitted" not in command(argv)
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
