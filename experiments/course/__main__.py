"""python -m experiments.course [--only=ID,…] [--missing] [--configs] [--format=table|json]

Prints the map of the course: every feature (F001 …), slip (S1 …) and claim (C1 …) of the notes that the documentation
cites, what it is, the function that computes it, the config that shows it, the rows of the formula ledger, and the
report's claims. --missing prints what is not built. Exit code 2 after a mistake by the caller.
"""

import json
import sys
import textwrap
from collections.abc import Sequence

from experiments.command_line.choices import nearest
from experiments.command_line.errors import tell
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command
from experiments.course.configs_page import page
from experiments.course.table import Entry, chosen, entries

FORMATS = ("table", "json")
OPTIONS = {
    "only": Option(str, "ids, with commas between them (default: all)"),
    "missing": Option(bool, "what is not built", False),
    "configs": Option(bool, "the page of all experiments, configs/README.md, as Markdown", False),
    "format": Option(str, "table or json", "table"),
}
EXAMPLES = ("python -m experiments.course --only=F091,S2,C8", "python -m experiments.course --missing")
WIDTH, INDENT = 120, " " * 6


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, OPTIONS, lone="only")
        if options["help"]:
            about = (__doc__ or "").partition("\n\n")[2]
            print(usage("python -m experiments.course [--name=value …]", about, OPTIONS, EXAMPLES))
            return 0
        if options["format"] not in FORMATS:
            name = options["format"]
            raise ValueError(
                f"--format={name!r} is unknown{nearest(name, FORMATS) or ';'} use one of {', '.join(FORMATS)}"
            )
        if options["configs"]:
            sys.stdout.write(page())
            return 0
        rows = entries()
        if options["only"]:
            rows = chosen(rows, [name.strip() for name in options["only"].split(",") if name.strip()])
    except ValueError as error:
        return tell(error, 2)
    if options["missing"]:
        rows = [row for row in rows if not row.built]
    print(as_json(rows) if options["format"] == "json" else as_table(rows))
    return 0


def as_json(rows: Sequence[Entry]) -> str:
    """A list of objects."""
    return json.dumps([row._asdict() for row in rows], indent=1, ensure_ascii=False)


def as_table(rows: Sequence[Entry]) -> str:
    """Each entry with its places below it, and how many there are."""
    built = sum(row.built for row in rows)
    return "\n".join([*(line for row in rows for line in lines_of(row)), "", f"{len(rows)} rows, {built} built"])


def lines_of(row: Entry) -> list[str]:
    """The lines of an entry."""
    kind = f"[{row.kind}] " if row.kind else ""
    about = textwrap.wrap(f"{kind}{row.about}", WIDTH - len(INDENT), break_on_hyphens=False)
    parts = [
        ", ".join(row.places),
        "configs: " * bool(row.configs) + ", ".join(row.configs),
        "formulas: " * bool(row.formulas) + ", ".join(row.formulas),
        "claims: " * bool(row.claims) + ", ".join(row.claims),
        "not built" * (not row.built),
    ]
    below = textwrap.wrap("  →  ".join(part for part in parts if part), WIDTH - len(INDENT) - 2, break_on_hyphens=False)
    return [
        f"{row.id.ljust(len(INDENT))}{about[0]}",
        *(INDENT + line for line in about[1:]),
        *(f"{INDENT}  {line}" for line in below),
    ]


if __name__ == "__main__":
    run_command(main)
