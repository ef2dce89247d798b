"""python -m experiments.run --config=configs/NAME.py [--config.path=value …] [--workdir=DIR] [--sweep=false]

Runs a config, or the sweep that its file defines. Without --config it lists the configs.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.arguments import Arguments, config_files, parse
from experiments.lock import LOCK, hold

OPTIONS = {"workdir": None, "sweep": True, "help": False}
CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"


def main(argv: Sequence[str] | None = None, keep: bool = False) -> int:
    """The command.

    Args:
        argv: its arguments; None: those of the process.
        keep: whether traced programs are kept for the next start: not where code in memory may differ from its files.
    Returns:
        The exit code: 0; 2 after a mistake of the caller; 3 where a single run diverged; 1 where nothing could be
        written or restored; 143 and 130 after SIGTERM and Ctrl-C. Each is told in one line.
    """
    started = time.perf_counter()
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv, OPTIONS)
        if arguments is None or arguments.options["help"]:
            print(listing())
            return 0
    except ValueError as error:
        return tell(error, 2)
    directory = run_directory(arguments)
    with contextlib.ExitStack() as stack:
        try:
            known = (directory / LOCK).is_file()
            if known:  # before the slow imports
                stack.enter_context(hold(directory))
            folder = set_up_devices()
            from experiments import kept
            from experiments.execute import begin, execute, io_message, prepare

            kept.turn_on(folder if keep else None, arguments.path)
            prepared = prepare(arguments, directory)
            if not known:  # a config that is refused leaves no directory behind
                stack.enter_context(hold(directory))
            code = begin(prepared)
        except ValueError as error:
            return tell(error, 2)
        except OSError as error:
            return tell(ValueError(io_message(directory, error)), 1)
        return execute(prepared, started) if code is None else code


def tell(error: Exception, code: int) -> int:
    """Tells what is wrong, in one line; returns the code."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    return code


def refuse(error: Exception) -> int:
    """Tells a mistake of the caller or a checkpoint that cannot be read; returns exit code 2, raises what is neither."""
    from nn_core.training.manifest import CheckpointError

    if not isinstance(error, (ValueError, CheckpointError)):
        raise error
    return tell(error, 2)


def run_directory(arguments: Arguments) -> Path:
    """checkpoints/NAME, or --workdir."""
    chosen = arguments.options["workdir"]
    return Path(str(chosen)).expanduser().resolve() if chosen else CHECKPOINTS / arguments.config.name


def set_up_devices() -> Path | None:
    """One XLA host device per core, so that a population uses all of them, and the compilation cache, whose folder it returns."""
    import jax

    from experiments.cache import turn_on

    jax.config.update("jax_num_cpu_devices", max(len(os.sched_getaffinity(0)), 1))
    return turn_on()


def listing() -> str:
    """What can be run, one line each."""
    files = config_files()
    width = max(map(len, files), default=0)
    lines = [f"  {name.ljust(width)}  {first_line}" for name, first_line in files.items()]
    command = "python -m experiments.run --config=configs/NAME.py"
    return "\n".join(
        [f"usage: {command} [--config.KEY=VALUE …] [--workdir=DIR] [--sweep=false]", "", "configs:", *lines]
    )


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # outside of training Ctrl-C just ends the process
    sys.exit(main(keep=True))
