"""python -m tests.other_systems.commands FOLDER [more]: every command once, in this process, which plays another system.

Prints a line of JSON: how each command ended. test_portable.py starts it and looks at what it leaves in FOLDER.
"""

import contextlib
import io
import json
import os
import runpy
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from experiments.report.__main__ import produce
from nn_core.training import population
from tests.experiments import tiny
from tests.experiments.test_report import TINY as TABLE

TINY = {
    "model.hidden_sizes": "()",
    "data.train": 50,
    "data.validation": 11,
    "data.test": 13,
    "data.batch_size": 7,
    "train.steps": 40,
    "train.chunk_steps": 10,
    "train.eval_every": 20,
    "train.log_every": 10,
    "train.evaluate_train": "False",
    "checkpoint.every_seconds": 0,
    "figures": "()",
}
SWEEP = """
from configs.digits import get_config
from configs.grid import axis

def get_sweep(config):
    return axis("seed", (0, 1))
"""


def command(module: str, *words: object) -> dict[str, Any]:
    """A command as a shell starts it: exit code and the two streams."""
    sys.argv = [module, *map(str, words)]
    streams = [
        io.TextIOWrapper(io.BytesIO(), encoding=os.environ["PYTHONIOENCODING"], write_through=True) for _ in "oe"
    ]
    code: Any = None
    started = time.process_time()
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            runpy.run_module(module, run_name="__main__")
        except SystemExit as end:
            code = end.code
    out, err = (stream.buffer.getvalue().decode(stream.encoding) for stream in streams)  # type: ignore[attr-defined]
    return {"code": code, "out": out, "err": err, "seconds": time.process_time() - started}


def train(folder: Path, config: object = "digits", **changes: object) -> dict[str, Any]:
    """A tiny linear classifier of digits."""
    settings = [f"--config.{name}={value}" for name, value in (TINY | changes).items()]
    return command("experiments.run", f"--config={config}", f"--workdir={folder}", *settings)


def interrupted(folder: Path) -> dict[str, Any]:
    """The same, stopped half way by a signal of its own."""
    from experiments.training.progress import Progress

    step = Progress.step

    def interrupt(self: Progress, number: int, rows: list) -> None:
        step(self, number, rows)
        if number == 10:
            signal.raise_signal(signal.SIGTERM)
            time.sleep(0.1)  # what a long chunk leaves to the thread that hears it

    Progress.step = interrupt  # type: ignore[method-assign]
    try:
        return train(folder)
    finally:
        Progress.step = step  # type: ignore[method-assign]


def commands(folder: Path) -> dict[str, dict[str, Any]]:
    """How they end, by what they are asked for: a run that is stopped and goes on, a sweep, and what reads them."""
    (folder / "text.txt").write_text(tiny.TEXT, encoding="utf-8", newline="\n")
    (folder / "vectors.txt").write_text("könig 1 0\nčeský 1 1\n", encoding="utf-8", newline="\n")
    (folder / "sweep.py").write_text(SWEEP, encoding="utf-8", newline="\n")
    Image.fromarray(np.full((8, 8), 128, np.uint8)).save(folder / "digit.png")
    run, sweep = folder / "run", folder / "sweep"
    return {
        "list": command("experiments.run"),
        "interrupted": interrupted(run),
        "resumed": train(run),
        "finished": train(run),
        "fresh": train(run, **{"checkpoint.resume": "fresh"}),
        "sweep": train(sweep, config=folder / "sweep.py"),
        "predict": command("experiments.predict", f"--checkpoint={sweep}", "--member=1", folder / "digit.png"),
        "figures": command("experiments.figures", f"--workdir={folder / 'pictures'}", "softmax"),
        "tokens": command("experiments.tokens", f"--text={folder / 'text.txt'}", f"--out={folder / 'text.npy'}"),
        "vectors": command("experiments.vectors", f"--vectors={folder / 'vectors.txt'}", "--most_similar=könig"),
        "formulas": command("experiments.formulas", "--only=F053b"),
        "course": command("experiments.course", "--only=F091"),
        "benchmark": command("experiments.benchmark", "--help"),
        "report": command("experiments.report", "--help"),
        "sample": command("experiments.sample", "--help"),
    }


def more_commands(folder: Path) -> dict[str, dict[str, Any]]:
    """A language model, which samples while it learns, a study, a report and a benchmark."""
    gpt = folder / "gpt"
    words = tiny.arguments(folder, workdir=gpt, figures="('training_and_validation_loss',)")
    options = ("--max_new_tokens=5", "--temperature=0.8")
    return {
        "figures of a run": command("experiments.figures", f"--checkpoint={folder / 'sweep'}", "learning_curves"),
        "language model": command("experiments.run", *words),
        "sample": command("experiments.sample", f"--checkpoint={gpt}", "--prompt=The", *options),
        "attention": command("experiments.figures", f"--checkpoint={gpt}", "attention", "--prompt=The"),
        "study": command("experiments.run", "--config=worked_example", f"--workdir={folder / 'study'}"),
        "compare": command("experiments.compare", folder / "run", folder / "sweep", f"--out={folder / 'both.png'}"),
        "export": command("experiments.export", f"--checkpoint={gpt}", f"--out={folder / 'exported'}"),
        "pipeline": command("experiments.pipeline", "text-generation", f"--model={gpt}", "The", "--max_new_tokens=3"),
        "report of a small table": {"code": report(folder / "report"), "err": ""},
    }


def report(folder: Path) -> int:
    """The exit code of a report on a small table of claims, one of which cannot be had."""
    with contextlib.redirect_stdout(io.StringIO()):
        return produce(TABLE, list(TABLE.experiments), True, folder, "a command")


def main(folder: Path, more: bool) -> None:
    """Runs them and tells how they ended."""
    warnings.filterwarnings("ignore", ".*found in sys.modules")  # runpy's: a command may have been imported
    population.COMPILER_OPTIONS.clear()  # as in conftest.py: what is compiled here runs for a moment
    print(json.dumps(commands(folder) | (more_commands(folder) if more else {})))


if __name__ == "__main__":
    main(Path(sys.argv[1]), "more" in sys.argv[2:])
