"""A series with its forecasts: one step ahead, and far ahead with a band (F116)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, label, legend, look, nothing, spread, subplots
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import score, short, shown, summarize

SHOWN = 100  # steps of the upper panel
NAIVE = {"last_value_rmse": "last value", "season_rmse": "a season ago", "linear_rmse": "linear, least squares"}


def forecast(run: Results) -> Figure:
    """Top: the best setting's forecasts one step ahead. Middle: its far forecast. Right: errors."""
    groups = shown([row for row in run.rows if "forecast" in row], run.config["table"])
    if not groups:
        return nothing("this run holds no forecast")
    best = min(groups, key=lambda name: score(groups[name]))
    row = groups[best][0]
    figure, grid = subplots(2, 2, width=6.0, height=3.0, width_ratios=(1.8, 1))
    one_step(grid[0][0], row, f"one step ahead: {short(best)}, seed {row['seed']}")
    far(grid[1][0], row, "far ahead: it reads its own forecasts")
    errors(grid[0][1], groups)
    horizons(grid[1][1], groups, run.config["task"]["horizon"])
    legend(figure, grid[1][0])
    return figure


def one_step(axes: Axes, row: Row, title: str) -> None:
    """Forecast and truth over the first test steps."""
    made_N, truth_N = np.asarray(row["forecast"]).T[:, :SHOWN]
    axes.plot(truth_N, "o", color=GREY, markersize=2.5, label="truth")
    axes.plot(made_N, **look(0))
    label(axes, "step of the test part", "value", title)


def far(axes: Axes, row: Row, title: str) -> None:
    """The median path, the band of 90 % of the paths, and the truth."""
    low_H, median_H, high_H, truth_H = np.asarray(row["horizon"]).T
    steps = np.arange(1, len(truth_H) + 1)
    axes.plot(steps, truth_H, "o", color=GREY, markersize=2.5, label="truth")
    axes.plot(steps, median_H, label="forecast", **look(0))
    axes.fill_between(steps, low_H, high_H, color=COLOURS[0], alpha=0.18, linewidth=0, label="90 % of paths")
    label(axes, "steps ahead", "value", title)


def errors(axes: Axes, groups: dict[str, list[Row]]) -> None:
    """Root mean square errors one step ahead, the naive ones grey."""
    rows = next(iter(groups.values()))
    bars = [(name, [row[column] for row in rows], GREY) for column, name in NAIVE.items()]
    bars += [(short(name), [row["rmse"] for row in rows], COLOURS[0]) for name, rows in groups.items()]
    draw_bars(axes, bars, "RMSE one step ahead")


def horizons(axes: Axes, groups: dict[str, list[Row]], horizon: int) -> None:
    """The same for the far forecast."""
    rows = next(iter(groups.values()))
    bars = [("last season again", [row["horizon_season_rmse"] for row in rows], GREY)]
    bars += [(short(name), [row["horizon_rmse"] for row in rows], COLOURS[0]) for name, rows in groups.items()]
    draw_bars(axes, bars, f"RMSE over {horizon} steps ahead")


def draw_bars(axes: Axes, bars: list[tuple[str, list[float], str]], name: str) -> None:
    """A bar for each: mean over the seeds and its 95 % interval."""
    for place, (_, values, colour) in enumerate(bars):
        summary = summarize(values)
        axes.barh(place, summary.mean, xerr=spread([summary], "rmse"), color=colour, alpha=0.8, capsize=3)
    axes.set_yticks(range(len(bars)), [name for name, _, _ in bars], fontsize="small")
    axes.invert_yaxis()
    label(axes, name, "")
