"""Bands: the interval as it is, at both sides; few seeds have none; a logarithmic axis says where one is cut."""

from pathlib import Path

import numpy as np

from experiments import figures
from experiments.figures.comparison import comparison
from experiments.figures.labels import name_points
from experiments.figures.style import BAND, band, label, log_scale, outer, panels, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import summarize
from tests.experiments.boxes import beyond, overlaps, small

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


def test_a_band_of_shares_ends_where_shares_end_and_one_that_does_not_is_found():
    wide = np.array([[0.5, 0.98], [0.9, 1.0], [1.0, 0.9], [0.97, 0.9]])
    for column, faults in (("test_accuracy", 0), ("", 1)):
        figure, grid = subplots()
        label(grid[0, 0], "step", "accuracy (share right)")
        band(grid[0, 0], [1, 2], wide, "a", 0, column=column)
        assert len(beyond(figure)) == faults
    found = [summarize(values_S) for values_S in wide.T]
    ends = spread(found, "test_accuracy")
    assert ends[1, 0] == 1 - found[0].mean and ends[0, 0] == found[0].half_width
    np.testing.assert_allclose(spread(found, "gap")[1], [one.half_width for one in found])


def test_two_seeds_have_no_band_and_the_legend_says_so():
    axes, bands = drawn(SEEDS[:2])
    assert not bands and len(axes.lines) == 3
    assert axes.get_legend_handles_labels()[1] == ["a (2 seeds, no interval)"]


def test_a_band_that_reaches_zero_goes_to_the_edge_of_a_logarithmic_axis_which_says_so():
    wide = np.array([[0.01, 1.0], [0.02, 2.0], [3.0, 3.0]])
    axes, [(low, _)] = drawn(wide, logarithmic=True)
    bottom, top = axes.get_ylim()
    assert low < 0 < bottom and bottom > 0.3 * wide.mean(axis=0).min() and top > wide.max()
    assert "go on below" in axes.get_ylabel()
    axes, [(low, _)] = drawn(SEEDS, logarithmic=True)
    assert axes.get_ylim()[0] <= low and "below" not in axes.get_ylabel()


def test_a_figure_that_cannot_be_drawn_is_a_warning_that_names_it(tmp_path, monkeypatch, capsys):
    def broken(run):
        return {}["label"]

    monkeypatch.setattr(figures, "FIGURES", {"broken": broken, "fine": lambda run: subplots()[0]})
    assert figures.draw(tmp_path, ("broken", "fine")) == [tmp_path / "figures" / "fine.png"]
    warning = capsys.readouterr().err
    assert warning == f"warning: figure broken of {tmp_path} cannot be drawn (KeyError: 'label')\n"


def test_an_axis_is_scaled_by_what_is_drawn():
    """Not by strengths that were worse: numbers of 0.86 to 0.94 on a logarithmic axis lie over each other."""
    accuracies = {"a | rate 0.1": (0.86, 0.94), "a | rate 1": (0.02, 0.02), "b | rate 0.1": (0.9, 0.88)}
    rows = [
        {"member": seed, "label": name, "overrides": {"label": name}, "test_accuracy": value, "validation_loss": -value}
        for name, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    run = Results(Path(), {"table": ("test_accuracy",)}, rows, [], {})
    figure = comparison(run)
    assert [axes.get_xscale() for axes in figure.axes] == ["linear"] and not overlaps(figure)


def test_text_over_text_is_found():
    figure, grid = subplots()
    label(grid[0, 0], "step", "loss")
    assert not overlaps(figure)
    for text in ("one", "another"):
        grid[0, 0].text(0.5, 0.5, text)
    grid[0, 0].text(1.2, 0.5, "outside").set_in_layout(False)
    found = overlaps(figure)
    assert len(found) == 2 and "over" in found[0] and found[1] == "'outside' leaves the figure"


def test_no_figure_is_so_wide_that_its_texts_are_small_at_half_width():
    figure, grid = subplots(1, 7, width=4.0)
    label(grid[0, 0], "step", "loss")
    grid[0, 0].legend([], [], title="small", title_fontsize="small")
    assert not small(figure)
    figure.set_figwidth(28.0)
    assert "'step' has 3.2 pixels" in small(figure)


def test_panels_have_numbers_wherever_none_stands_below():
    figure, axes = panels(5, columns=3, sharex=True, sharey=True)
    figure.draw_without_rendering()
    numbered = [any(label.get_visible() for label in axis.get_xticklabels()) for axis in axes]
    assert numbered == [False, False, True, True, True]
    for axis in axes:
        label(axis, "step", "loss")
    outer(axes)
    assert [bool(axis.get_xlabel()) for axis in axes] == numbered
    assert [bool(axis.get_ylabel()) for axis in axes] == [True, False, False, True, False]
    figure, axes = panels(4, columns=3)
    assert axes[1].get_subplotspec().colspan.stop == 2


def test_turned_texts_are_taken_as_they_lie():
    """The upright boxes of two parallel slanted lines of text overlap, the texts do not."""
    figure, grid = subplots()
    first = grid[0, 0].text(0.5, 0.5, "a long text that is turned", rotation=30)
    second = grid[0, 0].text(0.5, 0.65, "another one, parallel to it", rotation=30)
    assert not overlaps(figure)
    second.set_rotation(-10)
    assert overlaps(figure) == [f"{first.get_text()!r} over {second.get_text()!r}"]


def test_names_stand_beside_their_points_and_over_no_other():
    figure, grid = subplots()
    axes = grid[0, 0]
    points = np.array([(0, 0), (1, 1), (0.5, 0.5), (0.51, 0.5), (0.5, 0.51), (0.505, 0.505)])
    axes.plot(*points.T, "o")
    axes.margins(0.3)
    left_out = name_points(axes, points, [f"name {i}" for i in range(6)], ["black"] * 6, leaders=True)
    assert not left_out and len(axes.texts) == 6 and not overlaps(figure)
    crowd = np.zeros((40, 2)) + 0.5
    assert len(name_points(axes, crowd, [f"again {i}" for i in range(40)], ["black"] * 40)) > 30
    assert not overlaps(figure)
