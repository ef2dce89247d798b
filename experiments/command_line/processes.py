"""Several processes that train one run together: they find each other, agree, and end together.

JAX's own runtime connects them. The first process, the lead, writes everything but its part of the checkpoints.
"""

import contextlib
import ctypes
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn, TextIO

from experiments.command_line.options import Option

OPTIONS = {  # of experiments.run
    "distributed": Option(bool, "train one run in several processes; found in Slurm, Open MPI, Kubernetes, TPU", False),
    "coordinator": Option(str, "HOST:PORT of the first process, where no scheduler names the others"),
    "process_id": Option(int, "the number of this process, from 0; with --coordinator"),
    "num_processes": Option(int, "how many processes there are; with --coordinator"),
}
SECONDS = "NN_CORE_PROCESS_TIMEOUT"  # variable: seconds without a sign of life after which a process counts as lost
DEFAULT_SECONDS = 30.0
_handlers: list[Any] = []  # C keeps no reference to the function that it calls
_logs: list[str] = []  # of the runtime of this process
LOST = 1  # exit code of a process whose companions are lost
BROKEN = ("Gloo", "NCCL", "oordination service", "by peer")  # in the error of a collective whose companions are gone


class Places(NamedTuple):
    """Where this process stands, as the command line says it; None: JAX asks the environment.

    Attributes:
        coordinator: HOST:PORT of process 0.
        process_id: number of this process.
        num_processes: how many there are.
    """

    coordinator: str | None
    process_id: int | None
    num_processes: int | None


def places(options: Mapping[str, Any]) -> Places | None:
    """What the options say; None: this process is alone.

    Raises:
        ValueError: options that do not go together, or numbers that cannot be.
    """
    given = {
        name: options[name] for name in ("coordinator", "process_id", "num_processes") if options[name] is not None
    }
    if not given and not options["distributed"]:
        return None
    if given and len(given) < 3:
        missing = [name for name in ("coordinator", "process_id", "num_processes") if name not in given]
        raise ValueError(
            f"--{next(iter(given))} needs {' and '.join(f'--{name}' for name in missing)}; give all three, or "
            "--distributed alone where a scheduler started the processes"
        )
    if not given:
        return Places(None, None, None)
    if ":" not in given["coordinator"]:
        raise ValueError(f"--coordinator={given['coordinator']} is not HOST:PORT; write it as 10.0.0.1:1234")
    if not 0 <= given["process_id"] < given["num_processes"]:
        raise ValueError(
            f"--process_id={given['process_id']} is none of --num_processes={given['num_processes']} processes, "
            f"which are numbered from 0"
        )
    return Places(given["coordinator"], given["process_id"], given["num_processes"])


def patience() -> float:
    """Seconds without a sign of life after which a process counts as lost.

    Raises:
        ValueError: the variable is not a positive number.
    """
    chosen = os.environ.get(SECONDS, "")
    try:
        seconds = float(chosen) if chosen else DEFAULT_SECONDS
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds < 10**6:
        raise ValueError(f"{SECONDS}={chosen} is not a number of seconds >= 1; correct it or unset it")
    return seconds


def join(here: Places) -> None:
    """Connects this process with the others; afterwards `jax.devices()` are those of all.

    Only the lead writes to the standard output. A thread ends this process with one line and
    exit code 1 when another one gives no sign of life, whether it was killed, stopped, or lost its network.

    Raises:
        ValueError: no process answers, or their number is unknown.
    """
    import jax

    seconds = patience()
    _catch_abort()
    try:
        jax.distributed.initialize(
            here.coordinator,
            here.num_processes,
            here.process_id,
            initialization_timeout=int(max(seconds, 60)),
            heartbeat_timeout_seconds=int(10 * seconds),  # our own limit, whose message says what happened, comes first
            shutdown_timeout_seconds=int(seconds),
        )
    except (RuntimeError, ValueError) as error:
        detail = " ".join(str(error).split())[:200]
        raise ValueError(
            f"the processes do not find each other ({detail}); start each with --coordinator=HOST:PORT "
            "--num_processes=N --process_id=0 … N - 1, or with --distributed under a scheduler"
        ) from None
    if jax.process_count() > 1:
        threading.Thread(target=_watch, args=(seconds,), name="processes", daemon=True).start()
        if not leads():
            sys.stdout = open(os.devnull, "w", encoding="utf-8", newline="\n")  # noqa: SIM115


def leads() -> bool:
    """Whether this process is the first one, which writes; one that is alone is."""
    import jax

    return jax.process_index() == 0


def alone() -> bool:
    """Whether there is no other process."""
    import jax

    return jax.process_count() == 1


