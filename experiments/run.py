"""python -m experiments.run --config=configs/NAME.py [--config.path=value …] [--workdir=DIR] [--sweep=false]

Runs a config, or the sweep that its file defines. Without --config it lists the configs.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.arguments import Arguments, config_files, parse
from experiments.lock import LockedError, check_free

OPTIONS = {"workdir": None, "sweep": True, "help": False}
CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake of the caller, told in one line."""
    started = time.perf_counter()
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv, OPTIONS)
        if arguments is None or arguments.options["help"]:
            print(listing())
            return 0
        directory = run_directory(arguments)
        check_free(directory)
        set_up_devices()
        from experiments.execute import execute, prepare

        prepared = prepare(arguments, directory)
    except ValueError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    try:
        return execute(prepared, started)
    except LockedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def run_directory(arguments: Arguments) -> Path:
    """checkpoints/NAME, or --workdir."""
    chosen = arguments.options["workdir"]
    return Path(str(chosen)).expanduser().resolve() if chosen else CHECKPOINTS / arguments.config.name


def set_up_devices() -> None:
    """One XLA host device per core, so that a population uses all of them, and the compilation cache."""
    import jax

    from experiments.cache import turn_on

    jax.config.update("jax_num_cpu_devices", max(len(os.sched_getaffinity(0)), 1))
    turn_on()


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
    sys.exit(main())
