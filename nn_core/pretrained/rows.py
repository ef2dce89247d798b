"""One row of a table: which view of our parameter is their tensor. Reading copies into the view, writing out of it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

TURNED = (1, 0)  # torch's linear layers keep (outputs, inputs)
IMAGE = (3, 2, 0, 1)  # torch's convolutions keep (outputs, inputs, height, width)


class Row(NamedTuple):
    """A parameter of ours and what it is called there.

    Attributes:
        theirs: one name, or several: tensors that stand side by side on our last axis.
        ours: path, such as "stack/block_0/attention/qkv/kernel".
        axes: the order of our axes in theirs; None: as here.
        widths: of several tensors, how long each is on our last axis.
        leading: axes of length 1 that theirs has before ours.
        skipped: entries that theirs has before ours on the first axis and that nothing reads (RoBERTa's first
            positions).
    """

    theirs: tuple[str, ...]
    ours: str
    axes: tuple[int, ...] | None = None
    widths: tuple[int, ...] = ()
    leading: int = 0
    skipped: int = 0


class Piece(NamedTuple):
    """One tensor of a row.

    Attributes:
        name: theirs.
        start, stop: where it stands on our last axis.
        shape: theirs.
    """

    name: str
    start: int
    stop: int
    shape: tuple[int, ...]


def row(theirs: str | tuple[str, ...], ours: str, axes: tuple[int, ...] | None = None, **options: object) -> Row:
    """A row; one name may stand alone."""
    return Row((theirs,) if isinstance(theirs, str) else theirs, ours, axes, **options)  # type: ignore[arg-type]


def by_layer(rows: tuple[Row, ...], num_layers: int) -> list[Row]:
    """The rows of every layer: {layer} in their names and ours becomes its number."""
    return [
        row._replace(theirs=tuple(name.format(layer=i) for name in row.theirs), ours=row.ours.format(layer=i))
        for i in range(num_layers)
        for row in rows
    ]


def pieces(row: Row, shape: tuple[int, ...]) -> list[Piece]:
    """The tensors of a row, for a parameter of this shape."""
    widths = row.widths or (shape[-1],)
    found, start = [], 0
    for name, width in zip(row.theirs, widths, strict=True):
        ours = (*shape[:-1], width)
        theirs = ours if row.axes is None else tuple(ours[axis] for axis in row.axes)
        theirs = (theirs[0] + row.skipped, *theirs[1:])
        found.append(Piece(name, start, start + width, (1,) * row.leading + theirs))
        start += width
    if start != shape[-1]:
        raise ValueError(f"widths {widths} of {row.ours} do not sum to {shape[-1]}")
    return found


def view(row: Row, part: np.ndarray) -> np.ndarray:
    """A slice of our parameter as their tensor has it, sharing its memory."""
    turned = part if row.axes is None else part.transpose(row.axes)
    return turned[(None,) * row.leading] if row.leading else turned


def views(row: Row, leaf: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Their tensors of a parameter of ours, by name, sharing its memory; what is skipped is written as zeros."""
    for piece in pieces(row, leaf.shape):
        part = view(row, leaf[..., piece.start : piece.stop])
        if row.skipped:
            part = np.concatenate([np.zeros((row.skipped, *part.shape[1:]), part.dtype), part])
        yield piece.name, part


def theirs_slices(row: Row, ours: tuple[slice, ...]) -> tuple[slice, ...]:
    """Slices of our parameter as slices of their tensor."""
    first, *rest = ours if row.axes is None else tuple(ours[axis] for axis in row.axes)
    shifted = slice(first.start + row.skipped, first.stop + row.skipped)
    return (*(slice(0, 1),) * row.leading, shifted, *rest)
