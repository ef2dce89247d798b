"""python -m experiments.run --config=configs/NAME.py [--config.path=value …] [--workdir=DIR] [--sweep=false]

Runs a config, or the sweep that its file defines. Without --config it lists the configs.
"""

import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.command_line.arguments import CHECKPOINTS, OPTIONS, Arguments, config_files, parse
from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import io_message, tell
from experiments.run_directory.lock import HOLDER, hold


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
            known = (directory / HOLDER).is_file()
            if known:  # before the slow imports
                stack.enter_context(hold(directory))
            folder = set_up_devices()
            from experiments.caching import traced_programs
            from experiments.execution.execute import begin, execute, prepare

            traced_programs.turn_on(folder if keep else None, arguments.path)
            prepared = prepare(arguments, directory)
            if not known:  # a config that is refused leaves no directory behind
                stack.enter_context(hold(directory))
            code = begin(prepared)
        except ValueError as error:
            return tell(error, 2)
        except OSError as error:
            return tell(ValueError(io_message(directory, error)), 1)
        return execute(prepared, started) if code is None else code


def run_directory(arguments: Arguments) -> Path:
    """checkpoints/NAME, or --workdir."""
    chosen = arguments.options["workdir"]
    return Path(str(chosen)).expanduser().resolve() if chosen else CHECKPOINTS / arguments.config.name


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
