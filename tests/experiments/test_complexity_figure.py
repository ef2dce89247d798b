"""The model-complexity graph: its stars stand where the mean validation loss is lowest (F045)."""

from pathlib import Path

import numpy as np
import pytest

from experiments.figures import FIGURES
from experiments.run_directory.results import Results

WIDTHS, STEPS = (1, 4, 256), (0, 10, 20, 30)
ENDS = {1: (0.5, 0.6), 4: (0.3, 0.4), 256: (0.001, 0.9)}  # train, validation
# Two seeds of 256 units over time: the mean is lowest at 20, where neither seed is.
CURVES = np.array([[0.7, 0.2, 0.31, 0.9], [0.7, 0.5, 0.31, 0.3]])


@pytest.fixture
def run() -> Results:
    rows, metrics = [], []
    for width in WIDTHS:
        for seed in (0, 1):
            member = len(rows)
            train, validation = ENDS[width]
            rows.append({"member": member, "label": f"{width} units", "seed": seed, "status": "finished"})
            rows[-1] |= {"overrides": {"model.hidden_sizes": [width], "seed": seed}, "steps": STEPS[-1]}
            rows[-1] |= {"train_loss": train, "validation_loss": validation + (seed - 0.5) * 0.01}
            curve = CURVES[seed] if width == WIDTHS[-1] else np.full(len(STEPS), 0.01)
            metrics += [
                {"member": member, "step": step, "train_loss": 0.1, "validation_loss": float(value)}
                for step, value in zip(STEPS, curve, strict=True)
            ]
    for seed, step in ((0, 10), (1, 30)):
        chosen = {"label": "early stopping: patience 1", "status": "stopped", "best_step": step, "steps": step + 10}
        rows.append({"member": len(rows), "seed": seed, "overrides": {}, "validation_loss": 0.25} | chosen)
    config = {"train": {"eval_every": 10, "steps": STEPS[-1]}, "task": {"name": "classification"}, "table": ()}
    return Results(Path("nowhere"), config, rows, metrics, {})


def test_stars_mark_the_lowest_mean_validation_loss_over_time_and_over_width(run):
    over_time, over_width = FIGURES["complexity"](run).axes[:2]
    stars = [next(line for line in axes.lines if line.get_marker() == "*") for axes in (over_time, over_width)]
    assert [(star.get_xdata()[0], pytest.approx(star.get_ydata()[0])) for star in stars] == [(20, 0.31), (4, 0.4)]
    assert over_time.get_ylabel() == "loss (nats)" and over_time.get_xlabel().startswith("epoch")


def test_both_curves_are_drawn_and_what_early_stopping_went_back_to(run):
    over_time, over_width = FIGURES["complexity"](run).axes[:2]
    curves = [line.get_ydata() for line in over_time.lines if len(line.get_xdata()) == len(STEPS)]
    for mean in (np.full(len(STEPS), 0.1), CURVES.mean(axis=0)):
        assert any(np.allclose(curve, mean) for curve in curves)
    (ticks,) = (line for line in over_time.lines if line.get_marker() == "|")
    assert list(ticks.get_xdata()) == [10, 30]
    ends = [line for line in over_width.lines if len(line.get_xdata()) == len(WIDTHS) and line.get_marker() == "o"]
    np.testing.assert_allclose([line.get_ydata() for line in ends], np.array([ENDS[width] for width in WIDTHS]).T)
