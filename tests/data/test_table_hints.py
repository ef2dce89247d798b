"""What is told of values of a table that are no plain numbers leads to where it says."""

import re
import shlex

import numpy as np
import polars
import pytest

from experiments.command_line.values import read_tuple
from nn_core.data.table import Options, make_table
from nn_core.data.table_file import read_table
from nn_core.data.table_values import column_option


def table(folder, column, target="y", name="a", **options):
    """A table whose column `name` holds the values again and again, with a number b and a class y."""
    lines = [f'"{value}",{place / 3},{place % 2}' for place, value in enumerate(column * 3)]
    (folder / "rows.csv").write_text("\n".join([f'"{name}",b,y', *lines]) + "\n", encoding="utf-8")
    return make_table(read_table(folder / "rows.csv"), Options(target, **options))


@pytest.mark.parametrize(
    ("column", "decimal", "message"),
    [
        (("1,234", "2,250"), ".", r"without separators of thousands; if the comma is a decimal one: .*decimal=','$"),
        (("980", "1,250"), ".", "without separators of thousands; if"),
        (("980", "1,250,000"), ".", "without separators of thousands$"),
        (("1,250.5", "3"), ".", "without separators of thousands$"),
        (("1 250", "3 000"), ".", "without separators of thousands$"),
        (("1_250", "3_000"), ".", "without separators of thousands$"),
        (("\u22125", "3", "7.5"), ".", "'\u22125' in 'a' among numbers; write the minus of numbers as -$"),
        (("\u22121,5", "2,5"), ",", "write the minus of numbers as -$"),
        (("1,250", "2,5"), ".", r"decimal comma are read with --config.data.table.decimal=','$"),
        (("0,125", "0,250"), ".", r"decimal comma are read with"),
        (("1.234", "2,5"), ",", "without separators of thousands$"),
        (("1.5", "2.25"), ",", r"decimal point are read with --config.data.table.decimal=.$"),
        (("5%", "10 %"), ".", "the numbers alone, without a currency or %"),
        (("€5", "€ 7.50"), ".", "the numbers alone"),
        (("5", "3", "?"), ".", r"leave it empty as missing, or take .* by --config.data.table.categories=a$"),
    ],
)
def test_numbers_written_another_way(tmp_path, column, decimal, message):
    with pytest.raises(ValueError, match=message):
        table(tmp_path, column, decimal=decimal)


@pytest.mark.parametrize(
    "column",
    [("big", "1,5", "small", "tall"), ("192.168.100.200", "192.168.101.200"), ("1.2.3", "1.2.4"), ("u7", "u12")],
)
def test_texts_with_something_like_a_number_stay_categories(tmp_path, column):
    assert len(table(tmp_path, column).scheme.columns[0].categories) == len(column)


@pytest.mark.parametrize(
    "value", ["2024-01-05", "9:30", "09:30:15", "5 Jan 2024", "January 5, 2024", "2024-01-05T10:00:00Z"]
)
def test_dates_and_times_are_told(tmp_path, value):
    with pytest.raises(ValueError, match=r"holds dates or times .* leave it out by --config.data.table.ignore=b,a$"):
        table(tmp_path, (value,), ignore=("b",))
    assert table(tmp_path, (value, value), ignore=("a",)).names_D == ("b",)


def test_advice_for_a_target_is_about_targets(tmp_path):
    for column, message in (
        (("2024-01-05", "2024-01-06"), "or name another column by --config.data.target$"),
        (("1", "2.5", "x"), "as classes by --config.task.name=classification, or name another column"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            table(tmp_path, column, target="a")
        assert "data.table" not in str(error.value)
    assert table(tmp_path, ("1", "2.5", "x"), target="a", task="classes").scheme.classes == ("1", "2.5", "x")


def test_a_word_in_a_column_of_its_own_numbers_is_no_category(tmp_path):
    lines = [f"{place / 7},{place % 2}" for place in range(12)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,y", "?,0", *lines]) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2 has .* repair it, or leave it empty as missing$"):
        make_table(read_table(tmp_path / "rows.csv"), Options("y"))


def test_options_of_columns_are_read_by_a_shell_and_the_command_line():
    for names in (["a"], ["size", "city"], ["my size"], ["2024"], ["it's"], ["None", 'say "x"'], ["a$b"]):
        words = shlex.split(column_option("ignore", names))
        assert len(words) == 1
        assert list(read_tuple(words[0].partition("=")[2])) == names


def test_a_first_row_of_numbers_is_no_header(tmp_path):
    (tmp_path / "rows.csv").write_text("0.37,10,0\n1.37,11,1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 1 holds numbers alone \(0.37, 10, 0\) .* such as x1,x2,y$"):
        read_table(tmp_path / "rows.csv")
    (tmp_path / "rows.csv").write_text("0,1,2\n1.37,11,1\n", encoding="utf-8")  # as a frame of arrays is written
    assert list(read_table(tmp_path / "rows.csv").columns) == ["0", "1", "2"]


def test_a_rare_class_is_told(tmp_path):
    made = table(tmp_path, ("1", "0", "1", "0", "1"), target="y", ignore=("a",))
    assert made.scheme.classes == ("0", "1")
    text = (tmp_path / "rows.csv").read_text(encoding="utf-8")
    (tmp_path / "rows.csv").write_text(text + '"1",0.5,2\n', encoding="utf-8")
    frame = read_table(tmp_path / "rows.csv")
    made = make_table(frame, Options("y", ignore=("a",)))
    told = "warning: the target 'y' is taken as numbers, since 2 stands in one row alone; 3 classes: "
    assert made.scheme.classes == () and f"{told}--config.task.name=classification" in made.notes
    assert make_table(frame, Options("y", "classes", ignore=("a",))).scheme.classes == ("0", "1", "2")


def test_no_input_tells_what_was_left_out(tmp_path):
    lines = [f"some words {place},{place % 2}" for place in range(6)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,y", *lines]) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"no input beside the target 'y' \(every row has its own text in 'text'"):
        make_table(read_table(tmp_path / "rows.csv"), Options("y"))


def test_typed_columns_that_are_no_numbers_may_be_left_out(tmp_path):
    frame = polars.DataFrame({"a": np.arange(6) / 7, "when": ["2024-01-05"] * 6, "y": [0, 1] * 3})
    frame = frame.with_columns(polars.col("when").str.to_date(), tags=polars.Series([[1]] * 6))
    frame.write_parquet(tmp_path / "rows.parquet")
    frame = read_table(tmp_path / "rows.parquet")
    assert make_table(frame, Options("y", ignore=("when", "tags"))).names_D == ("a",)
    for ignore, message in (
        (("tags",), "holds dates or times"),
        (("when",), "column 'tags' holds List.*leave it out by --config.data.table.ignore=tags"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            make_table(frame, Options("y", ignore=ignore))
        assert re.search(r"ignore", str(error.value))
