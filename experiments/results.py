"""Results of a run or a sweep as data frames, from the path of its run directory: for a notebook.

    from experiments import results

    members = results.load("checkpoints/regularization")      # a row for each member
    curves = results.load_metrics("checkpoints/regularization")  # a row for each member and logged step

The frames are polars'; `.to_pandas()` makes pandas' of them (it needs pandas and pyarrow).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.run_directory.results import Row, read
from nn_core.files import user_path

if TYPE_CHECKING:
    import polars


def load(path: str | Path) -> "polars.DataFrame":
    """A row for each member: its number, label and seed, a column for each key that it overrides, then its results.

    Overrides are columns of their own type, named as in the config ("hparams.l2"); a member that does not change a key
    has null there. Recorded arrays, such as confusion matrices, are left out: they are in results.npz.

    Args:
        path: the run directory, of a run that is going on too.
    Raises:
        ValueError: there is no run directory, or its config is damaged.
    """
    return frame(columns_of(row) for row in rows_of(path))


def load_metrics(path: str | Path) -> "polars.DataFrame":
    """A row for each member and logged step, those of all populations of a sweep together, by member and step.

    Label, seed and overrides of the member stand in every row, so that curves can be grouped without a join. While a run
    is going on they are not there yet; its steps are.

    Args:
        path: the run directory.
    Raises:
        ValueError: there is no run directory, or its config is damaged.
    """
    about = {row["member"]: identity(row) for row in rows_of(path) if "member" in row}
    metrics = read(checked(path)).metrics
    joined = ({"member": row.get("member", 0)} | about.get(row.get("member", 0), {}) | row for row in metrics)
    return frame(sorted(joined, key=lambda row: (row["member"], row.get("step", 0))))


def checked(path: str | Path) -> Path:
    """The run directory. Raises ValueError where there is none."""
    directory = user_path(path)
    if not (directory / "config.json").is_file():
        raise ValueError(f"{path} is not a run directory, it has no config.json; give the folder that a run wrote")
    return directory


def rows_of(path: str | Path) -> list[Row]:
    """The rows of results.csv; none of a run that has not ended."""
    return read(checked(path)).rows


def identity(row: Row) -> dict[str, Any]:
    """Who a member is: label, seed, and what it overrides."""
    overrides: Mapping[str, Any] = row["overrides"] if isinstance(row.get("overrides"), Mapping) else {}
    named = {name: row[name] for name in ("label", "seed") if name in row}
    return named | {name: value for name, value in overrides.items() if name not in ("label", "seed")}


def columns_of(row: Row) -> dict[str, Any]:
    """The cells of a member: who it is, and its results."""
    known = {"member", "label", "seed", "overrides"}
    results = {name: value for name, value in row.items() if name not in known and not hasattr(value, "shape")}
    return {"member": row["member"]} | identity(row) | results


def frame(rows: Iterable[Row]) -> "polars.DataFrame":
    """A frame of all columns that any row has, in the order of their first row; tuples become text."""
    import polars

    plain = [{name: simple(value) for name, value in row.items()} for row in rows]
    names = list(dict.fromkeys(name for row in plain for name in row))
    return polars.DataFrame({name: column([row.get(name) for row in plain]) for name in names})


def simple(value: Any) -> Any:
    """A value that one cell holds."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def column(values: list[Any]) -> list[Any]:
    """One type for a column: numbers together are floats, and numbers with anything else are text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and len(kinds) == 2:
        return [None if value is None else float(value) for value in values]
    return values if len(kinds) <= 1 else [None if value is None else str(value) for value in values]
