"""The table at the end of a run: one row per setting, with means and 95 % confidence intervals over its seeds.

A missing value is named: the run diverged, has no such number, or never reached what is counted (infinity in a column
of NEVER). If a mean covers only some of the seeds, the table says how many.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from experiments.run_directory import layout
from experiments.run_directory.best import best_settings
from experiments.run_directory.settings import (
    Row,
    Summary,
    at_the_edge,
    by_setting,
    choice,
    chosen,
    interval,
    shown,
    summarize,
)
from experiments.run_directory.units import range_of
from nn_core.by_hand.diagnosis import diagnose
from nn_core.evidence.claims import direction
from nn_core.evidence.statistics import MIN_SEEDS

JUDGED = ("train_loss", "validation_loss", "gap")  # columns that together tell underfitting from overfitting
# Columns that count until something happens; infinity means that it never did.
NEVER = ("updates", "gradients_needed", "underflow")
RANKED = 4  # number of settings of a problem from which on ranks are shown too
PROBLEM = ": "  # ends the problem's name in the labels of a study of several
PLAIN = (-4, 6)  # powers of ten between which a number is written in full


def verdicts(groups: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Whether each setting underfits or overfits, judged by its mean losses and by the best mean validation loss."""
    losses = {
        name: (summarize(row.get(JUDGED[0]) for row in rows).mean, summarize(row.get(JUDGED[1]) for row in rows).mean)
        for name, rows in groups.items()
    }
    finite = [validation for _, validation in losses.values() if math.isfinite(validation)]
    return {name: diagnose(*loss, min(finite, default=math.nan)).verdict for name, loss in losses.items()}


def show_summary(summary: Summary, column: str = "") -> str:
    """`mean ± half width`, rounded to the same place: two digits of the interval, at most ten of the mean.

    An interval that would leave the range of its quantity is written by its ends.

    >>> show_summary(Summary(1604326818750000.0, 942318971104637.0, 8)), show_summary(Summary(27.0, 1e-6, 8))
    ('(1.60 ± 0.94)e15', '27.0000000 ± 0.0000010')
    >>> show_summary(Summary(0.94, 0.19, 4), "test_accuracy")
    '0.94 (0.75 to 1)'
    """
    mean, half = summary.mean, summary.half_width
    if summary.number == 0:
        return "–"
    if not math.isfinite(half):
        return show_number(mean)
    if half <= 1e-9 * abs(mean):  # seeds that agree up to rounding
        return f"{show_number(mean)} ± 0"
    power = math.floor(math.log10(max(abs(mean), half)))
    below = math.floor(math.log10(half))
    low, high = interval(summary, column)
    if low > mean - half or high < mean + half:
        form = f".{max(1 - below, 0)}f" if PLAIN[0] <= power < PLAIN[1] else ".2g"
        ends = (show_number(end) if end in range_of(column) else f"{end:{form}}" for end in (low, high))
        return f"{mean:{form}} ({' to '.join(ends)})"
    if PLAIN[0] <= power < PLAIN[1]:
        digits = max(1 - below, 0)
        return f"{mean:.{digits}f} ± {half:.{digits}f}"
    digits, unit = max(power - below + 1, 0), 10.0**power
    return f"({mean / unit:.{digits}f} ± {half / unit:.{digits}f})e{power}"


def show_number(value: float) -> str:
    """A number without an interval: six significant digits, whole numbers in full, powers of ten only far from 1.

    >>> show_number(10240.0), show_number(0.1234567), show_number(1.5e-7)
    ('10240', '0.123457', '1.5e-07')
    """
    if value == 0 or PLAIN[0] <= math.floor(math.log10(abs(value))) < PLAIN[1]:
        return f"{value:.0f}" if float(value).is_integer() else f"{value:.6g}"
    return f"{value:.4g}"


def show_cell(rows: Sequence[Row], column: str) -> str:
    """The cell of a setting: the mean with its interval, and a note on missing values.

    Args:
        rows: of the setting, all seeds.
        column: name of a number in the rows; a diverged seed counts as having none.
    """
    if not any(column in row for row in rows):
        return "–"  # the setting has no such number
    sound = [row for row in rows if row.get("status") != "diverged"]
    if not sound:
        return show_summary(summarize(row.get(column) for row in rows), column) if len(rows) == 1 else "diverged"
    values = [row.get(column) for row in sound]
    summary = summarize(values)
    infinite = sum(isinstance(value, float) and value == math.inf for value in values)
    missing = len(values) - summary.number - infinite
    kinds = [(infinite, "never" if column in NEVER else "infinite"), (missing, "missing")]
    told = [f"{count} {kind}" for count, kind in kinds if count]
    if summary.number == 0:
        return told[0].split(" ", 1)[1] if len(told) == 1 else ", ".join(told)
    return show_summary(summary, column) + (f" ({', '.join(told)})" if told else "")


def ranks(groups: Mapping[str, Sequence[Row]], column: str) -> dict[str, str]:
    """Mean rank of each setting over the seeds, 1 is best. Ties share ranks; a seed without a value comes last.

    Args:
        groups: rows of each setting.
        column: the compared number, for which larger or smaller is better.
    Returns:
        {name: rank}; empty if a setting lacks a seed that another one has, because then there are no pairs; if there
        is one seed only; and if a setting has nothing in the column, because it is not one of the compared ones.
    """
    by_seed = [{row.get("seed"): row for row in rows} for rows in groups.values()]
    seeds = list(by_seed[0])
    if len(seeds) < 2 or any(all(row.get(column) is None for row in rows) for rows in groups.values()):
        return {}
    if any(list(rows) != seeds for rows in by_seed) or any(len(rows) != len(seeds) for rows in groups.values()):
        return {}
    from scipy.stats import rankdata  # imported where it is used, because that takes a while

    def worth(row: Row) -> float:
        value = row.get(column)
        known = isinstance(value, (int, float)) and math.isfinite(value) and row.get("status") != "diverged"
        return -direction(column) * value if known else math.inf  # type: ignore[operator]

    worths_JS = np.array([[worth(rows[seed]) for seed in seeds] for rows in by_seed])
    return dict(zip(groups, (f"{mean:.1f}" for mean in rankdata(worths_JS, axis=0).mean(axis=1)), strict=True))


