"""Names beside points, where no other name and no point is."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

# Directions from a point to its name: to the right, left, above, below, and the corners.
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
NEAR, FAR = (5.0,), (5.0, 12.0, 20.0, 30.0, 42.0, 56.0)  # distances of a name, in points
POINT = 3.0  # half the side of what a point takes, in points


def name_points(
    axes: Axes,
    points_N2: np.ndarray,
    names: Sequence[str],
    colours: Sequence[str],
    fontsize: float | str = "small",
    leaders: bool = False,
    bars: bool = False,
) -> list[str]:
    """Writes names beside points; called when all else of the figure stands, for its layout decides what is free.

    Args:
        axes: with their limits set.
        points_N2: (N, 2) places in data coordinates.
        names: of the points; those that come first are placed first.
        colours: of the names.
        fontsize: of the names.
        leaders: whether a name may stand farther away, at the end of a line.
        bars: whether the points have error bars: names then stand at the corners first, which no bar crosses.
    Returns:
        The names for which there was no room; they are left out rather than written over others.
    """
    figure = axes.figure
    figure.draw_without_rendering()  # type: ignore[union-attr]
    scale = figure.dpi / 72  # type: ignore[union-attr]
    places_N2 = axes.transData.transform(points_N2)
    half = POINT * scale
    taken = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in places_N2]
    taken += [text.get_window_extent() for text in axes.texts]
    left_out = []
    order = DIRECTIONS[4:] + DIRECTIONS[:4] if bars else DIRECTIONS
    for index, (name, colour) in enumerate(zip(names, colours, strict=True)):
        text = axes.annotate(
            name, points_N2[index], (0, 0), textcoords="offset points", fontsize=fontsize, color=colour
        )
        text.set_in_layout(False)
        size = text.get_window_extent()
        others = taken[:index] + taken[index + 1 :]
        found = free_place(
            places_N2[index], size.width, size.height, others, axes.bbox, FAR if leaders else NEAR, scale, order
        )
        if found is None:
            text.remove()
            left_out.append(name)
            continue
        box, distance = found
        taken.append(box.padded(scale))  # letters of another resolution are a little wider
        text.set_position(tuple((np.array([box.x0, box.y0]) - places_N2[index]) / scale))
        if leaders and distance > NEAR[0]:
            end_2 = axes.transData.inverted().transform((box.x0 + box.width / 2, box.y0 + box.height / 2))
            axes.plot(*np.stack([points_N2[index], end_2]).T, color=colour, linewidth=0.5, alpha=0.6, zorder=1)
    return left_out


def free_place(
    place_2: np.ndarray,
    width: float,
    height: float,
    taken: Sequence[Bbox],
    inside: Bbox,
    distances: Sequence[float],
    scale: float,
    directions: Sequence[tuple[int, int]] = DIRECTIONS,
) -> tuple[Bbox, float] | None:
    """The first box around a place that lies over no other and within the axes, and its distance in points."""
    for distance in distances:
        for right, up in directions:
            x = place_2[0] + right * distance * scale - (width if right < 0 else width / 2 if right == 0 else 0)
            y = place_2[1] + up * distance * scale - (height if up < 0 else height / 2 if up == 0 else 0)
            box = Bbox.from_bounds(x, y, width, height)
            within = inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
            if within and not any(box.overlaps(other) for other in taken):
                return box, distance
    return None
