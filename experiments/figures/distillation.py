"""Knowledge distillation: test accuracy and loss against the temperature, a line for each share of soft targets (F147)."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import GREY, label, legend, log_scale, look, quantity, spread, subplots
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import by_setting, interval, summarize

COLUMNS = ("test_accuracy", "test_loss")
ALONE, TEACHER = "student alone", "teacher"  # settings without a temperature: bands across the panel


def distillation(run: Results) -> Figure:
    """Means with their 95 % intervals over the seeds; the student alone and the teacher are bands."""
    task, groups = run.config["task"], by_setting(run.rows)
    figure, axes = subplots(1, len(COLUMNS), width=4.4, height=3.6)
    for axis, column in zip(axes[0], COLUMNS, strict=True):
        for name, colour, style in ((TEACHER, "black", ":"), (ALONE, GREY, "--")):
            across(axis, name, column, groups[name], colour, style)
        for index, alpha in enumerate(task["alphas"]):
            names = [f"taught: T {temperature:g}, α {alpha:g}" for temperature in task["temperatures"]]
            found = [summarize(row[column] for row in groups[name]) for name in names]
            # Side by side, so that intervals do not hide each other.
            x = [temperature * 1.04 ** (index - (len(task["alphas"]) - 1) / 2) for temperature in task["temperatures"]]
            means, ends = [one.mean for one in found], spread(found, column)
            axis.errorbar(x, means, yerr=ends, capsize=3, marker="o", label=f"taught, α = {alpha:g}", **look(index))
        label(axis, "temperature T", quantity(column, run.config))
        log_scale(axis, "x")
        axis.set_xticks(task["temperatures"])
        axis.set_xticks([], minor=True)
    legend(figure, axes[0][-1])
    return figure


def across(axes: Axes, name: str, column: str, rows: list[Row], colour: str, style: str) -> None:
    """A mean and its interval over the whole width."""
    one = summarize(row[column] for row in rows)
    axes.axhline(one.mean, color=colour, linestyle=style, label=name)
    if one.number > 1:
        axes.axhspan(*interval(one, column), color=colour, alpha=0.12, linewidth=0)
