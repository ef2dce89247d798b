"""What a job of a scheduler runs: the command with --part=K/N, in a process of its own that can be asked to save."""

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

from experiments.training.signals import SIGNALS, exit_code

# How a command ends that a signal has stopped: after saving, or by the signal itself before it had anything to save.
STOPPED = frozenset(code for number in SIGNALS for code in (exit_code(number), -number))


class JobFailed(RuntimeError):
    """The command of a job has ended with an error."""


class Job:
    """Submitit calls it and, before the job's time ends or when it is preempted, asks it for a checkpoint.

    Submitit keeps it in a file while the job waits, so it has no state until it is called.
    """

    child: subprocess.Popen | None = None
    watch: threading.Thread | None = None

    def __call__(self, words: Sequence[str]) -> int:
        """Runs the command and passes SIGTERM on to it.

        Returns:
            Its exit code: 0, or one of STOPPED.
        Raises:
            JobFailed: it is another one.
        """
        # Submitit's handler ignores the signal; --executor=debug has none.
        if signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self.stop)
        self.child = subprocess.Popen(command(words))
        # In a thread, because a handler that calls `wait` while this one is in `wait` would stand still.
        self.watch = threading.Thread(target=self.child.wait, daemon=True)
        self.watch.start()
        try:
            self.watch.join()
        finally:
            self.stop()
        code = int(self.child.returncode)
        if code and code not in STOPPED:
            raise JobFailed(f"the command ended with exit code {code}")
        return code

    def stop(self, number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """Asks the command to save and to end."""
        if self.child is not None and self.child.returncode is None:
            self.child.terminate()

    def checkpoint(self, words: Sequence[str]) -> Any:
        """Stops the command, which saves; what submitit queues again in the place of this job."""
        from submitit.helpers import DelayedSubmission

        self.stop()
        if self.watch is not None and self.watch.is_alive():
            self.watch.join()
        return DelayedSubmission(Job(), words)


def command(words: Sequence[str]) -> list[str]:
    """The command line of a process of the command."""
    return [sys.executable, "-m", "experiments.run", *words]
