"""python -m experiments.run --config=configs/NAME.py [--config.path=value …] [--workdir=DIR] [--sweep=false]

Runs a config, or the sweep that its file defines. Without --config it lists the configs.
"""

import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.command_line import executors, processes
from experiments.command_line.arguments import CHECKPOINTS, OPTIONS, Arguments, config_files, parse
from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import io_message, tell
from experiments.command_line.new_config import write_new
from experiments.command_line.options import Option, usage
from experiments.command_line.output import run_command
from experiments.command_line.values import join_values, wants_help
from experiments.run_directory.lock import HOLDER, hold
from nn_core.files import user_path

USAGE = "python -m experiments.run --config=configs/NAME.py [--config.KEY=VALUE …] [--workdir=DIR] [--sweep=false]"
HINT = "       --help tells every option, with --config=NAME also every key of that config"
ABOUT = """Runs a config, or the sweep that its file defines, and writes a run directory: checkpoints, metrics.jsonl, results.csv,
figures/. Without --config it lists the configs. --config.KEY=VALUE changes a key (None unsets an optional one).

To resume: the same command on the same directory continues a run that was stopped, and shows one that is finished.
--config.checkpoint.resume=fresh puts the old run aside and begins again, =never refuses a directory that holds a run.
Exit codes: 0, 1 (nothing could be written or restored), 2 (a mistake in the command), 3 (a single run diverged), 143 and
130 (stopped by SIGTERM, Ctrl-C; the state is saved)."""
EXAMPLES = (
    "python -m experiments.run --config=digits",
    "python -m experiments.run --config=digits --help",
    "python -m experiments.run --config=configs/digits.py --config.hparams.l2=1e-3 --workdir=/tmp/try",
    "python -m experiments.run --config=digits --config.model.hidden_sizes=64,32 --config.data.batch_size=None",
    "python -m experiments.run --config=regularization --sweep=false --config.seed=3",
    "python -m experiments.run --config=regularization --dry_run",
    "python -m experiments.run --config=regularization --config.num_seeds=12   # after 8: four more, the rest is read",
    "python -m experiments.run --config=digits --config.train.steps=4000   # after 1000: goes on from there",
    "python -m experiments.run --config=activations --part=2/5 --workdir=/tmp/activations",
)


def main(argv: Sequence[str] | None = None, keep: bool = False) -> int:
    """The command.

    Args:
        argv: its arguments; None: those of the process.
        keep: whether traced programs are kept for the next start; do not if code in memory may differ from its files.
    Returns:
        The exit code: 0; 2 after a mistake by the caller; 3 if a single run diverged; 1 if something could not be
        written or restored; 143 and 130 after SIGTERM and Ctrl-C. Each comes with one line.
    """
    started = time.perf_counter()
    try:
        words = sys.argv[1:] if argv is None else argv
        new = new_file(words)
        if new is not None:
            print(write_new(new))
            return 0
        arguments = parse(words, OPTIONS)
        if arguments is None or arguments.options["help"]:
            print(help_text(arguments) if wants_help(words) else listing())
            return 0
        executors.requested(arguments.options)
        directory, here = run_directory(arguments), processes.places(arguments.options)
    except ValueError as error:
        return tell(error, 2)
    with processes.together(here) as end:
        return end(train(arguments, directory, here, keep, started))


def new_file(words: Sequence[str]) -> str | None:
    """The file that --new names, if that is what is asked.

    Raises:
        ValueError: anything else is given, which would have no effect.
    """
    joined = join_values(words, lambda name: name in OPTIONS and OPTIONS[name].kind is bool)
    named = [word for word in joined if word.startswith("--new=")]
    if not named or wants_help(words):
        return None
    others = [word for word in joined if word != named[0]] + named[1:]
    if others:
        raise ValueError(f"{named[0]} writes a file and does nothing else; leave {others[0]} out")
    return named[0].partition("=")[2]


def train(arguments: Arguments, directory: Path, here: processes.Places | None, keep: bool, started: float) -> int:
    """Prepares and executes what the command line says; returns the exit code."""
    with contextlib.ExitStack() as stack:
        try:
            asks = arguments.options["plan"] or arguments.options["dry_run"]  # and writes nothing
            shared = here is not None or arguments.options["part"] is not None  # each population has a lock of its own
            known = not shared and (directory / HOLDER).is_file() and not asks
            if known:  # before the slow imports
                stack.enter_context(hold(directory))
            folder = set_up_devices(here)
            from experiments.building.own_code import with_own
            from experiments.caching.traced_programs import open_store
            from experiments.execution.begin import begin
            from experiments.execution.chain import check_chain, is_chain, run_chain
            from experiments.execution.dry_run import rehearse
            from experiments.execution.execute import execute
            from experiments.execution.prepare import plan_text, prepare

            if is_chain(arguments.config):
                check_chain(arguments, directory)
                if not known:
                    stack.enter_context(hold(directory))
                return run_chain(arguments, directory)
            # Code of one's own may import files that no digest covers: its programs are traced anew.
            keep = keep and arguments.get_extensions is None
            store = open_store(folder if keep else None, arguments.path)
            registry = with_own(arguments.get_extensions, arguments.path)
            prepared = prepare(arguments, directory, registry, store)
            if asks and prepared.summary:
                print("\n".join(prepared.summary))
            if arguments.options["plan"]:
                print(plan_text(prepared))
            if arguments.options["dry_run"]:
                rehearse(prepared)
            if asks:
                return 0
            if (
                not known and processes.leads() and arguments.options["part"] is None
            ):  # a refused config leaves no directory behind
                stack.enter_context(hold(directory))
            code = begin(prepared)
        except ValueError as error:
            return tell(error, 2)
        except OSError as error:
            return tell(ValueError(io_message(directory, error)), 1)
        return execute(prepared, started) if code is None else code


def run_directory(arguments: Arguments) -> Path:
    """checkpoints/NAME, or --workdir.

    Raises:
        ValueError: a file is in the place of a folder.
    """
    chosen = arguments.options["workdir"]
    directory = user_path(chosen).resolve() if chosen else CHECKPOINTS / arguments.config.name
    there = next((place for place in (directory, *directory.parents) if place.exists()), None)
    if there is not None and not there.is_dir():  # None: a drive that Windows does not have
        raise ValueError(f"--workdir={directory}: {there} is a file; name a folder, a new one or that of a run")
    return directory


def listing() -> str:
    """Lists what can be run, one line each."""
    files = config_files()
    width = max(map(len, files), default=0)
    lines = [f"  {name.ljust(width)}  {first_line}" for name, first_line in files.items()]
    return "\n".join([f"usage: {USAGE}", HINT, "", "configs:", *lines])


def help_text(arguments: Arguments | None) -> str:
    """The text of --help; with --config=NAME also the keys of that config."""
    shown = {
        "config": Option(str, "the config file, or its name in configs/; with --help its keys are told"),
        **OPTIONS,
    }
    told = usage(USAGE, ABOUT, shown, EXAMPLES)
    if arguments is None:
        return told
    from experiments.execution.config_help import config_help  # importing everything that a config may name takes long

    return f"{told}\n\n{config_help(arguments)}"


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # outside of training Ctrl-C just ends the process
    run_command(lambda: main(keep=True))
