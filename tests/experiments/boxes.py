"""Text over text in a figure, and text that leaves it, by the boxes of the renderer itself."""

from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SLACK = 1.5  # pixels at 100 dpi by which boxes may touch: they are a little larger than their ink


def tick_labels(axes: Axes) -> set[Text]:
    """The labels of ticks that are drawn."""
    labels = set()
    if not axes.axison:
        return labels
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        room = 1e-6 * (high - low)
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if low - room <= tick.get_loc() <= high + room:
                labels |= {label for label in (tick.label1, tick.label2) if label.get_visible()}
    return labels


def texts(figure: Figure) -> list[Text]:
    """Everything written in a figure that is seen."""
    ticks = {tick for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_majorticklabels()}
    ticks |= {tick for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_minorticklabels()}
    drawn = set().union(*(tick_labels(axes) for axes in figure.axes if axes.get_visible()), set())
    hidden = {text for axes in figure.axes if not axes.get_visible() for text in axes.findobj(Text)}
    hidden |= {
        text
        for axes in figure.axes
        if not axes.axison
        for axis in (axes.xaxis, axes.yaxis)
        for text in axis.findobj(Text)
    }
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible()
        and text.get_text().strip()
        and text not in hidden
        and (text not in ticks or text in drawn)
    ]


def overlaps(figure: Figure) -> list[str]:
    """Pairs of texts that lie over each other, and texts outside of the figure; empty for a good figure."""
    figure.set_dpi(100)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = {text: text.get_window_extent(renderer) for text in texts(figure)}
    found = []
    for (one, first), (other, second) in combinations(boxes.items(), 2):
        both = Bbox.intersection(first, second)
        if both is not None and both.width > SLACK and both.height > SLACK:
            found.append(f"{one.get_text()!r} over {other.get_text()!r}")
    for text, box in boxes.items():
        if box.x0 < -SLACK or box.y0 < -SLACK or box.x1 > figure.bbox.x1 + SLACK or box.y1 > figure.bbox.y1 + SLACK:
            found.append(f"{text.get_text()!r} leaves the figure")
    return found