def ranks_by_problem(groups: Mapping[str, Sequence[Row]], column: str) -> dict[str, str]:
    """`ranks` of settings of the same problem: "translation: encoder-only" competes with no "classification: …".

    Returns:
        {name: rank}, "–" for a problem with fewer than RANKED settings; empty if no problem has ranks.
    """
    by_problem: dict[str, dict[str, Sequence[Row]]] = {}
    several = all(PROBLEM in name for name in groups)
    for name, rows in groups.items():
        by_problem.setdefault(name.partition(PROBLEM)[0] if several else "", {})[name] = rows
    ranked: dict[str, str] = {}
    for members in by_problem.values():
        ranked |= ranks(members, column) if len(members) >= RANKED else {}
    return {name: ranked.get(name, "–") for name in groups} if ranked else {}


def notes(groups: Mapping[str, Sequence[Row]], edges: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
    """What a reader must know about a single row, {name: text}; the remarks below the table explain it."""
    found = {}
    for name, rows in groups.items():
        told = [f"the {edges[name]} of its grid"] if name in edges else []
        if set(JUDGED[:2]) <= set(columns):
            train, validation = (summarize(row.get(loss) for row in rows).mean for loss in JUDGED[:2])
            told += ["training above validation"] if train > validation else []
        told += ["loses text"] if any(row.get("lossless") == 0 for row in rows) else []
        found[name] = ", ".join(told)
    return found


def make_table(rows: Sequence[Row], columns: Sequence[str]) -> list[list[str]]:
    """Header and body: a line per setting with n, runs that ended early, and `mean ± half width` of each column.

    Diverged runs are counted but left out of the means, because their last numbers mean nothing.
    The columns train_loss, validation_loss and gap together add a verdict; from RANKED settings of a problem on, the
    mean rank is added. A note stands at the end of a row that needs one.
    """
    groups = shown(rows, columns)
    told = notes(groups, at_the_edge(by_setting(rows), choice(columns, rows)), columns)
    columns = [column for column in columns if any(column in row for row in rows)]
    statuses = [status for status in ("diverged", "stopped") if any(row.get("status") == status for row in rows)]
    if not statuses and any("status" in row for row in rows):
        statuses = ["diverged"]
    body = [["setting", "n", *statuses, *(column.replace("_", " ") for column in columns)]]
    for name, members in groups.items():
        counts = [str(sum(row.get("status") == status for row in members)) for status in statuses]
        body.append([name, str(len(members)), *counts, *(show_cell(members, column) for column in columns)])
    if set(JUDGED) <= set(columns):
        for line, verdict in zip(body, ["verdict", *verdicts(groups).values()], strict=True):
            line.append(verdict)
    compared = next((column for column in columns if direction(column)), None)
    if compared and (ranked := ranks_by_problem(groups, compared)):
        for line, rank in zip(body, [f"rank by {compared.replace('_', ' ')}", *ranked.values()], strict=True):
            line.append(rank)
    if any(told.values()):
        for line, note in zip(body, ["note", *told.values()], strict=True):
            line.append(note)
    return body


def remarks(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """Remarks for the reader: how settings were chosen, choices at the edge of their grid, few seeds."""
    groups, by = by_setting(rows), choice(columns, rows)
    left = chosen(groups, by)
    told = []
    if len(left) < len(groups):
        told.append(
            f"Of settings that differ after the bar, the one with the best mean {by.replace('_', ' ')} is shown."
        )
    for name, end in at_the_edge(groups, by).items():
        told.append(f"{name} is the best of its grid and the {end} of it: a better one may lie beyond; widen the grid.")
    if set(JUDGED[:2]) <= set(columns):
        means = {
            name: [summarize(row.get(loss) for row in own).mean for loss in JUDGED[:2]] for name, own in left.items()
        }
        above = [name for name, (train, validation) in means.items() if train > validation]
        if above:
            told.append(
                f"The train loss is above the validation loss in {len(above)} of {len(left)} settings: wrong labels, dropout "
                "and augmentation are in the training split only."
            )
    if any(row.get("lossless") == 0 for row in rows):
        told.append(
            'A tokenizer that "loses text" forgets white space or rare words: it predicts less, so its bits per character '
            "are too low beside the others'."
        )
    few = {len(members) for members in left.values()} - {1}
    if few and min(few) < MIN_SEEDS:
        told.append(f"An interval of {min(few)} seeds says little; take 8 or more (--config.num_seeds=8).")
    return told


def report(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """The table as text that fits the terminal, with its remarks."""
    table = layout.render(make_table(rows, columns), layout.columns())
    return "\n".join([table, *remarks(rows, columns), *best_settings(rows, columns)])


def as_markdown(name: str, rows: Sequence[Row], columns: Sequence[str]) -> str:
    """The table and the remarks as a page of Markdown."""
    told = [*remarks(rows, columns), *(line.strip() for line in best_settings(rows, columns))]
    lines = [f"- {line}" for line in told]
    return "\n".join(
        [f"# {name}", "", layout.markdown(make_table(rows, columns)), *([""] if lines else []), *lines, ""]
    )
