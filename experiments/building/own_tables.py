"""Tables of one's own, read once for all members of a sweep."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from experiments.building.digests import check_digest, digest_of_file
from experiments.building.memory import host_bytes
from nn_core.data.address import fetch_address
from nn_core.data.splits import SplitSizes
from nn_core.data.table import Options, Table, find_column, make_table
from nn_core.data.table_file import Frame, read_table
from nn_core.data.table_scheme import CATEGORY
from nn_core.data.table_split import check_classes, split_by_column, split_by_group
from nn_core.data.table_values import text_of
from nn_core.files import user_path

TABLE = "table"
ADDRESSES = ("https://", "http://")
LONG = 20_000  # rows from which on the split is drawn once for all members


class OwnTable(NamedTuple):
    """A table that a run learns from.

    Attributes:
        table: as numbers, its rows in the order of the split where the table decides it.
        sizes: of the parts that the table decides, else None.
        ordered: whether its rows stand in an order that all members share: the table decides it, or it is so long that
            another draw would hardly be another split, and one for all costs a sweep no memory.
        digest: sha256 of the file.
        summary: what was read, a line each.
    """

    table: Table
    sizes: SplitSizes | None
    ordered: bool
    digest: str
    summary: tuple[str, ...]


def find_file(section: ConfigDict) -> Path:
    """The file that config.data.path names, downloaded where it is an address.

    Raises:
        ValueError: no path, an address without a digest, or a file that cannot be had or is another one.
    """
    if section.path is None:
        raise ValueError(
            f"config.data.name={section.name!r} needs --config.data.path=FILE.csv; the target is --config.data.target=COLUMN"
        )
    if section.path.lower().startswith(ADDRESSES):
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
    decided = options.split is not None or options.group is not None
    classes, targets = table.scheme.classes, table.targets_N.tolist() if decided else []
    labels = [classes[target] for target in targets] if classes else []
    if options.split is not None:
        parts = text_of(frame.columns[find_column(frame, options.split, "table.split")])
        lines_N = frame.lines_N[table.kept_N]
        order_N, sizes = split_by_column(
            [parts[int(row)] for row in table.kept_N], shares, f"column {options.split!r}", lines_N, labels
        )
    elif options.group is not None:
        column = find_column(frame, options.group, "table.group")
        groups = text_of(frame.columns[column]).to_numpy()[table.kept_N]
        order_N, sizes = split_by_group(groups.astype(str), shares, options.group)
    elif len(table.targets_N) >= LONG:
        order_N = np.random.default_rng(0).permutation(len(table.targets_N))
    if order_N is not None:
        table = table._replace(inputs_ND=table.inputs_ND[order_N], targets_N=table.targets_N[order_N])
    if labels and sizes is not None and order_N is not None:
        check_classes([labels[place] for place in order_N], sizes, shown)
    return OwnTable(table, sizes, order_N is not None, digest, summary_of(frame, table))


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
        tuple(map(str, settings.ignore)),
        tuple(map(str, settings.categories)),
        settings.group,
        settings.split,
        settings.decimal,
    )
    digest = check_digest(section, digest_of_file(path), section.path)
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
