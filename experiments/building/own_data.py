"""The user's own data: the file or folder in `data.path` is read once, and the config is fitted to it.

The config was written for other data. Whatever belongs to those (sizes of the splits, the kind of the target, added
noise) is determined from the file instead, unless the command line sets it. The run keeps the resolved config.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from experiments.building.corpus import FILE, TOKEN_FILE, own_text
from experiments.building.digests import check_digest, digest_of_file
from experiments.building.own_conversations import resolve_conversations
from experiments.building.own_images import load_own_images
from experiments.building.own_labels import is_own, resolve_labels
from experiments.building.own_pairs import PARALLEL_FILES, resolve_pairs
from experiments.building.own_splits import fit_sizes, tell_split
from experiments.building.own_tables import TABLE, load_own_table
from experiments.building.records import EXAMPLES, PRETRAINED, Registry
from experiments.building.unused_keys import IMAGE_FOLDER, check_given, check_read
from experiments.building.vision import vision_of
from experiments.command_line.config_paths import section_of
from nn_core.data.dataset import Dataset
from nn_core.data.table_split import sizes_of
from nn_core.data.text_files import OwnText
from nn_core.files import user_path
from nn_core.tasks.heads import Head
from nn_core.text.interface import clean_text
from nn_core.text.tokenizers import CHARACTERS


def has_path(config: ConfigDict) -> bool:
    """Whether a config's data are the user's own table or folder."""
    return "path" in config.data and "shares" in config.data and config.data.name in (TABLE, IMAGE_FOLDER)


def kind_of(head: Head) -> str:
    """The kind of target that a head needs in a table."""
    return "numbers" if head.classes == 0 else "classes"


def own_dataset(config: ConfigDict, head: Head) -> Dataset | None:
    """The user's own data as a data set, NaN for missing numbers of a table; None where a config has no such data."""
    if config.data.name == IMAGE_FOLDER and "image_size" in config.data and config.data.path is not None:
        return load_own_images(config)[0]
    if config.data.name != TABLE:
        return None
    table = load_own_table(config, kind_of(head)).table
    return Dataset(table.inputs_ND, table.targets_N, table.names_D, table.scheme.classes)


def tell_text(path: str, text: OwnText) -> tuple[str, ...]:
    """Lines about a text: its size, and a warning if its bytes do not fit the encoding."""
    lines = [f"{path}: {text.files} file{'s' * (text.files > 1)}, {len(text.text):,} characters"]
    if text.replaced:
        lines.append(
            f"warning: {text.replaced} invalid pieces of bytes became U+FFFD, the first in {text.first}; say how the text is "
            "written, such as --config.data.encoding=cp1252"
        )
    return tuple(lines)


def resolve_images(
    config: ConfigDict, given: Collection[str], registry: Registry
) -> tuple[ConfigDict, tuple[str, ...]]:
    """As `resolve`, for images; the config is changed."""
    del registry
    section = config.data
    if config.model.name == PRETRAINED and "data.image_size" not in given:
        section.image_size = vision_of(config).shape[:2]
    dataset, listing, section.digest = load_own_images(config)
    check_given(section, given, listing.sizes is not None)
    counts = Counter(listing.labels)
    shown = ", ".join(f"{name} {counts[name]}" for name in dataset.target_names[:10])
    height, width, channels = dataset.inputs.shape[1:]
    lines = [
        f"{section.path}: {len(dataset.targets):,} images of {height} x {width} x {channels}",
        f"classes: {len(counts)} ({shown}{', …' if len(counts) > 10 else ''})",
    ]
    fit_sizes(section, given, listing.sizes or sizes_of(len(dataset.targets), section.shares))
    section.shuffle = section.shuffle and listing.sizes is None
    left_out = take_back(config, given) + leave_out_records(config, given, ("support", "regions"))
    if left_out:
        lines.append(f"left out, since it belongs to other data: {', '.join(left_out)}")
    how = "drawn by each seed" if listing.sizes is None else "by its folders"
    return config, (*lines, tell_split(section, how))


