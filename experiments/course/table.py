"""The whole map: the rows of the tables beside this file, joined with formulas, errata and the report's claims."""

import re
import string
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from experiments.course.features_basics import FEATURES as BASICS
from experiments.course.features_models import FEATURES as MODELS
from experiments.course.features_practice import FEATURES as PRACTICE
from experiments.course.features_text import FEATURES as TEXT
from experiments.course.features_transformers import FEATURES as TRANSFORMERS
from experiments.course.slips import SLIPS
from experiments.course.statements import STATEMENTS
from experiments.report.claims import TABLES
from nn_core.formulas import FORMULAS
from nn_core.formulas.errata import ERRATA, NOT_SHOWN

FEATURES = (*BASICS, *PRACTICE, *TEXT, *TRANSFORMERS, *MODELS)


class Entry(NamedTuple):
    """A line of the map.

    Attributes:
        id: F001 …, S1 …, C1 ….
        about: what it is.
        kind: of a slip: M wrong, C contradiction, A open, T misprint or outdated; else "".
        places: "module:name" of what computes it.
        configs: experiments that show it.
        formulas: rows of the ledger.
        claims: claims of the report.
        built: whether it is here.
    """

    id: str
    about: str
    kind: str
    places: tuple[str, ...]
    configs: tuple[str, ...]
    formulas: tuple[str, ...]
    claims: tuple[str, ...]
    built: bool


def base(id: str) -> str:
    """The id without the letter that counts parts: F023b -> F023, C8a -> C8.

    >>> base("F023b"), base("C8a"), base("C10")
    ('F023', 'C8', 'C10')
    """
    return id[0] + id[1:].rstrip(string.ascii_lowercase)


def entries() -> list[Entry]:
    """The map: features, slips, claims, each in the order of its number."""
    slips = sorted([*open_slips(), *errata()], key=lambda entry: (int(re.sub(r"\D", "", entry.id)), entry.id))
    return [*features(), *slips, *statements()]


def features() -> Iterable[Entry]:
    """What the notes describe."""
    for row in FEATURES:
        formulas = tuple(formula.id for formula in FORMULAS if base(formula.id) == row.id)
        yield Entry(row.id, row.about, "", row.places, row.configs, formulas, row.claims, bool(row.places))


def open_slips() -> Iterable[Entry]:
    """Slips of kind A and T."""
    for row in SLIPS:
        yield Entry(row.id, row.about, row.kind, row.places, (), corrected(row.id), (), True)


def errata() -> Iterable[Entry]:
    """Slips of kind M and C."""
    for row in ERRATA:
        about = f"the notes: {row.printed}. Right: {row.right}"
        yield Entry(row.id, about, row.kind, ("nn_core.formulas.errata:ERRATA",), (), corrected(row.id), (), True)
    for id, right in NOT_SHOWN:
        yield Entry(id, right, "M/C", ("nn_core.formulas.errata:NOT_SHOWN",), (), corrected(id), (), True)


def corrected(slip: str) -> tuple[str, ...]:
    """The formulas that stand corrected for a slip."""
    return tuple(formula.id for formula in FORMULAS if slip in formula.slips)


def statements() -> Iterable[Entry]:
    """What the notes claim about experience."""
    for row in STATEMENTS:
        claims = [claim for claim in TABLES.claims if base(claim.id) == row.id]
        configs = tuple(dict.fromkeys(TABLES.experiments[claim.experiment].config for claim in claims))
        ids = tuple(claim.id for claim in claims)
        yield Entry(row.id, row.about, "", (), configs, (), ids, bool(claims))


def chosen(rows: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    """The entries of some ids; F023b means F023, S7 means S7 and S7b.

    Raises:
        ValueError: an id that the map does not have.
    """
    wanted: set[str] = set()
    for name in names:
        id = name.upper()[:1] + name[1:].lower()
        found = {row.id for row in rows if id in (row.id, base(row.id))}
        found = found or {row.id for row in rows if row.id == base(id) and id[:1] in "FC"}
        if not found:
            kinds = ", ".join(f"{first} … {last}" for first, last in ranges(rows))
            raise ValueError(f"{name!r} is not a row of the map; there are {kinds}")
        wanted |= found
    return [row for row in rows if row.id in wanted]


def ranges(rows: Sequence[Entry]) -> list[tuple[str, str]]:
    """First and last id of each letter."""
    letters = dict.fromkeys(row.id[0] for row in rows)
    return [(same[0].id, same[-1].id) for same in ([row for row in rows if row.id[0] == letter] for letter in letters)]