def of_lead(value: int) -> int:
    """The lead's value; every process must call this."""
    if alone():
        return value
    import numpy as np
    from jax.experimental import multihost_utils

    return int(multihost_utils.broadcast_one_to_all(np.int32(value)))


def any_of(flag: bool) -> bool:
    """Whether it holds in any process; every process must call this."""
    if alone():
        return flag
    import numpy as np
    from jax.experimental import multihost_utils

    return bool(np.any(multihost_utils.process_allgather(np.int32(flag))))


@contextlib.contextmanager
def together(here: Places | None) -> Iterator[Callable[[int], int]]:
    """Surrounds the work of several processes; yields a function that takes the exit code.

    One of several processes ends as soon as its work does, also after a fault: JAX would wait for companions that may
    be gone. A process that is alone goes on.
    """
    if here is None:
        yield lambda code: code
        return
    try:
        yield part
    except Exception as error:
        if any(sign in str(error) for sign in BROKEN):
            _lost("another process", f"is gone ({str(error).splitlines()[0][:120]})")
        traceback.print_exc()
        part(LOST)


def part(code: int) -> NoReturn:
    """Ends one of several processes once the others end too: the runtime of those that go on would fail."""
    from jax._src import distributed  # the client has no public name

    client = distributed.global_state.client
    if client is not None and code != LOST:
        with contextlib.suppress(Exception):  # do not wait for a companion that does not end
            client.wait_at_barrier("end", 10_000)
    sys.stdout.flush()
    sys.stderr.flush()
    for log in _logs:
        with contextlib.suppress(OSError):
            os.unlink(log)
    os._exit(code)


def _watch(seconds: float) -> None:
    """Ends this process when another one has given no sign of life for so long.

    The signs come in a thread of their own, because a call to a first process that stands still does not return.
    """
    import jax

    others = sorted(set(range(jax.process_count())) - {jax.process_index()})
    seen = dict.fromkeys(others, ("", time.monotonic()))
    threading.Thread(target=_exchange, args=(seen, seconds / 10), name="signs of life", daemon=True).start()
    while True:
        time.sleep(min(seconds / 10, 2.0))
        for number, (_, when) in seen.items():  # the first one first: while it stands still, nothing is heard of any
            if time.monotonic() - when > seconds:
                _lost(f"process {number}", f"has given no sign of life for {seconds:.0f} s")


def _exchange(seen: dict[int, tuple[str, float]], pause: float) -> None:
    """Sends signs of life, and notes the last one of each other process and when it came."""
    import jax
    from jax._src import distributed  # the client has no public name

    client: Any = distributed.global_state.client
    for sign in range(2**62):
        try:
            client.key_value_set(f"alive/{jax.process_index()}", str(sign), allow_overwrite=True)
            for number, (last, when) in seen.items():
                try:
                    now = client.key_value_try_get(f"alive/{number}")
                except Exception:  # no sign yet
                    now = last
                seen[number] = (now, time.monotonic()) if now != last else (last, when)
        except Exception:
            _lost("the first process", "is gone")
        time.sleep(min(pause, 2.0))


def _lost(who: str, what: str) -> None:
    sys.stderr.write(f"error: {who} of this run {what}; start all processes again, the same command continues\n")
    sys.stderr.flush()
    os._exit(LOST)


def _catch_abort() -> None:
    """Makes an abort of JAX's runtime end in one line and exit code 1.

    The runtime aborts as soon as the first process is gone, after pages of addresses on the error stream, and no
    setting prevents it. So its output goes to a file, and a C handler of ours takes SIGABRT; a Python handler would
    never run.
    """
    descriptor, log = tempfile.mkstemp(prefix=f"nn_core-process-{os.getpid()}-", suffix=".log")
    _logs.append(log)
    sys.stdout, sys.stderr = (_moved(stream, descriptor) for stream in (sys.stdout, sys.stderr))

    def end(_: int) -> None:
        _lost("the first process", f"is gone, or the runtime has failed (it wrote {log})")

    kind = ctypes.CFUNCTYPE(None, ctypes.c_int)
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    _handlers.append(kind(end))
    library.signal(signal.SIGABRT, _handlers[-1])


def _moved(stream: TextIO, log: int) -> TextIO:
    """The stream on a descriptor of its own; what else writes to the old one writes to the log."""
    stream.flush()
    old = stream.fileno()
    encoding, errors = stream.encoding, "backslashreplace"
    moved = open(os.dup(old), "w", encoding=encoding, errors=errors, newline=None, buffering=1)  # noqa: SIM115
    os.dup2(log, old)
    return moved
