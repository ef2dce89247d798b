"""The map of the course against the code: every id leads somewhere, and what it leads to exists."""

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest

from experiments.course.__main__ import WIDTH, as_table, main
from experiments.course.table import base, entries
from experiments.report.claims import TABLES
from nn_core.formulas import FORMULAS

ROOT = Path(__file__).parents[2]
ROWS = entries()
IDS = {row.id for row in ROWS}
SLIPS = (
    "S1 S1b S1c S2 S3 S3b S4 S5 S6 S7 S7b S8 S8b S8c S8d S9 S10 S11 S11b S11c S12 S13 S14 S14b S15 S15b S16 S16b S16c "
    "S17 S17b S17c S18 S18b S19 S20 S21 S21b S21c S21d S22 S22b S23 S23b S23c S24 S24b S25 S26 S26b S27 S28 S28b S29 S30 "
    "S31 S31b S32 S32b S33 S34 S35 S35b S36 S36b S37 S37b S38 S38b S39 S40 S40b S41 S42 S42b S42c S42d S43 S44 S45 S46 "
    "S46b S47 S48 S49 S50 S50b S51 S52 S53 S54 S55 S56 S57 S58 S59 S60 S61 S62 S63"
).split()


def test_it_holds_every_row_of_the_course_once_and_in_order():
    wanted = [f"F{number:03d}" for number in range(1, 206)] + SLIPS + [f"C{number}" for number in range(1, 23)]
    assert [row.id for row in ROWS] == wanted


@cache
def names_of(module: str) -> frozenset[str]:
    """What a module defines at its top."""
    tree = ast.parse(ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    targets = [
        node.targets if isinstance(node, ast.Assign) else [node.target]
        for node in tree.body
        if hasattr(node, "value") and isinstance(node, (ast.Assign, ast.AnnAssign))
    ]
    return frozenset(defined | {name.id for group in targets for name in group if isinstance(name, ast.Name)})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_what_a_row_names_exists(row):
    for place in row.places:
        module, _, name = place.partition(":")
        assert name in names_of(module), place
    for config in row.configs:
        assert (ROOT / "configs" / f"{config}.py").is_file(), config
    assert set(row.claims) <= {claim.id for claim in TABLES.claims}
    assert row.about and "\n" not in row.about


def test_every_id_in_the_code_is_in_the_map():
    pattern = re.compile(r"\b(?:F\d{3}|S\d{1,2}[a-d]?)(?=[a-h]?\b)")
    for folder in ("nn_core", "experiments", "configs"):
        for path in (ROOT / folder).rglob("*.py"):
            lost = set(pattern.findall(path.read_text(encoding="utf-8"))) - IDS
            assert not lost, f"{path}: {lost}"


def test_every_formula_and_every_claim_of_the_report_is_reached():
    formulas = {id for row in ROWS for id in row.formulas}
    assert formulas == {formula.id for formula in FORMULAS}
    assert {claim.id for claim in TABLES.claims} == {id for row in ROWS for id in row.claims}
    assert {slip for formula in FORMULAS for slip in formula.slips} <= IDS


def test_only_missing_and_json(capsys):
    assert main(["--only=F091, s7,C8a", "--format=json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in rows] == ["F091", "S7", "S7b", "C8"]
    assert rows[0]["places"][0] == "nn_core.models.embeddings:skip_gram_losses" and rows[0]["formulas"] == ["F091"]
    assert rows[3]["claims"] == ["C8a", "C8b", "C8c"] and rows[3]["configs"] == ["learning_rates", "schedules"]
    assert main(["--missing"]) == 0
    shown = capsys.readouterr().out
    assert "F108" in shown and "F091" not in shown and "not built" in shown


def test_the_table_fits_a_terminal():
    assert max(map(len, as_table(ROWS).splitlines())) <= WIDTH


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--only=F999", "'F999' is not a row of the map; there are F001 … F205, S1 … S63, C1 … C22"),
        ("--only=X1", "'X1' is not a row"),
        ("--format=jsn", "did you mean json"),
        ("--mising", "did you mean missing"),
    ],
)
def test_mistakes_are_told_in_one_line(word, message, capsys):
    assert main([word]) == 2
    told = capsys.readouterr()
    assert message in told.err and told.err.count("\n") == 1 and not told.out


def test_the_letter_of_a_part_is_left_out():
    assert [base(id) for id in ("F023b", "C8a", "S37b", "C10")] == ["F023", "C8", "S37", "C10"]
