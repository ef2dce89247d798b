"""Lives of the command in processes of their own, born by fork from one that has imported everything: a second each.

`python -m tests.lives` is that parent. It reads a line of JSON for every life, forks, and answers with a line of JSON;
the life runs `experiments.run` as the shell would and ends with its exit code.
"""

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

ROOT = Path(__file__).parents[1]
# A tiny run: 60 steps in 6 chunks, saved after each; early stopping and the best parameters in its state. Every life
# traces and lowers it anew, so it is a linear regression and nothing is computed that no test asks for.
TINY = {
    "config": "configs/digits.py",
    "config.task.name": "regression",
    "config.data.name": "diabetes",
    "config.table": "('test_loss',)",
    "config.model.hidden_sizes": "()",
    "config.data.train": 50,
    "config.data.validation": 11,
    "config.data.test": 13,
    "config.data.batch_size": 7,
    "config.data.standardize": "none",
    "config.hparams.patience": 1000.0,
    "config.train.steps": 60,
    "config.train.chunk_steps": 10,
    "config.train.eval_every": 20,
    "config.train.log_every": 1,
    "config.train.evaluate_train": "False",
    "config.figures": "()",
    "config.checkpoint.every_seconds": 0,
}


def arguments(directory: Path, **changes: Any) -> list[str]:
    """The command line of TINY with changes (`__` stands for a dot, None leaves a key out)."""
    values = TINY | {f"config.{name.replace('__', '.')}": value for name, value in changes.items() if name != "config"}
    values |= {"config": changes.get("config", TINY["config"]), "workdir": directory}
    return [f"--{name}={value}" for name, value in values.items() if value is not None]


def shell(*argv: str) -> list[str]:
    """The command as a user types it."""
    return [sys.executable, "-m", "experiments.run", *argv]


class Ended(NamedTuple):
    """How a life ended: exit code (minus the signal that killed it), what it wrote, its peak memory in bytes."""

    code: int
    out: str
    err: str
    peak: int


class Life:
    """A running command."""

    def __init__(self, parent: "Parent", pid: int, folder: Path):
        self.parent, self.pid, self.folder = parent, pid, folder

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Sends a signal; nothing to one that has ended (it stays a zombie until `wait`, so the number is its own)."""
        os.kill(self.pid, number)

    def alive(self) -> bool:
        """Whether it still runs."""
        return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE

    def memory(self) -> int:
        """Bytes of its memory that are in use now."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def until(self, condition: Any, seconds: float = 60.0) -> bool:
        """Waits for a condition or the end; whether the condition held."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.alive():
                return False
            assert time.monotonic() < deadline, (self.folder / "err").read_text()[-2000:]
            time.sleep(0.003)
        return True

    def wait(self, seconds: float = 120.0) -> Ended:
        """Its end; a life that lasts longer is killed, and its test fails."""
        deadline = time.monotonic() + seconds
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        late = self.alive()
        if late:
            self.kill()
        answer = self.parent.ask({"wait": self.pid})
        ended = Ended(answer["code"], *((self.folder / name).read_text() for name in ("out", "err")), answer["peak"])
        assert not late, f"still ran after {seconds} s; it said {ended.out[-500:]} {ended.err[-2000:]}"
        return ended


class Parent:
    """The process that lives are forked from."""

    def __init__(self, folder: Path, cache: Path | None):
        """Starts it, with a compilation cache that takes every program: the given one, or a new one."""
        self.folder, self.count = folder, 0
        environment = os.environ | {
            "JAX_COMPILATION_CACHE_DIR": str(cache or folder / "cache"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.lives"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Sends a request and returns the answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(
        self,
        argv: Sequence[str],
        *,
        nan_steps: tuple[int, int] | None = None,
        file_size: int | None = None,
        devices: int | None = None,
    ) -> Life:
        """Starts the command.

        Args:
            argv: its arguments.
            nan_steps: first and last step whose batches are NaN.
            file_size: most bytes of a file; a write beyond fails, as on a full disk.
            devices: XLA's host devices; one per core by default.
        """
        self.count += 1
        folder = self.folder / f"life-{self.count}"
        folder.mkdir()
        for name in ("out", "err"):  # here, because a life may be killed before it opens them
            (folder / name).touch()
        request = {"argv": list(argv), "folder": str(folder), "nan": nan_steps, "file_size": file_size}
        return Life(self, self.ask(request | {"devices": devices})["pid"], folder)

    def run(self, argv: Sequence[str], **options: Any) -> Ended:
        """Runs the command to its end."""
        return self.start(argv, **options).wait()

    def close(self) -> None:
        """Ends it."""
        self.process.communicate(timeout=10)


@contextlib.contextmanager
def open_parent(folder: Path, cache: Path | None = None) -> Iterator[Parent]:
    """The parent of the lives in a block."""
    parent = Parent(folder, cache)
    try:
        yield parent
    finally:
        parent.close()


def live(request: Mapping[str, Any]) -> int:
    """A life, after the fork."""
    from experiments import run
    from experiments.building import registry
    from experiments.command_line import devices
    from tests.faults import with_nan_at

    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(Path(request["folder"], name), os.O_WRONLY | os.O_CREAT, 0o600), number)
    if request["file_size"] is not None:
        import resource  # here, because Windows has none

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_size"],) * 2)
    if request["devices"] is not None:
        devices.os.sched_getaffinity = lambda pid: set(range(request["devices"]))  # type: ignore[assignment]
    if request["nan"] is not None:
        kind = registry.TASKS["regression"]

        def poisoned(*arguments: Any) -> Any:
            task, *rest = kind.build(*arguments)
            return with_nan_at(task, *request["nan"]), *rest

        registry.TASKS["regression"] = kind._replace(build=poisoned)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run.main(request["argv"], keep=request["nan"] is None)  # a kept program would not know of the fault


def serve() -> int:
    """The parent's loop: returns 0 at the end of the requests, and in a forked life its exit code."""
    import experiments.execution.execute  # noqa: F401
    from experiments.building.experiment import build, set_hparams
    from experiments.command_line.arguments import OPTIONS, parse
    from nn_core.training import population

    population.COMPILER_OPTIONS.clear()  # as in conftest.py: what is compiled here runs for a moment
    # What tracing remembers is inherited by every life. No backend may start here: its threads would not be.
    known = parse(arguments(Path()), OPTIONS)
    assert known is not None
    trace_alone(build(known.config), set_hparams(known.config))
    gc.collect()
    gc.freeze()  # a life's collector would copy every page that it shares with this process

    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        if "wait" in request:
            _, status, usage = os.wait4(request["wait"], 0)
            answer = {
                "code": os.waitstatus_to_exitcode(status),
                "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            }
        else:
            pid = os.fork()
            if pid == 0:
                return live(request)
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)
    return 0


def trace_alone(experiment, hparams):
    """Traces a run without the devices that a population is placed on."""
    import jax
    import numpy as np

    def run(key, values, data):
        program = experiment.program
        state, own = program.start(key, values, data), program.prepare(key, data)
        state, _ = program.advance(state, key, values, own, data, np.int32(1))
        state, _ = program.evaluate(state, key, values, own, data)
        return program.finish(state, key, values, own, data)

    values = {name: jax.ShapeDtypeStruct((), np.float32) for name in hparams}
    jax.eval_shape(run, jax.eval_shape(lambda: jax.random.key(0)), values, experiment.data)


if __name__ == "__main__":
    sys.exit(serve())
