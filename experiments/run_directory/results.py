"""Reads back what a run directory holds. Tables, figures and the report use nothing else."""

import csv
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.run_directory.files import CONFIG, decode, read_config
from nn_core.files import whole_file

__all__ = [
    "ARRAYS",
    "CONFIG",
    "GROUPS",
    "METRICS",
    "RESULTS",
    "Results",
    "Row",
    "finite_or_none",
    "read",
    "read_rows",
    "write_rows",
]

Row = dict[str, Any]
RESULTS, METRICS, ARRAYS = "results.csv", "metrics.jsonl", "arrays.npz"
GROUPS = "groups"  # folder of a sweep's populations in its run directory
FIRST_COLUMNS = ("member", "label", "seed", "status", "steps")
TEXTS = ("label", "status")  # columns that are always text: a label 007, 1e-3 or true stays as it is


class Results(NamedTuple):
    """A finished or running run.

    Attributes:
        directory: the run directory.
        config: the resolved config as nested dicts.
        rows: a row per member: "member", "label", "overrides" (dict), "seed", "status", metrics, recorded arrays.
        metrics: a row per member and logged step.
        arrays: what a study kept besides its rows.
    """

    directory: Path
    config: dict[str, Any]
    rows: list[Row]
    metrics: list[Row]
    arrays: dict[str, np.ndarray]


def write_rows(path: Path, rows: list[Row]) -> None:
    """Writes a CSV: overrides as JSON in one column, then every metric; numbers in full precision.

    Lists and arrays (coefficients, confusion matrices) go to a file of the same name with the suffix .npz, whose entry
    "NAME/INDEX" belongs to the row of that index.
    """
    arrays = {f"{n}/{i}": np.asarray(v) for i, row in enumerate(rows) for n, v in row.items() if is_array(v)}
    rows = [{name: value for name, value in row.items() if not is_array(value)} for row in rows]
    if arrays:
        with whole_file(path.with_suffix(".npz")) as part, part.open("wb") as archive:
            np.savez(archive, allow_pickle=False, **arrays)
    else:
        path.with_suffix(".npz").unlink(missing_ok=True)
    names = list(dict.fromkeys([*FIRST_COLUMNS, "overrides", *(name for row in rows for name in row)]))
    names = [name for name in names if any(name in row for row in rows)]
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for row in rows:
            writer.writerow({name: cell(name, value) for name, value in row.items()})


def read_rows(path: Path) -> list[Row]:
    """Reads what `write_rows` wrote, with the original types; empty cells other than labels are left out."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            {
                name: text if name in TEXTS else parse(text)
                for name, text in row.items()
                if text != "" or name == "label"
            }
            for row in csv.DictReader(file)
        ]
    if path.with_suffix(".npz").is_file():
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as stored:
            for entry in stored.files:
                name, index = entry.rsplit("/", 1)
                rows[int(index)][name] = stored[entry]
    return rows


def is_array(value: Any) -> bool:
    """Whether a result is a list or an array of numbers rather than a single cell."""
    return isinstance(value, (list, np.ndarray))


def cell(name: str, value: Any) -> Any:
    """The cell of a value. A text that would read back as a number or the like is put in quotes, as in JSON."""
    if isinstance(value, str):
        return value if name in TEXTS or value != "" and parse(value) == value else json.dumps(value)
    return json.dumps(value) if isinstance(value, (dict, tuple, bool)) else value


def parse(text: str) -> Any:
    """The value of a cell outside the text columns: JSON, a number, or the text itself."""
    try:
        return decode(json.loads(text))
    except json.JSONDecodeError:
        try:
            return float(text)
        except ValueError:
            return text


def read(directory: Path) -> Results:
    """Reads a run directory; parts that do not exist yet are empty.

    Raises:
        ValueError: config.json is damaged.
    """
    rows_path, arrays_path = directory / RESULTS, directory / ARRAYS
    held = read_config(directory)
    rows = read_rows(rows_path) if rows_path.is_file() else []
    metrics = []
    for path in sorted(directory.glob(f"{GROUPS}/*/{METRICS}")) + [directory / METRICS]:
        if path.is_file():
            with path.open(encoding="utf-8", newline="\n") as file:
                # The last line of a run that is still going, or was killed, may be incomplete.
                metrics += [json.loads(line) for line in file if line.endswith("\n")]
    arrays = {}
    if arrays_path.is_file():
        with np.load(arrays_path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    return Results(directory, held["config"] if held else {}, rows, metrics, arrays)


def finite_or_none(row: Row) -> Row:
    """A row that JSON allows: values that are not finite become null."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
