"""SIGTERM and Ctrl-C as a question that the loop asks between chunks; a second one ends the process at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def exit_code(number: int) -> int:
    """What a shell reports for a process that a signal ended: 143 for SIGTERM, 130 for SIGINT."""
    return 128 + number


@contextlib.contextmanager
def stop_requests(announce: Callable[[signal.Signals], None]) -> Iterator[Callable[[], int | None]]:
    """Within the block a first signal is only noted; the second exits with its code, whatever the process is doing.

    A Python handler would run only when the main thread comes back from compiled code, which may take minutes. The
    signal's number is therefore read from a pipe by a thread.

    Args:
        announce: is told of the first signal, in that thread.
    Yields:
        A function that returns the number of the signal received, or None.
    Raises:
        ValueError: called outside the main thread.
    """
    received: list[int] = []
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def watch() -> None:
        while number := os.read(reader, 1):
            if number[0] not in SIGNALS:
                continue
            if received:
                os._exit(exit_code(number[0]))
            received.append(number[0])
            announce(signal.Signals(number[0]))

    handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    try:
        yield lambda: received[0] if received else None
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(writer)  # ends the watcher
        watcher.join()
        os.close(reader)
