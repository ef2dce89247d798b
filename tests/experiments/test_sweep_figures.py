"""Figures of every sweep and of studies with many settings, drawn from made-up results: no text over text, no fault."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from configs import generation as generation_config
from configs import regularization as regularization_config
from configs import transfer as transfer_config
from experiments.command_line.arguments import CONFIGS, HELPERS
from experiments.figures import FIGURES, make
from experiments.figures.comparison import comparison
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import at_the_edge, by_setting, choice
from experiments.studies import generation, transfer
from tests.experiments.boxes import faults, texts
from tests.experiments.made_up import made_up, number

QUICK = ("rnn_memory", "halving", "scaling")  # paths, many settings, fits; the others are as cheap, but they are many
SWEEPS = sorted(
    path.stem
    for path in CONFIGS.glob("*.py")
    if path.stem not in HELPERS and "def get_sweep" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SWEEPS]
)
def test_the_figures_of_a_sweep_have_no_fault(name):
    module = importlib.import_module(f"configs.{name}")
    config = module.get_config()
    run = made_up(config, module.get_sweep(config))
    figures = {figure: make(figure, run) for figure in config.figures}
    assert not [f"{figure}: {fault}" for figure, picture in figures.items() for fault in faults(picture)]
    edges = at_the_edge(by_setting(run.rows), choice(config.table, run.rows))
    for picture in figures.values():
        marked = any("edge of its grid" in text.get_text() for text in texts(picture))
        assert marked == bool(edges and picture.axes)  # without axes: it says that this run has nothing to draw


def test_a_comparison_shows_the_best_strength_of_each_family_and_says_of_how_many():
    config = regularization_config.get_config()
    run = made_up(config, regularization_config.get_sweep(config))
    figure = comparison(run)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    best = min(
        (row for row in run.rows if row["label"].startswith("L2")),
        key=lambda row: sum(r["validation_loss"] for r in run.rows if r["label"] == row["label"]),
    )
    assert len(names) == 6 and f"{best['label']} (best of 6)" in names and names[:2] == ["none", "early stopping"]
    assert figure.get_figheight() < 8


def rows_of(labels: Any, columns: tuple[str, ...]) -> list[Row]:
    """Rows of a study, eight seeds of every setting."""
    return [
        {"label": label, "seed": seed, "overrides": {}} | {column: number(column, label, seed) for column in columns}
        for label in labels
        for seed in range(8)
    ]


@pytest.mark.parametrize(
    ("config", "labels", "figure"),
    [
        (transfer_config.get_config(), transfer.labels, "quadrants"),
        (generation_config.get_config(), generation.strategies, "generation"),
    ],
)
def test_the_figures_of_studies_with_many_settings_have_no_fault(config, labels, figure):
    columns = ("test_accuracy", "validation_accuracy", "log_probability", "distinct_2", "repetition")
    run = Results(Path(), config.to_dict(), rows_of(labels(config.task), columns), [], {})
    assert not faults(FIGURES[figure](run))
