"""Every task is served by the run of the config that its message names, trained as printed, in short settings."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from experiments.command_line.arguments import find_config
from experiments.pipeline import pipeline
from experiments.pipelines.tasks import TASKS
from experiments.run import main
from nn_core.data.sounds import make_sound
from tests.experiments.pipelines.test_output_table import TABLE, form, wanted
from tests.experiments.pipelines.test_pipelines import write_sound

_STEPS = {"train.steps": 10, "train.eval_every": 10, "train.log_every": 10, "train.chunk_steps": 5, "figures": "()"}
_PAIRS = {"data.options.num_examples": 900, "data.options.validation": 50, "data.options.test": 50, "task.decoded": 10}
_TEXT = _STEPS | {"schedule.warmup_steps": 2, "train.sample_every": 0}
SHORT: dict[str, dict[str, Any]] = {
    "gpt_quick": _TEXT | {"model.embedding_dim": 32},
    "bert_quick": {
        **{"num_seeds": 1, "figures": "()", "task.pretrain_steps": 10, "task.steps": 10, "task.texts": 50},
        **{"task.held_out": 10, "task.test": 10, "task.embedding_dim": 16},
    },
    "finetune_classifier": _STEPS,
    "t5_quick": _STEPS | _PAIRS | {"schedule.warmup_steps": 2},
    "toy_translation": _STEPS | _PAIRS | {"schedule.warmup_steps": 2},
    "digits_cnn": _STEPS,
    "sounds": _STEPS,
}
OPTIONS = {"zero-shot-classification": {"candidate_labels": "food, sport"}, "image-classification": {"fit": True}}
INPUTS: dict[str, Any] = {
    "fill-mask": "anna breaks the [MASK] into a pan",
    "question-answering": {"question": "who breaks it ?", "context": "anna breaks the egg"},
    "sentence-similarity": {"source_sentence": "anna", "sentences": ["anna", "bob"]},
    "image-classification": "picture.png",
    "audio-classification": "sound.wav",
}


def printed(task: str) -> tuple[list[str], str]:
    """The words of the command that a task's message names, and the directory that serves."""
    with pytest.raises(ValueError, match="no model is given; ") as caught:
        pipeline(task)
    found = re.search(r"train one: python -m experiments\.run (--config=\S+)(?: \((\S+)\))?$", str(caught.value))
    assert found is not None, str(caught.value)
    word, place = found.groups()
    name = find_config(word.removeprefix("--config=")).stem
    return shlex.split(word), place or f"checkpoints/{name}"


def test_every_task_names_a_config_that_there_is() -> None:
    for task in TASKS:
        (word,), place = printed(task)
        assert Path(place).parts[:2] == ("checkpoints", find_config(word.removeprefix("--config=")).stem)
        assert Path(place).parts[1] in SHORT


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(path / "picture.png")
    write_sound(path / "sound.wav", make_sound(np.random.default_rng(0), "tone"))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_run_serves(root: Path, monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    """In a folder that is not the clone; a run that starts from another one has that trained first."""
    monkeypatch.chdir(root)
    (word,), place = printed(task)
    name = Path(place).parts[1]
    for config in (*(("gpt_quick",) if name == "finetune_classifier" else ()), name):
        if not (root / "checkpoints" / config).exists():
            values = [f"--config.{key}={value}" for key, value in SHORT[config].items()]
            sweep = [] if config == "bert_quick" else ["--sweep=false"]
            assert main([word.replace(name, config), f"--workdir=checkpoints/{config}", *values, *sweep]) == 0
    found = pipeline(task, place)(INPUTS.get(task, "anna breaks the egg"), **OPTIONS.get(task, {}))
    assert form(found) == wanted(TABLE[task][3])
