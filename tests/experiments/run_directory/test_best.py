"""What a search tells at its end: its best settings, ends of the grid, a table that fits, a page, and a picture."""

import math
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from configs.grid import choice, log_uniform, product, random, uniform, zipped
from experiments.figures.parallel_coordinates import LOWEST, parallel_coordinates, positions
from experiments.run_directory import layout
from experiments.run_directory.best import axes, best_settings
from experiments.run_directory.results import Results
from experiments.run_directory.table import as_markdown, report

COLUMNS = ("test_loss",)


def rows_of(sweep, loss):
    rows = []
    for number, overrides in enumerate(sweep):
        value = loss(overrides)
        rows.append({"member": number, "label": "", "seed": overrides["seed"], "status": "finished"})
        rows[-1] |= {"overrides": overrides, "validation_loss": value, "test_loss": value + 1}
    return rows


@pytest.fixture
def search():
    draws = {
        "hparams.l2": log_uniform(1e-4, 1.0),
        "hparams.dropout_rate": uniform(0, 0.5),
        "model.activation": choice(("relu", "tanh", "gelu")),
    }
    sweep = product(random(12, 0, draws), zipped({"seed": (0, 1)}))
    return rows_of(sweep, lambda o: abs(math.log10(o["hparams.l2"])) + 0.01 * o["seed"])


def test_the_best_settings_are_listed_with_their_interval_and_the_end_they_stand_at(search):
    lines = best_settings(search, COLUMNS)
    assert lines[0] == "best of 12 settings by validation loss (mean, 95 % interval):"
    best = min(search, key=lambda row: row["validation_loss"])["overrides"]
    assert lines[1].startswith(f"  1. l2={best['hparams.l2']:.4g}, dropout_rate=") and "± " in lines[1]
    assert len([line for line in lines if line[2].isdigit()]) == 5
    assert len(lines) == 6
    assert "\n".join(lines) in report(search, COLUMNS)
    page = as_markdown("tiny", search, COLUMNS)
    assert page.startswith("# tiny\n\n| setting | n |") and "is the best of its grid and the largest l2 of it" in page


def test_a_diverged_setting_is_never_the_best_and_a_comparison_has_no_list(search):
    best = min(search, key=lambda row: row["validation_loss"])
    gone = [row | {"status": "diverged"} if row["overrides"] == best["overrides"] else row for row in search]
    assert best_settings(gone, COLUMNS)[1] != best_settings(search, COLUMNS)[1]
    assert best_settings(search[:8], COLUMNS) == []
    named = [row | {"label": f"L2: {row['overrides']['hparams.l2']}"} for row in search]
    assert best_settings(named, COLUMNS) == []


def test_axes_are_what_a_sweep_varies(search):
    assert list(axes(search)) == ["hparams.l2", "hparams.dropout_rate", "model.activation"]
    assert axes(search[:2]) == {}
    assert positions((0.001, 0.1, 10.0)) == {"0.001": 0.0, "0.1": pytest.approx(0.5), "10.0": 1.0}
    assert positions((0, 1, 4)) == {"0": 0.0, "1": 0.25, "4": 1.0}
    assert positions(("a", "b")) == {"'a'": 0.0, "'b'": 1.0}


def test_the_picture_has_a_line_for_each_setting_and_the_best_on_top(search):
    figure = parallel_coordinates(Results(Path(), {"table": COLUMNS}, search, [], {}))
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 4]
    assert len(lines) == 12
    thick = [line for line in lines if line.get_linewidth() > 2]
    assert len(thick) == 1 and thick[0].get_ydata()[-1] == 1.0
    plt.close(figure)


def test_settings_that_leave_an_axis_alone_have_whole_lines():
    """Lines of alternatives (an L1 penalty or an L2 penalty) had gaps and were not to be seen."""
    alternatives = [{}, *({"hparams.l1": v} for v in (0.1, 0.2)), *({"hparams.l2": v} for v in (0.1, 0.3))]
    sweep = [own | {"seed": seed} for own in alternatives for seed in (0, 1)]
    rows = rows_of(sweep, lambda o: 1.0 - o.get("hparams.l1", 0) + o.get("hparams.l2", 0))
    figure = parallel_coordinates(Results(Path(), {"table": COLUMNS}, rows, [], {}))
    heights = sorted(tuple(line.get_ydata()) for line in figure.axes[0].lines if len(line.get_xdata()) == 3)
    assert [pair[:2] for pair in heights] == [(0.0, 0.0), (0.0, LOWEST), (0.0, 1.0), (LOWEST, 0.0), (1.0, 0.0)]
    assert [text.get_text() for text in figure.axes[0].texts].count("not set") == 2
    plt.close(figure)


def test_a_table_folds_where_the_terminal_is_narrow(search, monkeypatch):
    table = [["setting", "n", "test accuracy", "test loss"], ["none", "8", "0.696 ± 0.024", "1.05 ± 0.10"]]
    assert layout.render(table).count("\n") == 2
    folded = layout.render(table, 36)
    assert folded.splitlines() == ["none", "  n 8, test accuracy 0.696 ± 0.024", "  test loss 1.05 ± 0.10"]
    monkeypatch.delenv("COLUMNS", raising=False)
    assert layout.columns() == layout.ENDLESS  # no terminal looks
    monkeypatch.setenv("COLUMNS", "30")
    assert "─" not in report(search, COLUMNS) and "\n  n 2" in report(search, COLUMNS)
