"""What the search box finds: chapters, claims, experiments, formulas, rows of the course, slips."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from experiments.course.records import Lesson
from experiments.course.table import entries
from experiments.report.findings import NOT_RUN, is_pending
from experiments.site.configs import docstring
from experiments.site.content import SLIPS, Content, findings_of, formulas_of, page_of
from experiments.site.formulas import covered


class Entry(NamedTuple):
    """A thing that can be found.

    Attributes:
        title: what is shown.
        kind: of what sort it is.
        place: page and place there.
        text: more words that lead to it.
    """

    title: str
    kind: str
    place: str
    text: str


def search_script(content: Content) -> str:
    """The list of entries as a script: a page that is opened from the disk may load one, but no data file."""
    found = [entry._asdict() for entry in all_entries(content)]
    return f"const ENTRIES = {json.dumps(found, ensure_ascii=False, indent=0)};\n"


def all_entries(content: Content) -> Iterable[Entry]:
    """Every entry, chapter by chapter."""
    for lesson in content.tables.lessons:
        yield Entry(lesson.title, "chapter", page_of(lesson), " ".join(lesson.words))
        yield from of_lesson(lesson, content)
    for row in entries():
        if row.id.startswith("S"):
            yield Entry(f"{row.id} {row.about}", "slip of the notes", f"{SLIPS}#slip-{row.id}", "")


def of_lesson(lesson: Lesson, content: Content) -> Iterable[Entry]:
    """What stands on the page of a chapter."""
    page = page_of(lesson)
    for finding in findings_of(lesson, content):
        claim = finding.claim
        label = NOT_RUN if is_pending(finding) else finding.verdict.label
        yield Entry(f"{claim.id} {claim.text}", f"claim, {label}", f"{page}#claim-{claim.id}", claim.note)
    for name in lesson.configs:
        about, _, rest = docstring(name).partition("\n")
        yield Entry(f"{name}: {about}", "experiment", f"{page}#config-{name}", " ".join(rest.split()))
    for row in formulas_of(lesson):
        yield Entry(f"{row.id} {row.title}", "formula", f"{page}#formula-{row.id}", row.formula)
    for feature in covered(lesson):
        yield Entry(
            f"{feature.id} {feature.about}", "row of the course", f"{page}#row-{feature.id}", " ".join(feature.places)
        )