def resolve_text(config: ConfigDict, given: Collection[str], registry: Registry) -> tuple[ConfigDict, tuple[str, ...]]:
    """As `resolve`, for a text, or conversations, whose digest is kept so that a run never goes on with another; the config
    is changed."""
    del registry
    section = config.data
    check_given(section, given)
    text = own_text(section)
    if text is None:
        return resolve_conversations(config, given)
    section.digest = check_digest(section, text.digest, section.path)
    lines = tell_text(section.path, text)
    prompt = config.sample.prompt
    own_tokens = section.tokenizer == CHARACTERS and config.model.name != PRETRAINED
    if own_tokens and "sample.prompt" not in given and not set(prompt) <= set(text.text):
        config.sample.prompt = clean_text(text.text)[0]
        lines += (f"samples begin with {config.sample.prompt!r}, since the text lacks characters of {prompt!r}",)
    return config, lines


def resolve_file(config: ConfigDict, key: str) -> ConfigDict:
    """The config with the digest of the file that a section names, to which nothing else is fitted.

    Args:
        config: is not changed.
        key: of the section. Where it has no path, or no file is there, the config is returned: it is told where it is read.
    """
    section = config[key]
    if not {"path", "digest"} <= set(section) or section.path is None or not user_path(section.path).is_file():
        return config
    config = ConfigDict(config.copy_and_resolve_references())
    config[key].digest = check_digest(section, digest_of_file(user_path(section.path)), section.path, key)
    return config


def resolve(config: ConfigDict, given: Collection[str], registry: Registry) -> tuple[ConfigDict, tuple[str, ...]]:
    """A config fitted to the user's own data, and lines about them for the user.

    Args:
        config: with the overrides applied.
        given: the keys that the command line sets; they stay as they are.
        registry: the tasks by name.
    Returns:
        The config (another object where it changed), and the lines.
    Raises:
        ValueError: data that cannot be read, or that the config does not fit; a key that nothing reads.
    """
    check_read(config, given)
    try:
        return fitted(config, given, registry)
    except ValueError as error:
        raise naming(config, error) from None


def naming(config: ConfigDict, error: ValueError) -> ValueError:
    """The error of a file with the key that names the file, unless it tells a key itself."""
    place = "data" if "data" in config else "task"
    section, text = config[place], str(error)
    names = ("source", "target") if section.name == PARALLEL_FILES else ("path",)
    keys = [f"config.{place}.{name}" for name in names if name in section and str(section[name]) in text]
    return ValueError(f"{' and '.join(keys)}: {text}") if keys and "config." not in text else error


def fitted(config: ConfigDict, given: Collection[str], registry: Registry) -> tuple[ConfigDict, tuple[str, ...]]:
    """What `resolve` returns, with errors that may tell the file without its key."""
    if "data" not in config:
        return resolve_file(config, "task"), ()  # a study
    kind = KINDS.get(config.data.name)
    if kind is None or not kind.is_own(config):
        return config, ()
    return kind.fit(ConfigDict(config.copy_and_resolve_references()), given, registry)


def resolve_rows(config: ConfigDict, given: Collection[str], registry: Registry) -> tuple[ConfigDict, tuple[str, ...]]:
    """As `resolve`, for a table: of texts with classes, or of labelled examples; the config is changed."""
    if is_own(config.data):
        return resolve_labels(config, given)
    section = config.data
    kind = registry.tasks.get(config.task.name)
    if kind is None or kind.form != EXAMPLES:
        return config, ()  # reported where the task is built
    if "task.name" not in given:
        classes = load_own_table(config, "auto").table.scheme.classes
        fitting = kind.head.classes in ((None, len(classes)) if classes else (0,))
        config.task.name = config.task.name if fitting else "classification" if classes else "regression"
    own = load_own_table(config, kind_of(registry.tasks[config.task.name].head))
    check_given(section, given, own.sizes is not None)
    lines = list(own.summary)
    section.digest = own.digest
    fit_sizes(section, given, own.sizes or sizes_of(len(own.table.targets_N), section.shares))
    section.shuffle = section.shuffle and not own.ordered
    left_out = leave_out(config, given, bool(own.table.scheme.classes), own.table.inputs_ND.shape[1])
    if left_out:
        lines.append(f"left out, since it belongs to other data or another task: {', '.join(left_out)}")
    drawn = "drawn once for all seeds" if own.ordered else "drawn by each seed"
    how = "by its column" if section.table.split else "whole groups" if section.table.group else drawn
    return config, (*lines, tell_split(section, how))


