"""Formulas, rows of the map and slips of the notes on the pages."""

import html

from experiments.course.lessons import covers
from experiments.course.records import Feature, Lesson
from experiments.course.table import FEATURES, Entry, entries
from experiments.formulas.tables import show_error
from experiments.site import elements
from experiments.site.checks import Check
from experiments.site.content import Content, formulas_of, places
from nn_core.formulas.ledger import Formula

MAP = ("row", "what", "in the code")


def formulas(lesson: Lesson, content: Content) -> str:
    """The rows of the ledger of a chapter."""
    rows = formulas_of(lesson)
    if not rows:
        return ""
    where = places(content.tables)
    items = "\n".join(formula(row, content.checks.get(row.id), where) for row in rows)
    return (
        '<section aria-labelledby="formulas">\n<h2 id="formulas">Formulas</h2>\n'
        '<p class="soft">The equation, and after ⇒ what is derived from it by hand. The largest errors are those of the '
        "derivation against automatic differentiation and a finite difference, and of the value against independent "
        f'oracles. All of them: <code>python -m experiments.formulas</code>.</p>\n<ul class="formulas">\n{items}\n</ul>\n'
        "</section>"
    )


def formula(row: Formula, check: Check | None, where: elements.Places) -> str:
    """A row of the ledger."""
    slips = f" Corrected: {elements.text(', '.join(row.slips), where)}." if row.slips else ""
    return (
        f'<li id="formula-{row.id}"><h3>{row.id} {html.escape(row.title)}</h3>'
        f'<p class="equation">{html.escape(row.formula)}</p><p class="equation">⇒ {html.escape(row.hand)}</p>'
        f'<p class="soft">{errors(row, check)}{slips}</p></li>'
    )


def errors(row: Formula, check: Check | None) -> str:
    """How well it agrees, in words."""
    if check is None:
        return "Not checked here."
    if check.failure:
        return f'<span class="failed">Fails: {html.escape(check.failure)}</span>'
    found = {"automatic differentiation": check.autodiff, "finite difference": check.difference}
    told = [f"{name} {show_error(error)}" for name, error in found.items() if error is not None]
    if row.oracles:
        names = html.escape(", ".join(oracle.name for oracle in row.oracles))
        told.append(f"{names} {show_error(check.oracle)}" if check.oracle is not None else f"agrees with {names}")
    return f"Largest error: {'; '.join(told)}." if told else ""


def course_map(lesson: Lesson, content: Content) -> str:
    """What the chapter covers, and where it is in the code."""
    rows = [[f'<span id="row-{row.id}">{row.id}</span>', html.escape(row.about), code(row)] for row in covered(lesson)]
    table = elements.table(f"Rows of the course in {lesson.title}", MAP, rows)
    return (
        f'<section aria-labelledby="map">\n<h2 id="map">Where it is in the code</h2>\n'
        f"<details><summary>{len(rows)} rows of the course</summary>\n{table}</details>\n</section>"
    )


def covered(lesson: Lesson) -> list[Feature]:
    """The rows of the map that a chapter covers."""
    return [row for row in FEATURES if covers(lesson, row.id)]


def code(row: Feature) -> str:
    """The functions of a row."""
    return ", ".join(f"<code>{breakable(place)}</code>" for place in row.places) or "not built"


def breakable(place: str) -> str:
    """A dotted name that may break after its dots and underscores."""
    return html.escape(place).replace(".", ".<wbr>").replace(":", ":<wbr>").replace("_", "_<wbr>")


def slips(content: Content) -> str:
    """All places where the notes slip."""
    where = places(content.tables)
    rows = [slip(entry, where) for entry in entries() if entry.id.startswith("S")]
    return elements.table("Slips of the notes", ("row", "kind", "what holds here", "formulas"), rows)


def slip(entry: Entry, where: elements.Places) -> list[str]:
    """The cells of a slip."""
    return [
        f'<span id="slip-{entry.id}">{entry.id}</span>',
        html.escape(entry.kind),
        elements.text(entry.about),
        elements.text(", ".join(entry.formulas), where) or "–",
    ]
