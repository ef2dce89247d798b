"""Faults that tests inject: what a server, a disk or a process does wrong."""

import http.server
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from nn_core.tasks.base import Task

DAMAGES = ("delete", "truncate", "empty", "flip")


def files_below(directory: Path) -> list[Path]:
    """Every file below a directory, in a stable order."""
    return sorted(path for path in directory.rglob("*") if path.is_file())


def damage(path: Path, kind: str, seed: int = 0) -> bool:
    """Damages a file in one of DAMAGES; False where that leaves it as it was (an empty file cannot be emptied)."""
    before = path.read_bytes()
    if kind == "delete":
        path.unlink()
        return True
    if kind == "flip":
        after = bytearray(before)
        if after:
            bit = random.Random(seed).randrange(8 * len(after))
            after[bit // 8] ^= 1 << bit % 8
    else:
        after = bytearray(before[: len(before) // 2 if kind == "truncate" else 0])
    path.write_bytes(after)
    return bytes(after) != before


def flip_any_bit(directory: Path, seed: int) -> Path:
    """Flips one bit, each bit of each file below the directory being as likely; returns the file."""
    paths = [path for path in files_below(directory) if path.stat().st_size]
    path = random.Random(seed).choices(paths, [path.stat().st_size for path in paths])[0]
    damage(path, "flip", seed)
    return path


class Finished(NamedTuple):
    """How a command ended: its exit code (minus the signal that killed it) and what it wrote."""

    code: int
    out: str
    err: str


# Past the limit a write fails with an error, as on a full disk, rather than killing the process.
LIMITED = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    file_size: int | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[str]:
    """Starts a command in a process group of its own, its files limited to `file_size` bytes (a disk that is full)."""
    limited = [] if file_size is None else [sys.executable, "-c", LIMITED, str(file_size)]
    return subprocess.Popen(
        [*limited, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 60.0) -> Finished:
    """Waits for a command; after `timeout` seconds its whole group is killed and the test fails."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_group(process)
        out, err = process.communicate()
        raise AssertionError(f"{process.args} still ran after {timeout} s; it said {out[-500:]} {err[-500:]}") from None
    return Finished(process.returncode, out, err)


def run(command: Sequence[str], *, timeout: float = 60.0, **options: Any) -> Finished:
    """Runs a command to its end; options as of `start`."""
    return finish(start(command, **options), timeout)


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kills a command and all that it started."""
    if not hasattr(os, "killpg"):
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run_and_kill(command: Sequence[str], seconds: float, **options: Any) -> Finished:
    """Runs a command and kills it after so many seconds, if it still runs then."""
    process = start(command, **options)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill_group(process)
    return finish(process)


def with_nan_at(task: Task, step: int, last: int | None = None) -> Task:
    """The task, but for NaN in every number of the batches of steps `step` to `last` (only `step` by default)."""

    def plan(data: Any, key: jax.Array, first_step: jax.Array, num_steps: int) -> Any:
        steps_K = first_step + jnp.arange(num_steps)
        bad_K = (steps_K >= step) & (steps_K <= (step if last is None else last))
        return task.plan(data, key, first_step, num_steps), bad_K

    def batch(data: Any, plan_k: Any) -> Any:
        inner, bad = plan_k
        return jax.tree.map(
            lambda leaf: jnp.where(bad, jnp.nan, leaf) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf,
            task.batch(data, inner),
        )

    return task._replace(plan=plan, batch=batch)


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits for a condition; fails after so many seconds."""
    pause, waited = threading.Event(), 0.0
    while not condition():
        if waited > seconds:
            raise AssertionError(f"{condition} did not hold within {seconds} s")
        pause.wait(0.02)
        waited += 0.02


class LocalServer:
    """An HTTP server on 127.0.0.1 that misbehaves as told; use it as a context manager.

    `replies[path]` is a list of replies, the last of which is repeated; a reply is a dict with any of
        status:  the HTTP status (200)
        body:    bytes of the whole answer (b"")
        send:    how many of them are really sent before the connection closes (all)
        length:  whether a Content-Length is announced (True)
        stall:   seconds of silence before the rest of the body is sent, after its first half (0)
        headers: further headers
    `requests` lists the paths asked for, in order.
    """

    def __init__(self, replies: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self.requests: list[str] = []
        self._replies = {path: list(answers) for path, answers in replies.items()}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def __enter__(self) -> "LocalServer":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.requests.append(handler.path)
            answers = self._replies.get(handler.path, [{"status": 404}])
            reply = answers.pop(0) if len(answers) > 1 else answers[0]
        body = reply.get("body", b"")
        handler.send_response(reply.get("status", 200))
        if reply.get("length", True):
            handler.send_header("Content-Length", str(len(body)))
        for name, value in reply.get("headers", {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        sent = body[: reply.get("send", len(body))]
        try:
            handler.wfile.write(sent[: len(sent) // 2])
            handler.wfile.flush()
            self._closing.wait(reply.get("stall", 0))
            handler.wfile.write(sent[len(sent) // 2 :])
        except OSError:  # the client hung up: what several tests are about
            pass
