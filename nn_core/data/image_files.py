"""Images of one's own: a folder of class folders, or a table of file names and labels; their size is found."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nn_core.data.dataset import Dataset, make_dataset
from nn_core.data.images import SUFFIXES, is_image_name, read_image
from nn_core.data.splits import SplitSizes
from nn_core.data.table import find_column
from nn_core.data.table_file import Frame
from nn_core.data.table_split import NAMES, check_classes, split_by_column
from nn_core.data.table_values import text_of

CHANNELS = (1, 3, 4)
LABEL_NAMES = ("label", "class", "target")  # of a table's column, where none is named


class Listing(NamedTuple):
    """Files and their labels, in a fixed order.

    Attributes:
        files: N images.
        labels: N names of classes.
        sizes: of the parts, in which they then stand, where the folder decides them.
    """

    files: tuple[Path, ...]
    labels: tuple[str, ...]
    sizes: SplitSizes | None = None


def list_parts(folder: Path, shares: Sequence[float]) -> Listing:
    """The images of FOLDER/train/CLASS/ and FOLDER/test/CLASS/, with or without validation; else those of `list_folder`.

    Args:
        folder: of parts, or of classes.
        shares: of train, validation and test; without a folder for validation, a share of the training images becomes it.
    Raises:
        ValueError: as `list_folder`, no folder for train or test, or a class that is not trained on.
    """
    parts = folders_of(folder)
    if len(parts) < 2 or not all(part.name.lower() in NAMES and folders_of(part) for part in parts):
        return list_folder(folder)
    names: list[str] = []
    files: list[Path] = []
    labels: list[str] = []
    for part in parts:
        found = list_folder(part)
        names += [part.name] * len(found.files)
        files += found.files
        labels += found.labels
    order_N, sizes = split_by_column(names, shares, str(folder), range(len(names)), labels)
    labels = [labels[place] for place in order_N]
    check_classes(labels, sizes, str(folder))
    return Listing(tuple(files[place] for place in order_N), tuple(labels), sizes)


def folders_of(folder: Path) -> list[Path]:
    """The sub-folders that are not hidden, in order."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def list_folder(folder: Path) -> Listing:
    """The images of FOLDER/CLASS/, sub-folders included; hidden files and folders are left out.

    Raises:
        ValueError: fewer than two class folders, or one without images.
    """
    classes = folders_of(folder)
    if len(classes) < 2:
        raise ValueError(
            f"{folder} has {len(classes)} sub-folders; give it one per class, at least 2, or name a CSV of file names and "
            "labels by --config.data.path"
        )
    files: list[Path] = []
    labels: list[str] = []
    for place in classes:
        found = sorted(file for file in place.rglob("*") if file.is_file() and is_image_name(file.name))
        if not found:
            raise ValueError(f"{place} has no image; put {', '.join(SUFFIXES)} files there or remove it")
        files += found
        labels += [place.name] * len(found)
    return Listing(tuple(files), tuple(labels))


def list_table(frame: Frame, folder: Path, target: str | None) -> Listing:
    """The images that a table names, relative to its folder.

    Args:
        frame: a column of file names and one of labels.
        folder: where the table stands.
        target: the column of labels; None: the one named label, class or target.
    Raises:
        ValueError: no column of image names, no column of labels, a file that is not there, or one
            that is named twice (its line is told).
    """
    names = [name for name, series in frame.columns.items() if is_image_name(str(series[0]).strip())]
    if not names:
        raise ValueError(f"{frame.name} has no column of image files; one must hold names such as cats/1{SUFFIXES[0]}")
    label = target or next((name for name in LABEL_NAMES if name in frame.columns), None)
    if label is None:
        raise ValueError(
            f"{frame.name} has no column named {', '.join(LABEL_NAMES)}; name it by --config.data.target=COLUMN "
            f"({', '.join(frame.columns)})"
        )
    label = find_column(frame, label, "target")
    files = [folder / str(name).strip() for name in frame.columns[names[0]]]
    for file, line in zip(files, frame.lines_N, strict=True):
        if not file.is_file():
            raise ValueError(f"{frame.name} line {int(line)}: there is no file {file}; names are relative to the table")
    labels = text_of(frame.columns[label]).to_list()
    if "" in labels:
        raise ValueError(
            f"{frame.name} line {int(frame.lines_N[labels.index('')])} has no label in {label!r}; give one"
        )
    first: dict[str, int] = {}
    for place, file in enumerate(files):
        before = first.setdefault(os.path.normpath(file), place)  # a/1.png is also b/../a/1.png
        if before != place:
            raise ValueError(
                f"{frame.name} line {int(frame.lines_N[place])} names {file.name} as {labels[place]!r}, and line "
                f"{int(frame.lines_N[before])} as {labels[before]!r}; keep one of them"
            )
    return Listing(tuple(files), tuple(labels))


def read_listing(listing: Listing, size: Sequence[int] = (), limit: int | None = None) -> Dataset:
    """The images of a listing.

    Args:
        listing: files and labels.
        size: () for images that all have one size, which is found; (height, width) or (height, width, channels): others
            are resized and converted.
        limit: most bytes that the pixels may take; None: not checked.
    Returns:
        inputs (N, height, width, channels) in [0, 1].
    Raises:
        ValueError: one class, images of several sizes, too many of them, a size that is none, a file that is not an image.
    """
    names = sorted(set(listing.labels))
    if len(names) < 2:
        raise ValueError(f"all {len(listing.files)} images are of one class, {names[0]!r}; there is nothing to learn")
    if (
        len(size) not in (0, 2, 3)
        or any(type(side) is not int or side < 1 for side in size)
        or size[2:] not in ((), *((c,) for c in CHANNELS))
    ):
        raise ValueError(
            f"config.data.image_size={tuple(size)} must be (height, width), or with 1, 3 or 4 channels behind"
        )
    first = read_image(listing.files[0])
    shape = (size[0], size[1], size[2] if len(size) == 3 else first.shape[2]) if size else first.shape
    needed = 4 * len(listing.files) * int(np.prod(shape))
    if limit is not None and needed > limit:
        raise ValueError(
            f"{len(listing.files)} images of {shape[0]} x {shape[1]} x {shape[2]} need {needed / 1e9:.1f} GB and "
            f"{limit / 1e9:.1f} GB are free; make them smaller by --config.data.image_size=HEIGHT,WIDTH"
        )
    images_NHWC = np.empty((len(listing.files), *shape), np.float32)
    for place, file in enumerate(listing.files):
        if size:
            images_NHWC[place] = read_image(file, height=shape[0], width=shape[1], channels=shape[2], fit=True)
            continue
        image = read_image(file)
        if image.shape != shape:
            raise ValueError(
                f"{short(listing.files[0])} has {told(shape)} and {short(file)} has {told(image.shape)}; give one size for "
                f"all: --config.data.image_size={shape[0]},{shape[1]},{min(shape[2], image.shape[2])}"
            )
        images_NHWC[place] = image
    places = {name: place for place, name in enumerate(names)}
    targets_N = np.array([places[label] for label in listing.labels])
    return make_dataset(images_NHWC, targets_N, target_names=names)


def short(file: Path) -> str:
    """A file with its folder."""
    return f"{file.parent.name}/{file.name}"


def told(shape: Sequence[int]) -> str:
    """A size in words."""
    return f"{shape[0]} x {shape[1]} pixels (height x width) and {shape[2]} channel{'s' * (shape[2] > 1)}"
