"""Data of one's own: what a config's `data.path` names is read once, and the config is fitted to it.

A config was written for other data. What belongs to those (sizes of the splits, the kind of its target, noise that was
added to them) is found anew from the file, unless the command line says it; the resolved config is what the run keeps.
"""

import hashlib
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from experiments.building.memory import host_bytes
from experiments.building.records import EXAMPLES, Registry
from nn_core.data.address import fetch_address
from nn_core.data.dataset import Dataset
from nn_core.data.splits import SplitSizes
from nn_core.data.table import Options, Table, make_table
from nn_core.data.table_file import Frame, read_table
from nn_core.data.table_scheme import CATEGORY
from nn_core.data.table_split import sizes_of, split_by_column, split_by_group
from nn_core.data.table_values import text_of
from nn_core.files import user_path
from nn_core.tasks.heads import Head

TABLE, IMAGE_FOLDER = "table", "image_folder"
ADDRESSES = ("https://", "http://")
BLOCK = 1 << 20


class OwnTable(NamedTuple):
    """A table that a run learns from.

    Attributes:
        table: as numbers, its rows in the order of the split where the table decides it.
        sizes: of the parts that the table decides, else None.
        summary: what was read, a line each.
    """

    table: Table
    sizes: SplitSizes | None
    summary: tuple[str, ...]


def has_path(config: ConfigDict) -> bool:
    """Whether a config's data are a table or folder of one's own."""
    return "path" in config.data and "shares" in config.data and config.data.name in (TABLE, IMAGE_FOLDER)


