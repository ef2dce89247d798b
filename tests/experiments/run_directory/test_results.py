"""results.csv comes back as it was written, whatever a label or a value looks like."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.run_directory.results import read_rows, write_rows

CELLS = st.integers() | st.floats(allow_nan=False) | st.booleans() | st.text("07.e-+,\"'\n{[ntrue", max_size=6)


@pytest.mark.parametrize("label", ["1e-3", "007", "true", "null", "0.10", "NaN", '"quoted"', "a: b | c", ""])
def test_a_label_is_text(label: str, tmp_path: Path) -> None:
    row = {"member": 0, "label": label, "seed": 3, "status": "finished", "overrides": {"model.hidden_sizes": (3, 4)}}
    write_rows(tmp_path / "results.csv", [row])
    assert read_rows(tmp_path / "results.csv") == [row]


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["one", "two", "three"]), CELLS, min_size=1))
def test_values_come_back_equal_in_value_and_type(tmp_path_factory: pytest.TempPathFactory, row: dict) -> None:
    path = tmp_path_factory.mktemp("rows") / "results.csv"
    write_rows(path, [{"member": 0} | row])
    (back,) = read_rows(path)
    assert {name: (type(value), value) for name, value in back.items() if name != "member"} == {
        name: (type(value), value) for name, value in row.items()
    }


def test_numbers_that_are_not_finite_and_arrays_come_back(tmp_path: Path) -> None:
    write_rows(tmp_path / "results.csv", [{"loss": math.nan, "updates": math.inf, "matrix": np.eye(2)}])
    (row,) = read_rows(tmp_path / "results.csv")
    assert math.isnan(row["loss"]) and row["updates"] == math.inf
    np.testing.assert_array_equal(row["matrix"], np.eye(2))
