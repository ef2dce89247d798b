"""Bands: the interval as it is, at both sides; few seeds have none; a logarithmic axis says where one is cut."""

import numpy as np

from experiments import figures
from experiments.figures.style import BAND, band, label, log_scale, subplots

SEEDS = np.array([[0.80, 0.80], [0.82, 0.82], [0.84, 0.84], [0.90, 0.90]])


def drawn(values_SN: np.ndarray, logarithmic: bool = False):
    """Axes with one band, and the lower and upper edges of it."""
    _, grid = subplots()
    axes = grid[0, 0]
    label(axes, "step", "loss")
    band(axes, [1, 2], values_SN, "a", 0)
    if logarithmic:
        log_scale(axes)
    paths = [path for child in axes.collections if child.get_gid() == BAND for path in child.get_paths()]
    return axes, [(path.vertices[:, 1].min(), path.vertices[:, 1].max()) for path in paths]


def test_a_band_is_the_interval_on_both_sides():
    _, [(low, high)] = drawn(SEEDS)
    np.testing.assert_allclose((low, high), (0.7715, 0.9085), atol=5e-4)  # t(3) = 3.18, deviation 0.043


def test_two_seeds_have_no_band_and_the_legend_says_so():
    axes, bands = drawn(SEEDS[:2])
    assert not bands and len(axes.lines) == 3
    assert axes.get_legend_handles_labels()[1] == ["a (2 seeds, no interval)"]


def test_a_band_that_reaches_zero_goes_to_the_edge_of_a_logarithmic_axis_which_says_so():
    wide = np.array([[0.01, 1.0], [0.02, 2.0], [3.0, 3.0]])
    axes, [(low, _)] = drawn(wide, logarithmic=True)
    bottom, top = axes.get_ylim()
    assert low < 0 < bottom and bottom > 0.3 * wide.mean(axis=0).min() and top > wide.max()
    assert "goes on below" in axes.get_ylabel()
    axes, [(low, _)] = drawn(SEEDS, logarithmic=True)
    assert axes.get_ylim()[0] <= low and "below" not in axes.get_ylabel()


def test_a_figure_that_cannot_be_drawn_is_a_warning_that_names_it(tmp_path, monkeypatch, capsys):
    def broken(run):
        return {}["label"]

    monkeypatch.setattr(figures, "FIGURES", {"broken": broken, "fine": lambda run: subplots()[0]})
    assert figures.draw(tmp_path, ("broken", "fine")) == [tmp_path / "figures" / "fine.png"]
    warning = capsys.readouterr().err
    assert warning == f"warning: figure broken of {tmp_path} cannot be drawn (KeyError: 'label')\n"