def digest_of_file(path: Path) -> str:
    """The sha256 of a file.

    Raises:
        ValueError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise ValueError(f"cannot read the table {path}: {error.strerror}; check the path") from None
    return digest.hexdigest()


def find_file(section: ConfigDict) -> Path:
    """The file that config.data.path names, downloaded where it is an address.

    Raises:
        ValueError: no path, an address without a digest, or a file that cannot be had or is another one.
    """
    if section.path is None:
        raise ValueError(
            f"config.data.name={section.name!r} needs --config.data.path=FILE.csv; the target is --config.data.target=COLUMN"
        )
    if section.path.startswith(ADDRESSES):
        if section.digest is None:
            raise ValueError(
                f"config.data.path={section.path} is an address; give the sha256 of its file, so that it stays the same: "
                "--config.data.digest=SHA256 (of a copy: `sha256sum FILE`)"
            )
        return fetch_address(section.path, section.digest)
    return user_path(section.path)


@lru_cache(maxsize=2)
def read_own(path: Path, digest: str, shown: str, separator: str | None, encoding: str | None) -> Frame:
    """A table, read once for all members of a sweep; the digest tells two files of one name apart."""
    del digest
    return read_table(path, separator=separator, encoding=encoding, memory=host_bytes())._replace(name=shown)


@lru_cache(maxsize=4)
def own_table(path: Path, digest: str, shown: str, reading: tuple, options: Options, shares: tuple) -> OwnTable:
    """A table as a run learns from it; the same object for every member of a sweep."""
    frame = read_own(path, digest, shown, *reading)
    table = make_table(frame, options)
    sizes, order_N = None, None
    if options.split is not None:
        parts = text_of(frame.columns[options.split])
        order_N, sizes = split_by_column([parts[int(row)] for row in table.kept_N], shares, options.split)
    elif options.group is not None:
        groups = text_of(frame.columns[options.group]).to_numpy()[table.kept_N]
        order_N, sizes = split_by_group(groups.astype(str), shares, options.group)
    if order_N is not None:
        table = table._replace(inputs_ND=table.inputs_ND[order_N], targets_N=table.targets_N[order_N])
    return OwnTable(table, sizes, summary_of(frame, table))


def load_own_table(config: ConfigDict, kind: str) -> OwnTable:
    """The table of a config.

    Args:
        config: of the run.
        kind: what the target is: "classes", "numbers", or "auto" where it shall be found out.
    Raises:
        ValueError: no path or target, or what reading and understanding the table refuses, in one line.
    """
    section = config.data
    path = find_file(section)
    if section.target is None:
        raise ValueError(
            "config.data.name='table' needs --config.data.target=COLUMN: the column that is predicted, by its name or place"
        )
    settings = section.table
    if settings.group is not None and settings.split is not None:
        raise ValueError("config.data.table.group and table.split both decide who is tested; use one of them")
    options = Options(
        section.target,
        kind,
        settings.missing,
        settings.indicator,
        settings.unknown,
        tuple(settings.ignore),
        tuple(settings.categories),
        settings.group,
        settings.split,
        settings.decimal,
    )
    digest = digest_of_file(path)
    if section.digest is not None and digest != section.digest.lower():
        raise ValueError(
            f"{section.path} has the sha256 {digest} and config.data.digest says {section.digest}: the file has changed; "
            "give its digest, or leave data.digest unset"
        )
    reading = (settings.separator, settings.encoding)
    return own_table(path, digest, section.path, reading, options, tuple(section.shares))


def summary_of(frame: Frame, table: Table) -> tuple[str, ...]:
    """What was read, for the user."""
    scheme = table.scheme
    categories = [column for column in scheme.columns if column.kind == CATEGORY]
    numbers = len(scheme.columns) - len(categories)
    rows, inputs = table.inputs_ND.shape
    if scheme.classes:
        counts = np.bincount(table.targets_N, minlength=len(scheme.classes))
        shown = ", ".join(f"{name} {count}" for name, count in list(zip(scheme.classes, counts, strict=True))[:10])
        target = f"{len(scheme.classes)} classes ({shown}{', …' if len(counts) > 10 else ''})"
    else:
        low, high = float(table.targets_N.min()), float(table.targets_N.max())
        target = f"numbers from {low:g} to {high:g}; losses are in units of its variance over the training rows"
    kinds = ", ".join(f"{column.name} ({len(column.categories)})" for column in categories[:10])
    return (
        f"{frame.name}: {rows:,} rows, {len(frame.columns)} columns -> {inputs} inputs",
        f"target {scheme.target}: {target}",
        f"inputs: {numbers} numbers, {len(categories)} categories{': ' + kinds if kinds else ''}",
        *table.notes,
    )


def kind_of(head: Head) -> str:
    """What a head wants the target of a table to be."""
    return "numbers" if head.classes == 0 else "classes"


def dataset_of(config: ConfigDict, head: Head) -> Dataset:
    """The table of a config as a data set; NaN stands where a number is missing."""
    table = load_own_table(config, kind_of(head)).table
    return Dataset(table.inputs_ND, table.targets_N, table.names_D, table.scheme.classes)


def resolve(config: ConfigDict, given: Collection[str], registry: Registry) -> tuple[ConfigDict, tuple[str, ...]]:
    """A config fitted to data of one's own, and what the user should read about them.

    Args:
        config: with the overrides applied.
        given: the keys that the command line sets; they stay as they are.
        registry: the tasks by name.
    Returns:
        The config (another object where it changed), and the lines.
    Raises:
        ValueError: data that cannot be read, or that the config does not fit.
    """
    if not has_path(config) or config.data.name != TABLE:
        return config, ()
    config = ConfigDict(config.copy_and_resolve_references())
    section = config.data
    kind = registry.tasks.get(config.task.name)
    if kind is None or kind.form != EXAMPLES:
        return config, ()  # told where the task is built
    if "task.name" not in given:
        classes = load_own_table(config, "auto").table.scheme.classes
        fitting = kind.head.classes in ((None, len(classes)) if classes else (0,))
        config.task.name = config.task.name if fitting else "classification" if classes else "regression"
    own = load_own_table(config, kind_of(registry.tasks[config.task.name].head))
    lines = list(own.summary)
    section.digest = digest_of_file(find_file(section))
    sizes = own.sizes or sizes_of(len(own.table.targets_N), section.shares)
    for name, size in sizes._asdict().items():
        if own.sizes is not None or f"data.{name}" not in given:
            section[name] = int(size)
    section.shuffle = section.shuffle and own.sizes is None
    if section.batch_size is not None and "data.batch_size" not in given:
        section.batch_size = min(section.batch_size, section.train)
    left_out = leave_out(config, given, bool(own.table.scheme.classes))
    if left_out:
        lines.append(f"left out, since it belongs to other data or another task: {', '.join(left_out)}")
    how = "by its column" if section.table.split else "whole groups" if section.table.group else "drawn by each seed"
    lines.append(f"split: train {section.train:,}, validation {section.validation:,}, test {section.test:,}, {how}")
    return config, tuple(lines)


def leave_out(config: ConfigDict, given: Collection[str], classes: bool) -> list[str]:
    """Takes back what a config adds to its own data, and what its task cannot have; returns what that was."""
    told = []
    neutral: dict[str, Any] = {"label_noise": 0.0, "noise_features": 0, "classes": ()}
    for name, nothing in neutral.items():
        if config.data[name] != nothing and f"data.{name}" not in given:
            told.append(f"data.{name}={config.data[name]}")
            config.data[name] = nothing
    if "data.standardize" not in given and config.data.standardize != "feature":
        told.append(f"data.standardize={config.data.standardize}")
        config.data.standardize = "feature"
    if classes:
        return told
    if "hparams.label_smoothing" not in given and config.hparams.label_smoothing is not None:
        told.append("hparams.label_smoothing")
        config.hparams.label_smoothing = None
    for key, kept in (
        ("table", tuple(name for name in config.table if not name.endswith("_accuracy"))),
        ("task.record", tuple(name for name in config.task.record if name not in ("confusion", "regions"))),
        ("figures", tuple(name for name in config.figures if name not in ("confusion", "regions"))),
    ):
        place, _, name = key.rpartition(".")
        where = config[place] if place else config
        if key not in given and tuple(where[name]) != kept:
            told += [f"{key}: {item}" for item in where[name] if item not in kept]
            where[name] = kept
    if config.task.class_weights != "none" and "task.class_weights" not in given:
        told.append("task.class_weights")
        config.task.class_weights = "none"
    return told
