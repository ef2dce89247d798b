"""python -m experiments.compare DIR DIR… [--metric=validation_loss] [--out=FILE.png]

Sets runs side by side: how their configs differ, their results in one table, and their curves in one picture, each the
mean of a run's members (or of its best setting) with its 95 % band.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.command_line.arguments import CHECKPOINTS
from experiments.command_line.config_paths import flatten
from experiments.command_line.errors import tell
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command
from nn_core.files import user_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.run_directory.results import Results

OPTIONS = {
    "metric": Option(str, "column of metrics.jsonl that is drawn (default: validation_loss, or what all runs have)"),
    "out": Option(str, "the picture to write, PNG (default: checkpoints/compare.png)"),
}
EXAMPLES = (
    "python -m experiments.compare checkpoints/digits /tmp/try",
    "python -m experiments.compare checkpoints/gpt_quick /tmp/longer --metric=batch_loss --out=longer.png",
)
UNTOLD = ("table", "figures", "checkpoint")  # keys of a config whose difference tells nothing about the results
ABSENT = "–"


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake by the caller, told in one line."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, OPTIONS, positional=True)
        if options["help"]:
            command = "python -m experiments.compare DIR DIR… [--name=value …]"
            print(usage(command, (__doc__ or "").partition("\n\n")[2], OPTIONS, EXAMPLES))
            return 0
        runs = read_all(options["positional"])
        path = picture_path(options["out"])
        print("\n".join(compare(runs, options["metric"], path)))
    except (ValueError, OSError) as error:
        return tell(error, 2)
    return 0


def read_all(words: Sequence[str]) -> dict[str, "Results"]:
    """{name: run} of the run directories, named by the part of their paths in which they differ.

    Raises:
        ValueError: fewer than two, the same one twice, or no run directory.
    """
    from experiments.run_directory import results
    from experiments.run_directory.stored_run import read_run

    directories = [user_path(word).resolve() for word in words]
    if len(directories) < 2:
        raise ValueError(f"{'one' if directories else 'no'} run directory is named; name two or more")
    if len(set(directories)) < len(directories):
        raise ValueError("a run directory is named twice; name each once")
    for directory in directories:
        read_run(directory)
    short = [directory.name for directory in directories]
    names = short if len(set(short)) == len(short) else [str(directory) for directory in directories]
    return {name: results.read(directory) for name, directory in zip(names, directories, strict=True)}


def picture_path(chosen: str | None) -> Path:
    """Where the picture goes.

    Raises:
        ValueError: another kind of file, or a folder that is not there.
    """
    path = CHECKPOINTS / "compare.png" if chosen is None else user_path(chosen).resolve()
    if path.suffix != ".png":
        raise ValueError(f"--out={chosen} must end in .png")
    if chosen is None:
        path.parent.mkdir(exist_ok=True)
    if not path.parent.is_dir():
        raise ValueError(f"--out={chosen}: there is no folder {path.parent}; make it first")
    return path


def compare(runs: dict[str, "Results"], metric: str | None, path: Path) -> list[str]:
    """The lines to print; the picture is written.

    Raises:
        ValueError: a metric that no run has.
    """
    from experiments.run_directory import layout

    width = layout.columns()
    lines = ["configs:", layout.render(differences(runs), width) if len(differences(runs)) > 1 else "  no key differs"]
    lines += ["", "results:", layout.render(results_table(runs), width)]
    name = choose_metric(runs, metric)
    if name is None:
        return [*lines, "", "no curves are drawn: no metric is in the log of every run"]
    picture(runs, name).savefig(path, dpi=150)
    return [*lines, "", f"figure: {path}"]


def differences(runs: dict[str, "Results"]) -> list[list[str]]:
    """A line for each key in which the configs differ, with the value of each run."""
    from experiments.run_directory.files import show

    flat = {name: flatten(run.config) for name, run in runs.items()}
    keys = dict.fromkeys(key for config in flat.values() for key in config)
    table = [["key", *runs]]
    for key in keys:
        values = [show(config[key]) if key in config else ABSENT for config in flat.values()]
        if len(set(values)) > 1 and key.split(".")[0] not in UNTOLD:
            table.append([key, *values])
    return table


def results_table(runs: dict[str, "Results"]) -> list[list[str]]:
    """The tables of all runs below each other, each setting with its run's name before it."""
    from experiments.run_directory.table import make_table

    columns = list(dict.fromkeys(column for run in runs.values() for column in run.config.get("table", ())))
    tables = {name: make_table(run.rows, columns) for name, run in runs.items() if run.rows}
    header = list(dict.fromkeys(column for table in tables.values() for column in table[0]))
    body = []
    for name, table in tables.items():
        for line in table[1:]:
            cells = dict(zip(table[0], line, strict=True))
            setting = name if len(table) == 2 else f"{name}: {cells['setting']}"
            body.append([setting, *(cells.get(column, ABSENT) for column in header[1:])])
    missing = [[name, *[ABSENT] * (len(header) - 1)] for name, run in runs.items() if not run.rows]
    return [header or ["setting"], *body, *missing]


def choose_metric(runs: dict[str, "Results"], asked: str | None) -> str | None:
    """What is drawn: what is asked for, or the validation loss, or the first metric that all runs have.

    Raises:
        ValueError: no run has the metric that is asked for.
    """
    from experiments.command_line.choices import nearest

    there = [{name for row in run.metrics for name in row} - {"member", "step"} for run in runs.values()]
    every, some = set.intersection(*there), sorted(set.union(*there))
    if asked is not None and asked not in some:
        raise ValueError(f"--metric={asked} is in no log{nearest(asked, some) or ';'} there are: {', '.join(some)}")
    if asked is not None or "validation_loss" in every:
        return asked or "validation_loss"
    return min(every, default=None)


def picture(runs: dict[str, "Results"], metric: str) -> "Figure":
    """The curves of all runs in one picture."""
    from experiments.figures.learning_curves import series
    from experiments.figures.style import band, label, legend, log_scale, subplots
    from experiments.run_directory.settings import by_setting, choice, score

    figure, grid = subplots(1, 1, width=6.5, height=4.2)
    for index, (name, run) in enumerate(runs.items()):
        groups = by_setting(run.rows)
        if not groups:  # it goes on: the log alone is there
            members = {row["member"] for row in run.metrics}
        else:
            by = choice(run.config.get("table", ()), run.rows)
            best = min(groups, key=lambda setting: score(groups[setting], by))
            members = {row["member"] for row in groups[best]}
            name = name if len(groups) == 1 else f"{name}: {best}"
        steps, values_SN = series(run, metric, members)
        if len(steps):
            band(grid[0][0], steps, values_SN, name, index, column=metric)
    label(grid[0][0], "update", metric.replace("_", " "))
    log_scale(grid[0][0])
    legend(figure, grid[0][0])
    return figure


if __name__ == "__main__":
    run_command(main)
