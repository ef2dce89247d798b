"""The ledger itself: every row holds, notices a spoiled hand form or oracle, and says where it comes from."""

import re

import numpy as np
import pytest

from nn_core.formulas import CHAPTERS, FORMULAS
from nn_core.formulas.checks import judge
from nn_core.formulas.ledger import Formula
from tests.formulas.measured import measured

# Features of the course that are an equation, and so must have a row; the others are practices, plots and data.
FEATURES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]
FEATURES += [27, 28, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57]
FEATURES += [61, 62, 63, 64, 72, 91, 92, 93, 94, 98, 100, 101, 107, 110, 111, 112]
FEATURES += [
    118,
    119,
    120,
    121,
    122,
    124,
    125,
    126,
    127,
    128,
    129,
    130,
    131,
    132,
    136,
    137,
    140,
    147,
    150,
    152,
    169,
    170,
    171,
]
FEATURES += [186, 188, 189, 190, 191, 192, 193, 194]
IDS = [row.id for row in FORMULAS]
WITH_DERIVATIVE = [row.id for row in FORMULAS if row.derivative is not None]


@pytest.mark.parametrize("id", IDS)
def test_row_holds(id: str) -> None:
    assert judge(*measured(id)).failure == ""


@pytest.mark.parametrize("id", WITH_DERIVATIVE)
def test_spoiled_hand_form_is_noticed(id: str) -> None:
    row, measurement = measured(id)
    assert measurement.hand is not None
    spoiled = measurement._replace(hand=measurement.hand * 1.001 + (measurement.hand == 0) * 1e-4)
    failure = judge(row._replace(oracles=()), spoiled._replace(oracles=())).failure
    assert "autodiff" in failure
    # Where the derivative is tiny, a thousandth of it is below what a finite difference can see.
    if np.max(np.abs(measurement.hand)) > 0.01:
        assert "finite difference" in failure


@pytest.mark.parametrize("id", IDS)
def test_spoiled_value_is_noticed_by_some_witness(id: str) -> None:
    row, measurement = measured(id)
    if not row.oracles:
        assert row.derivative is not None, "a row without a derivative needs an oracle"
        return
    assert measurement.value is not None
    spoiled = measurement._replace(value=measurement.value * 1.5 + 0.5)
    of_value = [oracle for oracle in row.oracles if not oracle.of_hand]
    if of_value:
        assert judge(row, spoiled).failure


def test_ids_are_unique_and_chapters_are_not_empty() -> None:
    assert len(set(IDS)) == len(IDS)
    assert all(CHAPTERS.values())


def test_every_feature_with_an_equation_has_a_row() -> None:
    present = {int(re.sub(r"\D", "", id)) for id in IDS}
    assert set(FEATURES) <= present
    assert len(FORMULAS) >= 150


@pytest.mark.parametrize("row", FORMULAS, ids=IDS)
def test_row_says_what_it_is(row: Formula) -> None:
    assert re.fullmatch(r"F\d{3}[a-i]?", row.id)
    assert row.formula and row.hand and 0 < len(row.title) < 50
    assert row.kind in ("elementwise", "gradient", "jacobian")


def test_arguments_are_double_precision() -> None:
    import jax

    for row in FORMULAS:
        for leaf in jax.tree.leaves(row.arguments):
            assert np.asarray(leaf).dtype.kind in "iu" or np.asarray(leaf).dtype == np.float64, row.id
