"""What the site shows, and where: which page holds a claim, a config, a formula, a row of the map."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.course.lessons import covers
from experiments.course.records import Lesson
from experiments.course.table import FEATURES, base, entries
from experiments.report.records import Finding, Tables
from experiments.report.runs import Ran
from experiments.site.checks import Check
from experiments.site.pictures import Picture
from nn_core.formulas import FORMULAS
from nn_core.formulas.ledger import Formula

INDEX, SLIPS, METHODS = "index.html", "slips.html", "methods.html"


class Content(NamedTuple):
    """The content of the site.

    Attributes:
        tables: lessons, sections, experiments, claims.
        findings: of all claims.
        runs: by name: those of the report, and those of other configs that were found finished.
        pictures: by name.
        checks: of the formulas, by id.
        quick: whether it is the quick report.
        command: the command that made it.
    """

    tables: Tables
    findings: Sequence[Finding]
    runs: Mapping[str, Ran]
    pictures: Mapping[str, Picture]
    checks: Mapping[str, Check]
    quick: bool
    command: str


def page_of(lesson: Lesson) -> str:
    """The file of a chapter."""
    return f"{lesson.slug}.html"


def formulas_of(lesson: Lesson) -> list[Formula]:
    """The rows of the ledger that a chapter shows."""
    return [row for row in FORMULAS if covers(lesson, base(row.id))]


def shown_formulas(tables: Tables) -> list[Formula]:
    """The rows of the ledger that the site shows."""
    return [row for lesson in tables.lessons for row in formulas_of(lesson)]


def findings_of(lesson: Lesson, content: Content) -> list[Finding]:
    """The claims of a chapter."""
    return [one for one in content.findings if one.claim.section in lesson.sections]


def runs_of(config: str, content: Content) -> dict[str, Ran]:
    """The runs of a config."""
    return {name: ran for name, ran in content.runs.items() if ran.experiment.config == config}


def places(tables: Tables) -> dict[str, str]:
    """id of a row of the map, a formula, a claim, a slip, or configs/NAME.py -> its page and the place there."""
    found = {entry.id: f"{SLIPS}#slip-{entry.id}" for entry in entries() if entry.id.startswith("S")}
    for lesson in tables.lessons:
        page = page_of(lesson)
        found |= {row.id: f"{page}#row-{row.id}" for row in FEATURES if covers(lesson, row.id)}
        found |= {claim.id: f"{page}#claim-{claim.id}" for claim in tables.claims if claim.section in lesson.sections}
        found |= {row.id: f"{page}#formula-{row.id}" for row in formulas_of(lesson)}
        found |= {f"configs/{name}.py": f"{page}#config-{name}" for name in lesson.configs}
    return found


def claim_place(finding: Finding, tables: Tables) -> str:
    """Where a claim stands."""
    lesson = next(one for one in tables.lessons if finding.claim.section in one.sections)
    return f"{page_of(lesson)}#claim-{finding.claim.id}"
