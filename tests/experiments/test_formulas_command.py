"""The command that prints the ledger and the errata: selection, formats, exit codes, one-line errors."""

import json

import pytest

from experiments.command_line.output import run_command
from experiments.formulas import tables
from experiments.formulas.__main__ import Options, main, parse
from nn_core.formulas import activations, errata, worked_example


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_table_has_form_and_errors_in_120_columns(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--only=F053,F039d")
    assert (code, err) == (0, "")
    rows = [line for line in out.splitlines() if line.startswith("✓")]
    assert [row.split()[1] for row in rows] == ["F053", "F053b", "F039d"]
    assert "notes 0.122" in rows[2]
    assert "f(x) = max(0, x)   ⇒   f′ = 1 if x > 0, else 0   [corrected: S23]" in out
    assert max(tables.width(line) for line in out.splitlines()) <= tables.WIDTH
    assert "THE WORKED EXAMPLE" in out and "0.121832235" in out and "S16c" in out
    assert "3 formulas: all agree" in out


def test_worked_example_is_shown_with_its_rows_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert "WORKED EXAMPLE" not in run(capsys, "--only=F053")[1]


def test_json_holds_what_the_table_holds(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--format=json", "--only=f039g")
    record = json.loads(out)
    assert code == 0 and record["failed"] == []
    (row,) = record["formulas"]
    assert row["id"] == "F039g" and row["passed"]
    assert row["autodiff"] < 1e-15 and 0 < row["finite_difference"] < 1e-9
    assert [oracle["name"] for oracle in row["oracles"]] == ["notes 0.00015", "notes 0.00045"]
    assert [number["printed"] for number in record["worked_example"]][-1] == "0.00045"


def test_row_that_fails_is_marked_and_sets_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = activations.FORMULAS[0]._replace(derivative=lambda x: 0.9 * x)
    monkeypatch.setattr("nn_core.formulas.CHAPTERS", {"Wrong": (wrong, activations.FORMULAS[1])})
    code, out, _ = run(capsys)
    assert code == 1
    assert "✗ F008" in out and "autodiff: error" in out and "2 formulas: 1 FAIL: F008" in out
    assert "✓ F009a" in out
    code, out, _ = run(capsys, "--format=json")
    assert code == 1 and json.loads(out)["failed"] == ["F008"]


def test_errata_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--errata", "--only=S1")
    assert code == 0
    assert "the worked example's loss 0.11889 becomes 0.12072 instead of 0.11708" in out
    assert "S1b" in out and "2 errata: all shown" in out and "without a number" not in out
    code, out, _ = run(capsys, "--errata", "--format=json", "--only=S7b")
    (row,) = json.loads(out)["errata"]
    assert code == 0 and row["figures"] == {"printed": "nan", "right": 1.0} and row["kind"] == "M"


def test_erratum_that_is_not_shown_sets_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cured = errata.ERRATA[0]._replace(figures=lambda: {"before": 1.0, "right": 1.0, "printed": 1.0})
    monkeypatch.setattr("nn_core.formulas.errata.ERRATA", (cured,))
    code, out, _ = run(capsys, "--errata")
    assert code == 1 and "1 erratum: 1 FAIL: S1" in out and "✗ S1" in out
    assert "Slips without a number to show" in out and "how many dimensions an embedding has" in out


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        (["--only=F999"], ["formula 'F999' is unknown", "rows are called F001, …"]),
        (["--only=F039z"], ["did you mean F039"]),
        (["--only=F008,F0444"], ["'F0444'", "did you mean"]),
        (["--only=L573"], ["formula 'L573' is unknown", "rows are called F001, …"]),
        (["--only=S1"], ["--errata"]),
        (["--errata", "--only=F001"], ["without --errata"]),
        (["--errata", "--only=S1x"], ["erratum 'S1x' is unknown", "did you mean S1"]),
        (["--only="], ["names nothing"]),
        (["--only"], ["--only=VALUE"]),
        (["--format=jsn"], ["did you mean json", "table, json"]),
        (["--erata"], ["did you mean errata"]),
        (["--errata=maybe"], ["--errata=maybe is not a bool"]),
        (["F001"], ["unexpected argument 'F001'"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], argv: list[str], parts: list[str]
) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1
    for part in parts:
        assert part in err


def test_help_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0 and out.startswith("usage: python -m experiments.formulas") and "--errata" in out


def test_options() -> None:
    assert parse([]) == Options()
    assert parse(["--errata", "--only=S1, S7,", "--format=json"]) == Options("json", ("S1", "S7"), True)


def test_every_row_fits_the_table() -> None:
    from nn_core.formulas import FORMULAS
    from nn_core.formulas.checks import Result

    for row in FORMULAS:
        result = Result(row, 1.0, 1.0, tuple(1.0 for _ in row.oracles))
        for line in tables.chapter_table("x", [result]).splitlines():
            assert tables.width(line) <= tables.WIDTH, line


def test_combining_marks_take_no_column() -> None:
    assert tables.width("x̂ᵢ") == 2
    assert tables.fit("x̂ᵢ", 4) == "x̂ᵢ  "
    assert tables.fit("abcdef", 4) == "abc…"


def test_output_survives_a_terminal_without_greek(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys

    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="cp1252"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))
    with pytest.raises(SystemExit, match="0"):
        run_command(lambda: main(["--only=F053b"]))
    assert b"formula: all agree" in buffer.getvalue()


def test_worked_example_table_marks_the_slip() -> None:
    table = tables.worked_example_table(worked_example.printed_numbers())
    assert table.count("S16c") == 1
    assert max(tables.width(line) for line in table.splitlines()) <= tables.WIDTH
