"""SIGTERM, SIGUSR2 and Ctrl-C: the loop looks for them between chunks; a second one ends the process at once."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

SIGNALS: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGINT)
if hasattr(signal, "SIGUSR2"):
    SIGNALS += (signal.SIGUSR2,)  # what Slurm sends to every process of a job before its time ends
if sys.platform == "win32":
    SIGNALS += (signal.SIGBREAK,)  # Ctrl-Break, which one process can send to another there
# `timeout` and some schedulers send their signal twice at once, to the process and to its group: it is one request.
REPEAT_SECONDS = 1.0


def exit_code(number: int) -> int:
    """What a shell reports for a process that a signal ended: 143 for SIGTERM, 130 for SIGINT."""
    return 128 + number


@contextlib.contextmanager
def stop_requests(announce: Callable[[signal.Signals], None]) -> Iterator[Callable[[], int | None]]:
    """Inside the block the first signal is only noted; the second one exits with its code, whatever the process is doing.

    A signal within REPEAT_SECONDS of the announcement repeats the first one and does not count as a second.
    A Python handler would run only when the main thread returns from compiled code, which may take minutes. So a thread
    reads the signal's number from a socket (Windows does not accept a pipe here).

    Args:
        announce: called with the first signal, in that thread.
    Yields:
        A function that returns the number of the signal received, or None.
    Raises:
        ValueError: called outside the main thread.
    """
    received: list[int] = []
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    def watch() -> None:
        announced = 0.0
        while numbers := reader.recv(64):
            asked = [number for number in numbers if number in SIGNALS]
            if asked and not received:
                received.append(asked[0])
                announce(signal.Signals(asked[0]))
                announced = time.monotonic()
            elif asked and time.monotonic() - announced > REPEAT_SECONDS:
                os._exit(exit_code(asked[0]))

    handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    previous = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    try:
        yield lambda: received[0] if received else None
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        writer.close()  # ends the watcher
        watcher.join()
        reader.close()
