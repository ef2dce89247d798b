"""How every figure looks: colours that survive colour blindness, no figure without axis names."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.transforms import ScaledTranslation

from experiments.run_directory.settings import Summary, interval
from experiments.run_directory.units import EVERYTHING, range_of, unit_of
from nn_core.evidence.statistics import t_half_width

# Okabe & Ito's palette, black last; line styles repeat it so that nothing depends on colour alone.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C00")
LINES = ("-", "--", "-.", ":")
GREY = "#6E6E6E"
BAND = "band"  # marks the confidence bands among what is drawn
FEWEST = 3  # seeds of an interval
LOWEST = 0.4  # a logarithmic axis begins at this fraction of the lowest line, or where the bands end
BELOW = 0.48  # inches between axes and a legend below them: numbers and a name
WIDEST = 10.5  # inches of a figure: its small text still has 7 pixels where the figure has 640, half a desktop page
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def subplots(
    rows: int = 1, columns: int = 1, *, width: float = 5.0, height: float = 3.8, **shared: Any
) -> tuple[Figure, np.ndarray]:
    """A figure outside pyplot, so that nothing needs closing, and its axes as a 2-D array.

    Args:
        rows, columns: of axes.
        width, height: of one of them, in inches; less wide where the figure would be wider than WIDEST.
        shared: sharex, sharey, width_ratios and the like.
    """
    figure = Figure(figsize=(min(width * columns, WIDEST), height * rows), layout="constrained")
    return figure, np.asarray(figure.subplots(rows, columns, squeeze=False, **shared))


def panels(
    count: int, *, columns: int, width: float = 3.6, height: float = 3.0, **shared: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` axes in rows of `columns`; the rest of the last row is empty. `shared` is as for subplots.

    Four stand two by two.
    """
    columns = 2 if count == 4 and columns == 3 else max(min(columns, count), 1)
    rows = max(-(-count // columns), 1)
    figure, grid = subplots(rows, columns, width=width, height=height, **shared)
    axes = list(grid.ravel())
    for unused in axes[count:]:
        unused.set_visible(False)
    for lowest in axes[max(count - columns, 0) : count]:
        lowest.tick_params(axis="x", which="both", labelbottom=True)
    return figure, axes[:count]


def outer(axes: Iterable[Axes]) -> None:
    """Names and numbers at the left of each row and below each column only: there, even if the last row is not full."""
    places = {axis: axis.get_subplotspec() for axis in axes}
    for axis, place in places.items():
        assert place is not None, "axes without a place in a grid"
        left = place.is_first_col()
        lowest = not any(
            other is not None
            and other.colspan.start == place.colspan.start
            and other.rowspan.start > place.rowspan.start
            for other in places.values()
        )
        axis.tick_params(which="both", labelleft=left, labelbottom=lowest)
        axis.set_ylabel(axis.get_ylabel() if left else "")
        axis.set_xlabel(axis.get_xlabel() if lowest else "")


def nothing(message: str) -> Figure:
    """A placeholder for a run that has nothing to draw."""
    figure = Figure(figsize=(6, 2), layout="constrained")
    figure.text(0.5, 0.5, message, ha="center", va="center", wrap=True)
    return figure


def quantity(column: str, config: dict[str, Any]) -> str:
    """The name of a column with its unit."""
    unit = unit_of(column)
    if unit == "nats" and config.get("task", {}).get("name") == "regression":
        unit = "squared error"
    return column.replace("_", " ") + (f" ({unit})" if unit else "")


def below(axes: Axes, columns: int = 1, inches: float = BELOW) -> None:
    """A legend so far below the axes, however tall they are, that it hides neither their numbers nor their name."""
    figure = axes.figure
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=axes.transAxes + ScaledTranslation(0, -inches, figure.dpi_scale_trans),  # type: ignore[union-attr]
        ncols=columns,
        fontsize="small",
        frameon=False,
        handlelength=2.5,
    )


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


def log_scale(axes: Axes, which: str = "y") -> None:
    """A logarithmic axis whose numbers are written out: 0.2, 1, 30; powers of ten beyond 1e-3 and 1e4."""
    getattr(axes, f"set_{which}scale")("log")
    line = axes.yaxis if which == "y" else axes.xaxis

    def power(value: float, position: float | None = None) -> str:
        return f"{value:g}" if 1e-3 <= value <= 1e4 else f"$10^{{{round(math.log10(value))}}}$"

    def between(value: float, position: float | None = None) -> str:
        low, high = line.get_view_interval()
        decades = math.log10(high / low)
        power_of_ten = math.floor(math.log10(value))
        leading = round(value / 10**power_of_ten)
        if not (decades < 0.4 or leading in ((2, 3, 5, 7) if decades < 0.7 else (2, 5) if decades < 1.6 else ())):
            return ""
        return f"{value:g}" if 1e-3 <= value <= 1e4 else f"${leading}·10^{{{power_of_ten}}}$"

    line.set_major_formatter(power)
    line.set_minor_formatter(between)
    if which == "y":
        show_bands(axes)


def show_bands(axes: Axes) -> None:
    """Limits of a logarithmic axis by its lines and the upper edges of its bands; a band that reaches 0 goes to the edge.

    Such a lower edge would stretch the axis over many decades and hide the curves. The axis label says that it is cut.
    """
    sharing = axes.get_shared_y_axes().get_siblings(axes)
    bands = {
        one: [path for child in one.collections if child.get_gid() == BAND for path in child.get_paths()]
        for one in sharing
    }
    edges = [path.vertices[:, 1] for paths in bands.values() for path in paths]
    if not edges:
        return
    for one in sharing:
        one.relim()  # of the lines alone
    least = LOWEST * min(one.dataLim.minposy for one in sharing)
    for one, paths in bands.items():
        for path in paths:
            one.update_datalim(np.maximum(path.vertices, (-np.inf, least)))
    axes.autoscale_view()
    if any(edge_V.min() < least for edge_V in edges):
        axes.set_ylim(bottom=least)
        axes.set_ylabel(f"{axes.get_ylabel()}\n(bands go on below)", multialignment="center")


def band(
    axes: Axes,
    x: Sequence[float],
    values_SN: np.ndarray,
    name: str,
    index: int,
    colour: str | None = None,
    *,
    column: str = "",
) -> None:
    """Mean over the first axis (seeds) with its 95 % confidence band, in look number `index` or in a colour.

    The band ends where the quantity of that column ends (a share at 0 and 1); `log_scale` says if its lower edge leaves
    the axis. Two seeds give no useful interval (Student's t is 12.7 there): each is a thin line, and the legend says so.
    """
    style = look(index) | ({} if colour is None else {"color": colour})
    count = np.sum(np.isfinite(values_SN), axis=0)
    mean_N = np.nansum(values_SN, axis=0) / np.maximum(count, 1)
    few = 1 < len(values_SN) < FEWEST
    axes.plot(x, mean_N, label=f"{name} ({len(values_SN)} seeds, no interval)" if few else name, **style)
    if few:
        for values_N in values_SN:
            axes.plot(x, values_N, color=style["color"], linewidth=0.6, alpha=0.6)
    elif len(values_SN) > 1:
        # A seed that stopped early has no later values; if too few are left, there is no interval.
        half_N = np.array([half_width(column_S) for column_S in values_SN.T])
        low, high = range_of(column) if column else EVERYTHING
        edges = np.maximum(mean_N - half_N, low), np.minimum(mean_N + half_N, high)
        axes.fill_between(x, *edges, color=style["color"], alpha=0.18, linewidth=0, gid=BAND)


def spread(summaries: Sequence[Summary], column: str) -> np.ndarray:
    """Lengths of the 95 % intervals below and above each mean, as `errorbar` takes them: (2, N), 0 where there is none."""
    ends_N2 = np.array([interval(one, column) for one in summaries])
    mean_N = np.array([one.mean for one in summaries])
    return np.nan_to_num(np.stack([mean_N - ends_N2[:, 0], ends_N2[:, 1] - mean_N]))


def half_width(values_S: np.ndarray) -> float:
    """Half of the 95 % interval of the mean; 0 for fewer than FEWEST values, when none is drawn."""
    finite = values_S[np.isfinite(values_S)]
    return t_half_width(finite) if len(finite) >= FEWEST else 0.0


def rate_errors(successes_JS: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of successes over the last axis and their 95 % intervals (Wilson), as `errorbar` takes them.

    Args:
        successes_JS: 0 or 1 for every setting and seed.
    Returns:
        (J,) shares, (2, J) lengths below and above.
    """
    shares_J = np.asarray(successes_JS, float).mean(axis=1)
    from scipy import stats  # slow to import

    intervals = [stats.binomtest(int(row.sum()), len(row)).proportion_ci(method="wilson") for row in successes_JS]
    return shares_J, np.abs(np.array([(one.low, one.high) for one in intervals]).T - shares_J[None])


def legend(figure: Figure, axes: Axes, columns: int = 1) -> None:
    """A legend beside the axes, where it hides nothing."""
    handles, names = axes.get_legend_handles_labels()
    if names:
        figure.legend(handles, names, loc="outside right upper", ncols=columns, fontsize="small", frameon=False)


def legend_of_all(figure: Figure | SubFigure, axes: Sequence[Axes], title: str | None = None) -> None:
    """One legend below for several axes, which names every mark once."""
    found: dict[str, Artist] = {}
    for axis in axes:
        handles, names = axis.get_legend_handles_labels()
        found |= dict(zip(map(str, names), handles, strict=True))
    look: dict[str, Any] = {"loc": "outside lower center", "ncols": 4, "fontsize": "small", "frameon": False}
    figure.legend(list(found.values()), list(found), title=title, **look)
