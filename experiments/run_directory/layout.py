"""A table of text as it is shown: aligned where the terminal is wide enough, a record for each row below that, Markdown."""

import shutil
from collections.abc import Sequence

ENDLESS = 10**6  # columns where nobody says how many there are: a file, a pipe

Table = Sequence[Sequence[str]]


def columns() -> int:
    """How many columns the terminal has (or COLUMNS says); without a terminal as many as are needed."""
    return shutil.get_terminal_size((ENDLESS, 24)).columns


def render(table: Table, width: int = ENDLESS) -> str:
    """Header and rows in columns, the first to the left, the others to the right; as records where they are too wide."""
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    if sum(widths) + 2 * (len(widths) - 1) > width:
        return records(table, width)
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    ]
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:]])


def records(table: Table, width: int) -> str:
    """Each row on lines of its own: its name, and below it `column value` pairs, as many on a line as fit.

    >>> print(records([["setting", "n", "test loss"], ["none", "8", "1.05 ± 0.10"]], 20))
    none
      n 8
      test loss 1.05 ± 0.10
    """
    header, *rows = table
    lines = []
    for name, *cells in rows:
        lines.append(name)
        line = ""
        for column, cell in zip(header[1:], cells, strict=True):
            pair = f"{column} {cell}"
            if line and len(line) + 2 + len(pair) > width:
                lines.append(line)
                line = ""
            line = f"{line}, {pair}" if line else f"  {pair}"
        lines += [line] if line else []
    return "\n".join(lines)


def markdown(table: Table) -> str:
    """The table as Markdown has it.

    >>> print(markdown([["setting", "n"], ["a|b", "8"]]))
    | setting | n |
    | --- | ---: |
    | a\\|b | 8 |
    """
    header, *rows = [[cell.replace("|", "\\|") for cell in line] for line in table]
    under = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, under, *rows))
