"""The layout of the formula ledger and the errata: tables of 120 columns, and records for JSON."""

import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nn_core.formulas.checks import Result
from nn_core.formulas.erratum import Demonstration
from nn_core.formulas.ledger import Oracle
from nn_core.formulas.worked_example import PrintedNumber

WIDTH = 120
TITLE_WIDTH, ERROR_WIDTH = 50, 8
COLOURS = {"bold": "1", "dim": "2", "green": "32", "red": "31"}


def styled(text: str, style: str) -> str:
    """The text in colour for a terminal, or unchanged if the output goes elsewhere."""
    return f"\033[{COLOURS[style]}m{text}\033[0m" if sys.stdout.isatty() else text


def width(text: str) -> int:
    """Number of columns that a text takes; combining marks take none."""
    return sum(1 for sign in text if not unicodedata.combining(sign))


def fit(text: str, columns: int) -> str:
    """The text, padded or cut to exactly that many columns."""
    if width(text) > columns:
        while width(text) > columns - 1:
            text = text[:-1]
        text = text.rstrip() + "…"
    return text + " " * (columns - width(text))


def show_error(error: float | None) -> str:
    """`0`, `2e-16`, or a dash if there is no such check."""
    if error is None:
        return "–"
    return "0" if error == 0 else f"{error:.0e}"


def exact_error(result: Result) -> float | None:
    """The largest error against exact oracles; None if there are none."""
    errors = [error for oracle, error in _judged(result) if not oracle.approximate]
    return max(errors, default=None)


def _judged(result: Result) -> Iterable[tuple[Oracle, float]]:
    return zip(result.formula.oracles, result.oracles, strict=False)


def legend() -> str:
    """What the columns mean."""
    text = (
        "Each equation of the notes and its hand-derived form (⇒). Largest errors in float64: of the "
        "hand form against automatic differentiation and a central finite difference (diff.), of the value against the "
        "oracles named. A dash: no such check; rounded numbers and statistics match or do not, they have no error."
    )
    return "\n".join(_wrapped(text, WIDTH))


def chapter_table(name: str, results: Sequence[Result]) -> str:
    """A chapter: for each row a line of errors, its equation and its hand-derived form."""
    columns = "".join(title.rjust(ERROR_WIDTH) for title in ("autodiff", "diff.", "oracle"))
    heading = fit(name.upper(), 8 + TITLE_WIDTH) + columns + "  against"
    return "\n".join(["", styled(heading, "bold"), *(line for result in results for line in _row_lines(result))])


def _row_lines(result: Result) -> list[str]:
    row = result.formula
    mark = styled("✗", "red") if result.failure else styled("✓", "green")
    errors = (result.autodiff, result.difference, exact_error(result))
    oracles = ", ".join(oracle.name for oracle in row.oracles)
    head = (
        f"{mark} {row.id.ljust(6)}{fit(row.title, TITLE_WIDTH)}"
        + "".join(show_error(error).rjust(ERROR_WIDTH) for error in errors)
        + f"  {fit(oracles, WIDTH - 10 - TITLE_WIDTH - 3 * ERROR_WIDTH).rstrip()}"
    )
    body = f"{row.formula}   ⇒   {row.hand}"
    slips = f"   [corrected: {', '.join(row.slips)}]" if row.slips else ""
    if width(body + slips) <= WIDTH - 8:
        lines = [body + slips]
    else:
        lines = [*_wrapped(row.formula, WIDTH - 8), *_wrapped(f"⇒   {row.hand}{slips}", WIDTH - 8)]
    failure = [styled(f"        {line}", "red") for line in _wrapped(result.failure, WIDTH - 8)]
    return [head.rstrip(), *(styled(f"        {line}", "dim") for line in lines), *failure]


def _wrapped(text: str, columns: int) -> list[str]:
    return textwrap.wrap(text, columns, break_long_words=False, break_on_hyphens=False)


