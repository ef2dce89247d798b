"""Keys of config.data that have no effect with the chosen data.name: they are refused, with the way out."""

from collections.abc import Collection, Sequence
from pathlib import Path

from ml_collections import ConfigDict

from configs import base
from experiments.building.corpus import FILE, TOKEN_FILE
from experiments.building.own_tables import TABLE
from experiments.command_line.config_paths import flatten
from experiments.run_directory.earlier import data_keys
from nn_core.data.table_file import NPZ, PARQUET
from nn_core.files import user_path
from nn_core.tasks.examples import FILLS

IMAGE_FOLDER = "image_folder"
_OWN = (TABLE, IMAGE_FOLDER)
READING = ("separator", "encoding")  # of a table as text, also one of images and labels
# Key -> the names that read it, for labelled examples and for texts.
READERS: dict[str, Sequence[str]] = {
    **dict.fromkeys(("path", "target", "digest", "shares"), _OWN),
    "image_size": (IMAGE_FOLDER,),
    **{f"table.{name}": _OWN if name in READING else (TABLE,) for name in base.TABLE},
}
TEXT_READERS: dict[str, Sequence[str]] = {
    **dict.fromkeys(("path", "digest"), (FILE, TOKEN_FILE)),
    **dict.fromkeys(("field", "encoding"), (FILE,)),
}
LABEL_READERS: dict[str, Sequence[str]] = dict.fromkeys(("path", "text", "target", "classes", "digest"), (TABLE,))
# What only generated conversations have.
OF_WORLD = ("world", "answers", "pairs", "pairs_about", "label_noise", "wrong_answers")
_OF_PAIRS = tuple(f"data.{name}" for name in ("pairs", "pairs_about", "label_noise", "wrong_answers"))
_OF_ANSWERS = ("data.answers", "data.packed")
_OF_ROWS = (*_OF_PAIRS, *_OF_ANSWERS, "data.batch_size", "data.evaluation_batch")
# Task -> keys of its config that other tasks read and this one does not.
UNREAD: dict[str, Sequence[str]] = {
    "answers": _OF_PAIRS,
    "reward_model": _OF_ANSWERS,
    "dpo": _OF_ANSWERS,
    "ppo": (*_OF_ROWS, "task.estimator", "task.weigh"),
    "grpo": _OF_ROWS,
}
SCORING = ("reward_model", "dpo", "ppo", "grpo")  # tasks that drop nothing: a ratio of two scores would be noise
DROPOUT = ("dropout_rate", "lora_dropout")


def check_used(section: ConfigDict) -> None:
    """Raises ValueError for a key of config.data that is set and that this data.name does not read."""
    keys = data_keys(section)
    if keys is base.EXAMPLES and section.name in _OWN:
        check_table(section)
    known = ((base.EXAMPLES, READERS), (base.TEXT, TEXT_READERS), (base.LABELLED_TEXTS, LABEL_READERS))
    readers = next((found for kind, found in known if keys is kind), {})
    declared = dict(keys) | {f"table.{name}": key for name, key in base.TABLE.items()}
    for name, value in flatten(section).items():
        if name not in readers:
            continue
        default = declared[name].default
        if value == (None if isinstance(default, type) else default):
            continue
        why, fix = f"data.name={section.name!r}", f"add --config.data.name={wanted(section, readers[name])}"
        if section.name == IMAGE_FOLDER and section.path is None:
            why, fix = f"{why} without a path", "add --config.data.path=FOLDER"
        elif section.name in readers[name]:
            continue
        raise ValueError(f"config.data.{name}={value!r} has no effect with {why}; {fix}, or leave it out")


def check_read(config: ConfigDict, given: Collection[str]) -> None:
    """Raises ValueError for a key that the command line sets and that the task does not read."""
    task = config.task
    for key in UNREAD.get(task.name, ()):
        if key in given:
            raise ValueError(f"config.{key} has no effect on the task {task.name!r}; leave it out")
    if "reward" in task and task.reward == "rule" and "task.reward_model" in given and task.reward_model is not None:
        raise ValueError(
            f"config.task.reward_model={task.reward_model!r} has no effect with config.task.reward='rule'; leave one of "
            "them out"
        )


def check_dropout(config: ConfigDict) -> None:
    """Raises ValueError for dropout where nothing is dropped."""
    for name in DROPOUT if config.task.name in SCORING else ():
        if config.hparams[name] is not None:
            raise ValueError(
                f"config.hparams.{name}={config.hparams[name]:g} has no effect on the task {config.task.name!r}, which scores "
                "answers without dropout; leave it out"
            )


def check_table(section: ConfigDict) -> None:
    """Raises ValueError for settings of a table that its kind of file, or another setting, leaves without effect."""
    settings, path = section.table, section.path or ""
    no_text = path.lower().endswith((*PARQUET, *NPZ)) or bool(path) and user_path(path).is_dir()
    for name in READING:
        if no_text and settings[name] is not None:
            raise ValueError(
                f"config.data.table.{name}={settings[name]!r} has no effect on {section.path}, which is no text; leave it out"
            )
    if section.name == TABLE and settings.indicator and settings.missing not in FILLS:
        raise ValueError(
            f"config.data.table.indicator=True has no effect with data.table.missing={settings.missing!r}, which leaves no "
            "missing value; add --config.data.table.missing=mean, or leave it out"
        )


def wanted(section: ConfigDict, names: Sequence[str]) -> str:
    """The name that goes with a section's path, else the first of those that read the key."""
    if section.path is None or len(names) == 1:
        return names[0]
    is_other = user_path(section.path).is_dir() if TABLE in names else Path(section.path).suffix == ".npy"
    return names[is_other]


def check_given(section: ConfigDict, given: Collection[str], is_split: bool = False) -> None:
    """Raises ValueError for what a command line sets although data of one's own decide it.

    Args:
        section: config.data, with a path.
        given: the keys that the command line sets.
        is_split: whether the data say what is trained on and what tests.
    """
    for path in given:
        name = path.removeprefix("data.")
        if name == path:
            continue
        if name.startswith("options.") or section.name == FILE and name in OF_WORLD:
            fix = "it is of generated data"
        elif is_split and name in ("train", "validation", "test"):
            fix = "the data are split by a column or by folders"
        elif section.name == IMAGE_FOLDER and name == "target" and user_path(section.path).is_dir():
            fix = "the sub-folders are the classes"
        else:
            continue
        raise ValueError(
            f"config.{path} has no effect with data.name={section.name!r} and path={section.path!r}: {fix}; leave it out"
        )
