"""The figure of a claim: for each part, both sides seed by seed, and their difference with its 95 % interval."""

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, subplots
from experiments.report.findings import ended, range_of_difference, range_of_side
from experiments.report.records import Finding
from nn_core.evidence.claims import Evidence
from nn_core.evidence.statistics import Estimate, estimate

WIDTH, HEIGHTS = 4.2, (1.6, 1.0)  # inches: the width of a phone, the two panels of a part
MAX_NAME, MAX_LINE = 52, 56  # characters of a setting's name, of a line below an axis


def claim_figure(finding: Finding) -> Figure:
    """Two panels, one above the other, for each measured part: the values, and A - B."""
    measured = [one for one in finding.evidence if one.comparison is not None]
    rows = 2 * len(measured)
    figure, axes = subplots(rows, width=WIDTH, height=sum(HEIGHTS) / 2, height_ratios=HEIGHTS * len(measured))
    for upper, lower, evidence in zip(axes[::2, 0], axes[1::2, 0], measured, strict=True):
        draw_sides(upper, evidence)
        draw_difference(lower, evidence)
    return figure


def draw_sides(axes: Axes, evidence: Evidence) -> None:
    """A above B, a line for each seed."""
    a_N, b_N = np.array(evidence.a), np.array(evidence.b)
    axes.plot(np.stack([a_N, b_N]), np.array([[1.0], [0.0]]) * np.ones_like(a_N), color=GREY, alpha=0.3, linewidth=0.8)
    part = evidence.part
    for place, values_N, colour, whose in ((1, a_N, COLOURS[1], part.a), (0, b_N, COLOURS[0], part.b)):
        axes.plot(
            values_N, np.full_like(values_N, place), "o", color=colour, markersize=3.5, alpha=0.5, linestyle="none"
        )
        bar(axes, estimate(values_N), place, colour, range_of_side(whose))
    for place, side in ((0, "b"), (1, "a")):
        axes.text(0, place + 0.25, name(evidence, side), transform=axes.get_yaxis_transform(), fontsize="small")
    axes.set_yticks(())
    axes.set_ylim(-0.4, 1.8)
    style(axes, evidence.part.says)


def draw_difference(axes: Axes, evidence: Evidence) -> None:
    """A - B of each seed, its mean, and 0."""
    assert evidence.comparison is not None
    difference_N = np.array(evidence.a) - np.array(evidence.b)
    axes.axvline(0, color=COLOURS[6], linewidth=1)
    axes.plot(difference_N, np.full_like(difference_N, -0.35), "o", color=GREY, markersize=3.5, alpha=0.5)
    bar(axes, evidence.comparison.difference, 0, COLOURS[2], range_of_difference(evidence.part))
    if evidence.part.smallest_effect:
        axes.axvline(evidence.part.smallest_effect, color=COLOURS[3], linewidth=1, linestyle="--")
    axes.set_yticks(())
    axes.set_ylim(-0.9, 0.7)
    style(axes, "A − B (claimed: above 0)" if evidence.part.tolerance is None else "A − B (claimed: about 0)")


def bar(axes: Axes, measured: Estimate, place: float, colour: str, ends: tuple[float, float]) -> None:
    """A mean with its interval by Student's t, within the range of the quantity."""
    low, high = ended(measured, ends)
    axes.errorbar(
        measured.mean,
        place,
        xerr=np.nan_to_num([[measured.mean - low], [high - measured.mean]]),
        fmt="D",
        color=colour,
        markersize=6,
        capsize=4,
        markeredgecolor="white",
        linewidth=2,
        zorder=5,
    )


def name(evidence: Evidence, side: str) -> str:
    """The label of a side: the setting's name, with the metric if the sides differ only in that."""
    part = evidence.part
    if side == "b" and not evidence.b_name:
        return f"B: {part.b:g}"
    setting = evidence.a_name if side == "a" else evidence.b_name
    if evidence.a_name == evidence.b_name:
        chosen = part.a if side == "a" else part.b
        setting = getattr(chosen, "metric", "").replace("_", " ")
    short = setting if len(setting) <= MAX_NAME else setting[: MAX_NAME - 1] + "…"
    return f"{side.upper()}: {short}"


def style(axes: Axes, x: str) -> None:
    """Name and grid of a panel."""
    axes.set_xlabel(textwrap.fill(x, MAX_LINE), fontsize="small")
    axes.tick_params(axis="x", labelsize="small")
    axes.grid(alpha=0.25, axis="x")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=5)
