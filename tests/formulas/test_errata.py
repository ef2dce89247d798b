"""Each slip of the notes that figures can show: they do, the library is on the right side, a cured slip fails."""

import re

import numpy as np
import pytest

from nn_core.formulas.errata import ERRATA, NOT_SHOWN, Erratum, demonstrate

# Rows of kind M or C in the course's list of slips, and S42d and S53, which leave something open.
KINDS_M_AND_C = (
    "S1 S1b S3 S4 S6 S7 S7b S8 S8b S8c S8d S9 S11 S11c S14 S14b S15 S15b S16 S17 S17b S18 S19 S21 S21b S21c S23 S24 "
    "S24b S26 S28 S28b S29 S30 S31 S32 S32b S33 S35 S35b S36 S37 S39 S40 S40b S42 S42b S42c S42d S43 S46 S48 S50 S52 S53 S54 "
    "S55 S56 S60"
).split()


@pytest.mark.parametrize("erratum", ERRATA, ids=[erratum.id for erratum in ERRATA])
def test_erratum_is_shown(erratum: Erratum) -> None:
    demonstration = demonstrate(erratum)
    assert demonstration.failure == ""
    assert "{" not in demonstration.damage and demonstration.damage
    assert re.search(r"[MCA]", erratum.kind)
    # The figures are computed, and the condition reads them: without the damage nothing is shown.
    equal = dict.fromkeys(demonstration.figures, 1.0)
    assert not erratum.shows(equal)


def test_list_is_complete_and_in_order() -> None:
    shown = [erratum.id for erratum in ERRATA]
    assert set(shown) | {id for id, _ in NOT_SHOWN} == set(KINDS_M_AND_C)
    assert not set(shown) & {id for id, _ in NOT_SHOWN}
    assert shown == [id for id in KINDS_M_AND_C if id in shown]


def test_worked_example_figures_of_the_wrong_sign() -> None:
    figures = demonstrate(next(erratum for erratum in ERRATA if erratum.id == "S1")).figures
    assert round(figures["before"], 5) == 0.11889
    assert round(figures["right"], 5) == 0.11708
    assert round(figures["printed"], 5) == 0.12072


def test_erratum_that_breaks_or_is_cured_fails_in_one_line() -> None:
    row = ERRATA[0]
    cured = demonstrate(row._replace(figures=lambda: dict.fromkeys(("before", "right", "printed"), np.float64(0.5))))
    assert cured.failure.startswith("the figures do not show the slip: before=0.5")
    broken = demonstrate(row._replace(figures=lambda: {"a": 1 / 0}))
    assert broken.failure == "ZeroDivisionError: division by zero"
