"""How every figure looks: colours that survive colour blindness, no figure without axis names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

# Okabe & Ito's palette, black last; line styles repeat it so that nothing hangs on colour alone.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C00")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def subplots(rows: int = 1, columns: int = 1, *, width: float = 5.0, height: float = 3.8) -> tuple[Figure, np.ndarray]:
    """A figure that is not registered with pyplot (nothing to close), and its axes as a 2-D array."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, np.asarray(figure.subplots(rows, columns, squeeze=False))


def look(index: int) -> dict[str, Any]:
    """Colour and line style number `index`."""
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": LINES[index // len(COLOURS) % len(LINES)]}


def label(axes: Axes, x: str, y: str, title: str = "") -> None:
    """Names both axes and draws a faint grid."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def band(axes: Axes, x: Sequence[float], values_SN: np.ndarray, name: str, index: int) -> None:
    """Mean over the first axis (seeds) with its 95 % confidence band."""
    count = np.sum(np.isfinite(values_SN), axis=0)
    mean_N = np.nansum(values_SN, axis=0) / np.maximum(count, 1)
    axes.plot(x, mean_N, label=name, **look(index))
    if len(values_SN) > 1:
        # A seed that has stopped early has no later values; where one is left, there is no interval.
        spread_N = np.nansum((values_SN - mean_N) ** 2, axis=0) / np.maximum(count - 1, 1)
        half_N = np.where(
            count > 1, stats.t.ppf(0.975, np.maximum(count - 1, 1)) * np.sqrt(spread_N / np.maximum(count, 1)), 0
        )
        axes.fill_between(x, mean_N - half_N, mean_N + half_N, color=look(index)["color"], alpha=0.18, linewidth=0)


def legend(figure: Figure, axes: Axes, columns: int = 1) -> None:
    """A legend beside the axes: it hides nothing."""
    handles, names = axes.get_legend_handles_labels()
    if names:
        figure.legend(handles, names, loc="outside right upper", ncols=columns, fontsize="small", frameon=False)