# (copy of a config, keys that are given, records by name) -> it fitted, and lines about the data
Fit = Callable[[ConfigDict, Collection[str], Registry], tuple[ConfigDict, tuple[str, ...]]]


class Kind(NamedTuple):
    """A kind of data of one's own.

    Attributes:
        is_own: whether a config of its data.name reads a file or folder of one's own.
        fit: what fits the config to it.
    """

    is_own: Callable[[ConfigDict], bool]
    fit: Fit


KINDS = {
    FILE: Kind(lambda config: "path" in config.data and config.data.path is not None, resolve_text),
    TOKEN_FILE: Kind(lambda config: True, lambda config, given, registry: (resolve_file(config, "data"), ())),
    PARALLEL_FILES: Kind(
        lambda config: {"options", "source_size"} <= set(config.data),
        lambda config, given, registry: resolve_pairs(config, given),
    ),
    TABLE: Kind(lambda config: is_own(config.data) or has_path(config), resolve_rows),
    IMAGE_FOLDER: Kind(lambda config: has_path(config) and config.data.path is not None, resolve_images),
}


# config.task.record -> the columns of results that it makes.
COLUMNS_OF: dict[str, Sequence[str]] = {
    "support": ("support_f1", "selected", "coefficient_error"),
    "confusion": ("rare_recall", "rare_precision", "macro_f1"),
    "regions": (),
}


def leave_out(config: ConfigDict, given: Collection[str], classes: bool, inputs: int) -> list[str]:
    """Takes back what a config adds to its own data, and what a table or its task cannot have; returns what that was."""
    told = take_back(config, given)
    if "data.standardize" not in given and config.data.standardize != "feature":
        told.append(f"data.standardize={config.data.standardize}")
        config.data.standardize = "feature"
    plane = classes and inputs == 2
    told += leave_out_records(config, given, ["support", *([] if plane else ["regions"])])
    return told if classes else told + leave_out_classes(config, given)


def take_back(config: ConfigDict, given: Collection[str]) -> list[str]:
    """Takes back what a config adds to its own data; returns what that was."""
    told = []
    neutral: dict[str, Any] = {"label_noise": 0.0, "noise_features": 0, "classes": ()}
    for name, nothing in neutral.items():
        if config.data[name] != nothing and f"data.{name}" not in given:
            told.append(f"data.{name}={config.data[name]}")
            config.data[name] = nothing
    return told


def leave_out_records(config: ConfigDict, given: Collection[str], records: Collection[str]) -> list[str]:
    """Takes out records, their figures and their columns; returns what that was."""
    columns = [column for record in records for column in COLUMNS_OF[record]]
    parts = (("table", columns), ("task.record", records), ("figures", records))
    return [told for key, names in parts for told in without(config, given, key, names)]


def leave_out_classes(config: ConfigDict, given: Collection[str]) -> list[str]:
    """Takes back what numbers cannot have; returns what that was."""
    told = without(config, given, "table", [name for name in config.table if name.endswith("_accuracy")])
    told += leave_out_records(config, given, ["confusion"])
    if "hparams.label_smoothing" not in given and config.hparams.label_smoothing is not None:
        told.append("hparams.label_smoothing")
        config.hparams.label_smoothing = None
    if config.task.class_weights != "none" and "task.class_weights" not in given:
        told.append("task.class_weights")
        config.task.class_weights = "none"
    return told


def without(config: ConfigDict, given: Collection[str], key: str, names: Collection[str]) -> list[str]:
    """Takes names out of a tuple of a config, unless it is given; returns what was there, with its key."""
    section, name = section_of(config, key)
    gone = [] if key in given else [item for item in section[name] if item in names]
    section[name] = tuple(item for item in section[name] if item not in gone)
    return [f"{key}: {item}" for item in gone]
