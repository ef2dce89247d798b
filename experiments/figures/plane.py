"""Shared parts of figures with two features: points by class, straight boundaries."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from experiments.figures.style import COLOURS, MARKERS

# Probability of class 1, in the colours of the points, lighter than they are.
REGIONS = LinearSegmentedColormap.from_list("regions", ("#5FA5D3", "#FFFFFF", "#EE9C63"))


def points(axes: Axes, inputs_N2: np.ndarray, targets_N: np.ndarray, name: str = "class {}", size: float = 5) -> None:
    """Points of two classes, by colour and by shape."""
    for target in (0, 1):
        chosen = inputs_N2[targets_N == target]
        axes.plot(
            *chosen.T,
            MARKERS[target],
            color=COLOURS[target],
            markersize=size,
            markeredgecolor="white",
            markeredgewidth=0.5,
            label=name.format(target),
            zorder=3,
        )


def frame(axes: Axes, inputs_N2: np.ndarray, margin: float = 0.15) -> None:
    """Limits around the points, equal scales on both axes; boundaries that are drawn later do not change them."""
    low_2, high_2 = inputs_N2.min(axis=0), inputs_N2.max(axis=0)
    pad = margin * float(np.max(high_2 - low_2))
    axes.set_xlim(low_2[0] - pad, high_2[0] + pad)
    axes.set_ylim(low_2[1] - pad, high_2[1] + pad)
    axes.set_aspect("equal")


def boundary(axes: Axes, boundary_3: np.ndarray, **look: Any) -> None:
    """The line w_1 x + w_2 y + b = 0 through the whole of the axes; nothing where both weights are 0."""
    *weights, bias = (float(value) for value in boundary_3)
    length = weights[0] ** 2 + weights[1] ** 2
    if length > 0:
        foot = (-bias * weights[0] / length, -bias * weights[1] / length)
        axes.axline(foot, (foot[0] - weights[1], foot[1] + weights[0]), **look)
