"""Every row of the ledger, measured once for all tests: a chapter is one compiled program."""

from functools import cache

from nn_core.formulas import CHAPTERS
from nn_core.formulas.checks import Measurement, measure
from nn_core.formulas.ledger import Formula

CHAPTER_OF = {row.id: name for name, rows in CHAPTERS.items() for row in rows}


@cache
def _chapter(name: str) -> dict[str, tuple[Formula, Measurement]]:
    rows = CHAPTERS[name]
    return {row.id: (row, measured) for row, measured in zip(rows, measure(rows), strict=True)}


def measured(id: str) -> tuple[Formula, Measurement]:
    """A row and its measurement."""
    return _chapter(CHAPTER_OF[id])[id]