def ledger_summary(results: Sequence[Result], seconds: float) -> str:
    """How many agree, and the largest error of each kind with its row."""
    failed = [result.formula.id for result in results if result.failure]
    kinds = {
        "autodiff": [(result.autodiff, result.formula.id) for result in results],
        "finite difference": [(result.difference, result.formula.id) for result in results],
        "exact oracles": [(exact_error(result), result.formula.id) for result in results],
    }
    largest = []
    for name, errors in kinds.items():
        known = [(error, id) for error, id in errors if error is not None]
        if known:
            error, id = max(known)
            largest.append(f"{name} {error:.1e} ({id})")
    verdict = "all agree" if not failed else f"{len(failed)} FAIL: {', '.join(failed)}"
    rows = f"{len(results)} formula{'s' * (len(results) != 1)}: {verdict} ({seconds:.1f} s)"
    lines = ["", styled(rows, "red" if failed else "bold")]
    return "\n".join([*lines, *_wrapped("largest errors: " + ", ".join(largest), WIDTH)] if largest else lines)


def worked_example_table(numbers: Sequence[PrintedNumber]) -> str:
    """The course's numbers beside the exact ones."""
    heading = f"{'THE WORKED EXAMPLE (F039)'.ljust(36)}{'the notes'.rjust(12)}{'exact'.rjust(16)}"
    lines = ["", styled(heading, "bold")]
    for number in numbers:
        note = f"   {number.slip}: the notes round δʰ to 0.003 first" if number.slip else ""
        exact = f"{number.exact:.9f}"
        lines.append(f"  {fit(number.symbol, 34)}{number.printed.rjust(12)}{exact.rjust(16)}{note}")
    return "\n".join(lines)


def ledger_record(results: Sequence[Result], example: Sequence[PrintedNumber]) -> dict[str, Any]:
    """Everything that was checked, for JSON."""
    rows = []
    for result in results:
        row = result.formula
        oracles = [
            {"name": oracle.name, "error": error, "tolerance": oracle.tolerance} for oracle, error in _judged(result)
        ]
        rows.append(
            {
                "id": row.id,
                "title": row.title,
                "formula": row.formula,
                "hand": row.hand,
                "slips": row.slips,
                "autodiff": result.autodiff,
                "finite_difference": result.difference,
                "oracles": oracles,
                "passed": not result.failure,
                "failure": result.failure,
            }
        )
    failed = [result.formula.id for result in results if result.failure]
    return {"formulas": rows, "worked_example": [number._asdict() for number in example], "failed": failed}


def erratum_table(shown: Demonstration) -> str:
    """One erratum: what is printed, what is right, the damage."""
    row = shown.erratum
    mark = styled("✗", "red") if shown.failure else styled("✓", "green")
    parts = {"printed": row.printed, "right": row.right, "damage": shown.damage, "FAILED": shown.failure}
    lines = ["", f"{mark} {styled(row.id.ljust(6), 'bold')}{row.kind}"]
    for name, text in parts.items():
        for index, line in enumerate(_wrapped(text, WIDTH - 17)):
            lines.append(f"        {(name if index == 0 else '').ljust(9)}{line}")
    return "\n".join(lines)


def errata_summary(shown: Sequence[Demonstration], rest: Sequence[tuple[str, str]], seconds: float) -> str:
    """How many slips were shown, and which have no number to show."""
    failed = [demonstration.erratum.id for demonstration in shown if demonstration.failure]
    lines = [""]
    if rest:
        lines.append(styled("Slips without a number to show", "bold"))
        lines += [f"  {id.ljust(6)}{right}" for id, right in rest]
        lines.append("")
    count = f"{len(shown)} {'errata' if len(shown) != 1 else 'erratum'}"
    verdict = "all shown" if not failed else f"{len(failed)} FAIL: {', '.join(failed)}"
    return "\n".join([*lines, styled(f"{count}: {verdict} ({seconds:.1f} s)", "red" if failed else "bold")])


def errata_record(shown: Sequence[Demonstration], rest: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """The errata with their figures, for JSON."""
    rows = [
        {
            "id": demonstration.erratum.id,
            "kind": demonstration.erratum.kind,
            "printed": demonstration.erratum.printed,
            "right": demonstration.erratum.right,
            "damage": demonstration.damage,
            "figures": demonstration.figures,
            "passed": not demonstration.failure,
            "failure": demonstration.failure,
        }
        for demonstration in shown
    ]
    without = [{"id": id, "right": right} for id, right in rest]
    return {"errata": rows, "not_shown": without, "failed": [row["id"] for row in rows if not row["passed"]]}
