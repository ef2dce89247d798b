"""Faults of a figure: text over text, outside or too small, by the boxes of the renderer; intervals beyond their range."""

from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection, LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from experiments.figures.style import BAND

HALF_PAGE, LEGIBLE = 640, 7  # pixels: half of a page of 1,280, and the least size of a text
SLACK = 1.5  # pixels at 100 dpi by which boxes may touch: they are a little larger than their ink


def axes_of(axes: Axes) -> list[Axis]:
    """x, y, and z where there is one."""
    return [axes.xaxis, axes.yaxis, *([axes.zaxis] if hasattr(axes, "zaxis") else [])]


def tick_labels(axes: Axes) -> set[Text]:
    """The labels of ticks that are drawn."""
    labels = set()
    if not axes.axison:
        return labels
    for axis in axes_of(axes):
        scale = axis.get_transform().transform  # a logarithmic axis has more room below than its numbers say
        low, high = sorted(scale(np.array(axis.get_view_interval())))
        room = 1e-6 * (high - low)
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if low - room <= scale(np.array([tick.get_loc()]))[0] <= high + room:
                labels |= {label for label in (tick.label1, tick.label2) if label.get_visible()}
    return labels


def texts(figure: Figure) -> list[Text]:
    """Everything written in a figure that is seen."""
    ticks = {tick for axes in figure.axes for axis in axes_of(axes) for tick in axis.get_majorticklabels()}
    ticks |= {tick for axes in figure.axes for axis in axes_of(axes) for tick in axis.get_minorticklabels()}
    drawn = set().union(*(tick_labels(axes) for axes in figure.axes if axes.get_visible()), set())
    hidden = {text for axes in figure.axes if not axes.get_visible() for text in axes.findobj(Text)}
    hidden |= {text for axes in figure.axes if not axes.axison for axis in axes_of(axes) for text in axis.findobj(Text)}
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible()
        and text.get_text().strip()
        and text not in hidden
        and (text not in ticks or text in drawn)
    ]


def corners(text: Text, box: Bbox, renderer: RendererBase) -> np.ndarray:
    """The four corners (4, 2) of a text, which may be turned; `box` is the upright box around them."""
    turned = text.get_rotation()
    text.set_rotation(0)
    flat = text.get_window_extent(renderer)
    text.set_rotation(turned)
    angle = np.deg2rad(turned)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (flat.width / 2, flat.height / 2)
    return np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]) + half @ np.array([along, across])


def apart(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether a line along a side of one of two rectangles (4, 2) separates them, up to SLACK."""
    for rectangle in (one, other):
        for side in (rectangle[1] - rectangle[0], rectangle[2] - rectangle[1]):
            axis = side / np.linalg.norm(side)
            first, second = one @ axis, other @ axis
            if min(first.max(), second.max()) - max(first.min(), second.min()) <= SLACK:
                return True
    return False


def beyond(figure: Figure) -> list[str]:
    """Intervals that leave what they measure: shares below 0 or above 1, by what the axis says."""
    found = []
    for axes in figure.axes:
        for dimension, name in enumerate((axes.get_xlabel(), axes.get_ylabel())):
            if "share" not in name:
                continue
            drawn = [path for child in axes.collections for path in child.get_paths() if is_interval(child)]
            ends = [float(value) for path in drawn for value in path.vertices[:, dimension]]
            if ends and not (min(ends) >= -1e-6 and max(ends) <= 1 + 1e-6):
                found.append(f"an interval of {name!r} reaches from {min(ends):.3g} to {max(ends):.3g}")
    return found


def is_interval(child: Collection) -> bool:
    """Whether a collection is a band or the bars of an errorbar."""
    return child.get_gid() == BAND or isinstance(child, LineCollection)


def overlaps(figure: Figure) -> list[str]:
    """Pairs of texts that lie over each other, and texts outside of the figure; empty for a good figure."""
    figure.set_dpi(100)
    renderer = FigureCanvasAgg(figure).get_renderer()
    for _ in range(
        2
    ):  # as the commands do, which check a figure before they save it: the first pass settles the layout
        figure.draw_without_rendering()
    boxes = {text: text.get_window_extent(renderer) for text in texts(figure)}
    found = []
    for (one, first), (other, second) in combinations(boxes.items(), 2):
        both = Bbox.intersection(first, second)
        if both is None or both.width <= SLACK or both.height <= SLACK:
            continue
        if not apart(corners(one, first, renderer), corners(other, second, renderer)):
            found.append(f"{one.get_text()!r} over {other.get_text()!r}")
    for text, box in boxes.items():
        for axes in figure.axes:
            if axes is not text.axes and text.axes is not None and axes.get_visible() and axes.axison:
                both = Bbox.intersection(box, axes.bbox)
                if both is not None and both.width > SLACK and both.height > SLACK:
                    found.append(f"{text.get_text()!r} reaches into another panel")
        if box.x0 < -SLACK or box.y0 < -SLACK or box.x1 > figure.bbox.x1 + SLACK or box.y1 > figure.bbox.y1 + SLACK:
            found.append(f"{text.get_text()!r} leaves the figure")
    return found


def small(figure: Figure) -> list[str]:
    """Texts that are not legible where the figure is as wide as half a desktop page, or as it is where that is less."""
    scale = min(HALF_PAGE / figure.get_figwidth(), 96) / 72
    sizes = {text: scale * text.get_fontsize() for text in texts(figure)}
    return [f"{text.get_text()!r} has {size:.1f} pixels" for text, size in sizes.items() if size < LEGIBLE]


def faults(figure: Figure) -> list[str]:
    """All of them; empty for a good figure."""
    return overlaps(figure) + beyond(figure) + small(figure)
