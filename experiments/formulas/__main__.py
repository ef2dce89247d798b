"""python -m experiments.formulas [--format=table|json] [--only=ID,…] [--errata]

Prints the formula ledger: every equation of the notes, its hand-derived form, and its largest error against automatic
differentiation, a central finite difference (both in float64) and independent oracles. --errata runs the slips of the
notes instead. --only takes rows (F023b), features (F023: all its rows) and errata (S7). Exit code 0 if everything
agrees, 1 if a row fails, 2 after a mistake by the caller.
"""

import json
import math
import os
import string
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from experiments.command_line.choices import nearest
from experiments.command_line.errors import tell
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command

FORMATS = ("table", "json")
OPTIONS = {
    "format": Option(str, "table or json", "table"),
    "only": Option(str, "rows, features and errata, with commas between them (default: all)", may_be_empty=True),
    "errata": Option(bool, "run the slips of the notes instead of their formulas", False),
}
EXAMPLES = (
    "python -m experiments.formulas --only=F053,F039d",
    "python -m experiments.formulas --errata --format=json",
)


class Options(NamedTuple):
    """What the command line says; `only` is empty for everything."""

    format: str = "table"
    only: tuple[str, ...] = ()
    errata: bool = False
    help: bool = False


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    started = time.perf_counter()
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
        if options.help:
            about = (__doc__ or "").partition("\n\n")[2]
            write(usage("python -m experiments.formulas [--name=value …]", about, OPTIONS, EXAMPLES))
            return 0
        # Slow imports come last, so that a mistyped option is reported at once.
        from nn_core.formulas import CHAPTERS
        from nn_core.formulas.errata import ERRATA

        if options.errata:
            return errata_command(select(ERRATA, options.only, "erratum"), options, started)
        chosen = {row.id for row in select([r for rows in CHAPTERS.values() for r in rows], options.only, "formula")}
    except ValueError as error:
        return tell(error, 2)
    chapters = {name: [row for row in rows if row.id in chosen] for name, rows in CHAPTERS.items()}
    return ledger_command({name: rows for name, rows in chapters.items() if rows}, options, started)


def parse(argv: Sequence[str]) -> Options:
    """Reads the command line.

    Raises:
        ValueError: a word that is not an option, or a value that is not allowed, in one line.
    """
    values = parse_options(argv, OPTIONS, lone="only")
    form, only = values["format"], values["only"]
    if form not in FORMATS:
        raise ValueError(f"--format={form!r} is unknown{nearest(form, FORMATS) or ';'} use one of {', '.join(FORMATS)}")
    names = () if only is None else tuple(part.strip() for part in only.split(",") if part.strip())
    if only is not None and not names:
        raise ValueError("--only= names nothing; write for example --only=F023,F039d")
    return Options(form, names, values["errata"], values["help"])


def select(rows: Sequence[Any], only: Iterable[str], kind: str) -> list[Any]:
    """The chosen rows, in the order of the table.

    Args:
        rows: formulas or errata.
        only: ids, or ids without their letter; nothing stands for all rows.
        kind: name of a row in errors.

    Raises:
        ValueError: a name that no row has; the message lists the nearest.
    """
    wanted = list(only)
    if not wanted:
        return list(rows)
    chosen: set[str] = set()
    for name in wanted:
        found = {row.id for row in rows if matches(row, name)}
        if not found:
            raise ValueError(f"{kind} {name!r} is unknown{_hint(name, rows, kind)}")
        chosen |= found
    return [row for row in rows if row.id in chosen]


def matches(row: Any, name: str) -> bool:
    """Whether a row is meant: by its id, or by its id without the letter."""
    return name.upper() in (row.id.upper(), row.id.rstrip(string.ascii_lowercase).upper())


def _hint(name: str, rows: Sequence[Any], kind: str) -> str:
    if name[:1].upper() == "S" and kind == "formula":
        return "; errata are rows of --errata"
    if name[:1].upper() == "F" and kind == "erratum":
        return "; formulas are rows of the command without --errata"
    ids = dict.fromkeys(form for row in rows for form in (row.id, row.id.rstrip(string.ascii_lowercase)))
    return nearest(name.upper(), ids) or f"; rows are called {rows[0].id}, … {rows[-1].id}"


def ledger_command(chapters: Mapping[str, Sequence[Any]], options: Options, started: float) -> int:
    """Checks the rows chapter by chapter and prints them as they come."""
    from experiments.formulas import tables
    from nn_core.formulas.checks import check
    from nn_core.formulas.worked_example import printed_numbers

    results = []
    if options.format == "table":
        write(tables.legend())
    for name, rows in chapters.items():
        checked = check(rows)
        results += checked
        if options.format == "table":
            write(tables.chapter_table(name, checked))
    example = printed_numbers() if any(result.formula.id.startswith("F039") for result in results) else ()
    failed = [result for result in results if result.failure]
    if options.format == "json":
        write(as_json(tables.ledger_record(results, example)))
    else:
        if example:
            write(tables.worked_example_table(example))
        write(tables.ledger_summary(results, time.perf_counter() - started))
    return 1 if failed else 0


def errata_command(errata: Sequence[Any], options: Options, started: float) -> int:
    """Runs the errata and prints what they show."""
    from experiments.formulas import tables
    from nn_core.formulas.errata import NOT_SHOWN, demonstrate

    shown = []
    for erratum in errata:
        shown.append(demonstrate(erratum))
        if options.format == "table":
            write(tables.erratum_table(shown[-1]))
    rest = () if options.only else NOT_SHOWN
    if options.format == "json":
        write(as_json(tables.errata_record(shown, rest)))
    else:
        write(tables.errata_summary(shown, rest, time.perf_counter() - started))
    return 1 if any(demonstration.failure for demonstration in shown) else 0


def as_json(record: Any) -> str:
    """Valid JSON: values that are not finite become strings ("nan", "inf", "-inf")."""
    return json.dumps(_finite(record), indent=1)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def write(text: str) -> None:
    """Prints at once: a chapter takes seconds."""
    print(text, flush=True)


if __name__ == "__main__":
    # Tiny float64 programs: an accelerator would only take longer to start.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    run_command(main)
