"""Folders that hold no run of one network: what they are, and the command that answers about them."""

import shlex
from pathlib import Path
from typing import Any

from configs import base
from experiments.run_directory.results import CONFIG as STORED
from experiments.run_directory.results import RESULTS
from nn_core.files import user_path
from nn_core.pretrained.folder import CONFIG, is_folder
from nn_core.pretrained.folder import read_json as read_folder_json

MODELS, VECTORS = "models", "vectors.txt"  # of a study: a folder of Hugging Face folders, word vectors
FILL_MASK = "fill-mask"
TEXT_CLASSES, REWARDS = (keys["name"].default for keys in (base.TEXT_CLASSIFICATION, base.REWARD_MODEL))  # task.name
# How the name of an architecture ends -> the task of experiments.pipeline.
TASKS = {
    "ForPreTraining": FILL_MASK,
    "ForMaskedLM": FILL_MASK,
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForConditionalGeneration": "text2text-generation",
    "MTModel": "translation",
    "ForImageClassification": "image-classification",
}


def task_of(folder: Path) -> str:
    """The task of experiments.pipeline that fits a Hugging Face folder; "TASK" where its config does not say."""
    named: Any = read_folder_json(folder / CONFIG).get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    return next((task for ending, task in TASKS.items() if name.endswith(ending)), "TASK")


def command(folder: Path) -> str:
    """The command that asks a Hugging Face folder."""
    return f"python -m experiments.pipeline {task_of(folder)} {shlex.quote(f'--model={folder}')} TEXT"


def recipe(path: str) -> str:
    """How the run that a default names is made, where it is not there."""
    name = Path(path).name
    known = Path(__file__).parents[2] / "configs" / f"{name}.py"
    if user_path(path).exists() or not known.is_file():
        return ""
    return f" (python -m experiments.run --config=configs/{name}.py makes it)"


def about_folder(folder: Path) -> str:
    """What to say of a Hugging Face folder where a run directory is wanted."""
    return f"{folder} is a Hugging Face folder, not a run directory; ask it by: {command(folder)}"


def about_classes(directory: Path) -> str:
    """What to say of a run that tells the classes of texts, where one of another kind is wanted."""
    model = shlex.quote(f"--model={directory}")
    ask = f"python -m experiments.pipeline text-classification {model} TEXT, or --input=FILE with a text a line"
    return f"{directory} tells the classes of texts; ask it by: {ask}"


def about_rewards(directory: Path) -> str:
    """What to say of a reward model where a run that writes is wanted."""
    ask = f"python -m experiments.predict --checkpoint={directory} pairs.jsonl"
    return f"{directory} scores answers and writes none; ask it by: {ask}"


def about_folders(directory: Path) -> str | None:
    """What to say of a folder of Hugging Face folders, such as those of a study; None where it holds none."""
    folders = [path for path in sorted(directory.iterdir()) if is_folder(path)] if directory.is_dir() else []
    if not folders:
        return None
    shown = min(folders, key=lambda folder: task_of(folder) != FILL_MASK)
    names = ", ".join(folder.name for folder in folders)
    return f"{directory} holds the networks {names} as Hugging Face folders; ask one by: {command(shown)}"


def about_study(directory: Path, name: str) -> str:
    """What to say of the directory of a study, which has no members, where that of a run is wanted."""
    stages = [path for path in sorted(directory.iterdir()) if (path / STORED).is_file()]
    if stages:
        shown = ", ".join(path.name for path in stages)
        return f"{directory} holds a run of each of {shown}; give one of them, such as {stages[0]}"
    start = f"{directory} holds the study {name!r}, which is no run of one network"
    networks = about_folders(directory / MODELS)
    if networks is not None:
        return f"{start}; {networks}"
    if (directory / VECTORS).is_file():
        return f"{start}; ask its vectors by: python -m experiments.vectors --vectors={directory} --most_similar=WORD"
    return f"{start}; what it found is in its {RESULTS} and its folder figures"
