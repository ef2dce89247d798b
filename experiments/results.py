"""What a run directory holds, read back: tables, figures and the report know nothing else."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Row = dict[str, Any]
RESULTS, METRICS, CONFIG, ARRAYS = "results.csv", "metrics.jsonl", "config.json", "arrays.npz"
FIRST_COLUMNS = ("member", "label", "seed", "status", "steps")


class Results(NamedTuple):
    """A finished (or running) run.

    Attributes:
        directory: the run directory.
        config: the resolved config as nested dicts.
        rows: a row per member: "member", "label", "overrides" (dict), "seed", "status", metrics.
        metrics: a row per member and logged step.
        arrays: what a study kept beside its rows.
    """

    directory: Path
    config: dict[str, Any]
    rows: list[Row]
    metrics: list[Row]
    arrays: dict[str, np.ndarray]


def write_rows(path: Path, rows: list[Row]) -> None:
    """Writes a CSV: overrides as JSON in one column, then every metric; numbers in full precision."""
    names = list(dict.fromkeys([*FIRST_COLUMNS, "overrides", *(name for row in rows for name in row)]))
    names = [name for name in names if any(name in row for row in rows)]
    partial = path.with_suffix(".part")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for row in rows:
            cells = {
                name: json.dumps(value) if isinstance(value, (dict, list, tuple)) else value
                for name, value in row.items()
            }
            writer.writerow(cells)
    partial.replace(path)


def read_rows(path: Path) -> list[Row]:
    """Reads what `write_rows` wrote; empty cells are left out, numbers become numbers."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: parse(cell) for name, cell in row.items() if cell != ""} for row in csv.DictReader(file)]


def parse(cell: str) -> Any:
    """A number, a JSON value, or the text itself."""
    try:
        return json.loads(cell)
    except json.JSONDecodeError:
        try:
            return float(cell)
        except ValueError:
            return cell


def read(directory: Path) -> Results:
    """Reads a run directory; parts that are not there yet are empty."""
    config_path, rows_path, arrays_path = (directory / name for name in (CONFIG, RESULTS, ARRAYS))
    config = json.loads(config_path.read_text(encoding="utf-8")) if config_path.is_file() else {}
    rows = read_rows(rows_path) if rows_path.is_file() else []
    metrics = []
    for path in sorted(directory.glob(f"groups/*/{METRICS}")) + [directory / METRICS]:
        if path.is_file():
            with path.open(encoding="utf-8") as file:
                metrics += [json.loads(line) for line in file]
    arrays = {}
    if arrays_path.is_file():
        with np.load(arrays_path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    return Results(directory, config.get("config", config), rows, metrics, arrays)
