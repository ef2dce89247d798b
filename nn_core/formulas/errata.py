"""All errata that figures can show, and those that they cannot: rows of kind M, C and one of A in the course's list of slips."""

from nn_core.formulas import (
    errata_classifiers,
    errata_families,
    errata_generation,
    errata_language,
    errata_networks,
    errata_training,
    errata_transfer,
)
from nn_core.formulas.erratum import Demonstration, Erratum, demonstrate

__all__ = ["ERRATA", "NOT_SHOWN", "Demonstration", "Erratum", "demonstrate"]


def _order(erratum: Erratum) -> tuple[int, str]:
    """S2 before S10, S7 before S7b."""
    return int("".join(filter(str.isdigit, erratum.id))), erratum.id


_PARTS = (
    errata_classifiers,
    errata_networks,
    errata_training,
    errata_transfer,
    errata_language,
    errata_families,
    errata_generation,
)
ERRATA: tuple[Erratum, ...] = tuple(sorted((row for part in _PARTS for row in part.ERRATA), key=_order))

# Slips of kind M or C without a number to show: id, and what is right.
NOT_SHOWN: tuple[tuple[str, str], ...] = (
    ("S14b", "no error: η is typically .01 to .001, and .5 in the worked example"),
    ("S32", "no rule says how many dimensions an embedding has"),
    ("S54", "base models answer when prompted with examples, the better the larger they are"),
    ("S55", "supervised fine-tuning, then a reward model, then reinforcement learning"),
    ("S56", "the answer 'Paris' belongs to the question for the capital of France"),
)
