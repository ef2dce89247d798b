"""A language-model run so small that a test can afford it; the fixtures in conftest.py train it once a session."""

from pathlib import Path
from typing import Any

from experiments.run import main
from nn_core.data.text import generated_text

CONTEXT, STEPS = 16, 6
TEXT = generated_text(num_characters=2003)


def arguments(folder: Path, config: str = "gpt_quick", workdir: Path | None = None, **changes: Any) -> list[str]:
    """The command line of a tiny run.

    Args:
        folder: where its text is written.
        config: file that it starts from.
        workdir: where it lives; `folder`/run by default.
        changes: of the config; `__` stands for a dot.
    """
    text = folder / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    values = {
        "data.name": "file",
        "data.path": text,
        "data.context_size": CONTEXT,
        "data.batch_size": 5,
        "data.evaluation_windows": 4,
        "data.evaluation_batch": 3,
        "model.layers_num": 1,
        "model.heads_num": 2,
        "model.embedding_dim": 12,
        "schedule.warmup_steps": 1,
        "train.steps": STEPS,
        "train.eval_every": 3,
        "train.log_every": 1,
        "train.sample_every": 3,
        "sample.max_new_tokens": 9,
        "checkpoint.every_seconds": 0.0,
        "figures": "()",
    }
    values |= {name.replace("__", "."): value for name, value in changes.items()}
    words = [f"--config.{name}={value}" for name, value in values.items()]
    return [f"--config=configs/{config}.py", f"--workdir={workdir or folder / 'run'}", *words]


def run(folder: Path, config: str = "gpt_quick", **changes: Any) -> Path:
    """Trains it; returns the run directory."""
    folder.mkdir(exist_ok=True)
    assert main(arguments(folder, config, **changes)) == 0
    return folder / "run"
