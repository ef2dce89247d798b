"""PNG and JPEG files, one at a time for prediction or in a folder per class; Pillow reads them after a check."""

import struct
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nn_core.data.checks import check_int
from nn_core.data.dataset import Dataset, make_dataset
from nn_core.files import user_path

FORMATS = ("PNG", "JPEG")
SUFFIXES = (".png", ".jpg", ".jpeg")
_MAX_PIXELS = 25_000_000
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
# What a file's pixel format is read as. A palette's transparency is dropped, 16-bit gray loses its lower 8 bits.
_READ_AS = {
    "1": 1, "L": 1, "I;16": 1, "I": 1, "P": 3, "RGB": 3, "CMYK": 3, "LA": 4, "PA": 4, "RGBA": 4,
}  # fmt: skip


def read_image(
    path: str | Path,
    *,
    height: int | None = None,
    width: int | None = None,
    channels: int | None = None,
    fit: bool = False,
) -> np.ndarray:
    """One PNG or JPEG image, upright: a photograph is turned as its camera says (EXIF).

    Args:
        path: the file.
        height, width: the size that it must have, None for any; for `fit` both are needed.
        channels: 1 (gray), 3 (colour) or 4 (colour and opacity) that it must have, None for the file's own.
        fit: instead of refusing another size or number of channels, resize (bilinear, so the aspect ratio may change)
            and convert (opacity is dropped).
    Returns:
        image_HWC float32 in [0, 1].
    Raises:
        ValueError: no such file, not an image, too large, or of another size or number of channels.
    """
    if channels is not None and channels not in _MODES:
        raise ValueError(f"channels={channels} is not one of {', '.join(map(str, _MODES))}")
    if fit and (height is None or width is None):
        raise ValueError("fit=True needs a height and a width; give both, or fit=False")
    image = _open(path)
    own_channels = _READ_AS.get(image.mode)
    if own_channels is None:
        raise ValueError(f"{path} has the pixel format {image.mode}; convert it to gray, RGB or RGBA")
    if not fit:
        _check_size(path, image, height, width)
        if channels is not None and own_channels != channels:
            raise ValueError(
                f"{path} has {own_channels} channels ({image.mode}), expected {channels}; convert it, or use fit=True"
            )
    if image.mode in ("I;16", "I"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = image.convert(_MODES[channels or own_channels])
    if fit and height is not None and width is not None:
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.float32) / 255
    return pixels[..., None] if pixels.ndim == 2 else pixels


def read_image_folder(
    folder: str | Path, *, height: int, width: int, channels: int = 3, fit: bool = False, limit: int = 100_000
) -> Dataset:
    """Images of a classification task, in one sub-folder per class: FOLDER/CLASS/*.png, *.jpg, *.jpeg.

    Args:
        folder: its sub-folders, sorted by name, are the classes; hidden folders and files are left out, also those that
            macOS puts beside the images on a foreign disk (`._x.png`).
        height, width, channels, fit: as `read_image`.
        limit: the most images that are read.
    Returns:
        inputs (N, height, width, channels) in [0, 1], sorted by class and file name.
    Raises:
        ValueError: no folder, fewer than 2 classes, a class without images, too many, or what `read_image` refuses.
    """
    root = user_path(folder)
    for key, value in (("limit", limit), ("height", height), ("width", width), ("channels", channels)):
        check_int(key, value, 1)
    if not root.is_dir():
        raise ValueError(f"{folder} is not a folder; give one with a sub-folder of images per class")
    classes = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(classes) < 2:
        raise ValueError(f"{folder} has {len(classes)} sub-folders; give it one per class, at least 2")
    files = [[path for path in sorted(c.iterdir()) if is_image_name(path.name)] for c in classes]
    for path, found in zip(classes, files, strict=True):
        if not found:
            raise ValueError(f"{path} has no image; put {', '.join(SUFFIXES)} files there or remove it")
    num_images = sum(map(len, files))
    if num_images > limit:
        raise ValueError(f"{folder} has {num_images} images, more than limit={limit}; raise it if they fit in memory")
    inputs_NHWC = np.empty((num_images, height, width, channels), np.float32)
    for i, path in enumerate(path for found in files for path in found):
        inputs_NHWC[i] = read_image(path, height=height, width=width, channels=channels, fit=fit)
    targets_N = np.repeat(np.arange(len(classes)), [len(found) for found in files])
    return make_dataset(inputs_NHWC, targets_N, target_names=[path.name for path in classes])


def is_image_name(name: str) -> bool:
    """Whether a file counts as an image: its suffix decides, and hidden files never do."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _open(path: str | Path) -> Image.Image:
    """The decoded image, turned as its EXIF orientation says. Its size is checked before its pixels are decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            with Image.open(user_path(path), formats=FORMATS) as image:
                num_pixels = image.width * image.height
                if num_pixels <= _MAX_PIXELS:
                    image.load()
                    ImageOps.exif_transpose(image, in_place=True)
    except FileNotFoundError as error:
        raise ValueError(f"there is no image {path}; check the path") from error
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        words = getattr(error, "strerror", None) or str(error)
        reason = "" if isinstance(error, UnidentifiedImageError) else f" ({' '.join(words.split())})"
        raise ValueError(f"{path} is not a readable PNG or JPEG image{reason}; convert it to one of them") from error
    if num_pixels > _MAX_PIXELS:
        raise ValueError(f"{path} has {num_pixels} pixels, more than {_MAX_PIXELS}; make it smaller")
    return image


def _check_size(path: str | Path, image: Image.Image, height: int | None, width: int | None) -> None:
    for name, own, wanted in (("height", image.height, height), ("width", image.width, width)):
        if wanted is not None and own != wanted:
            raise ValueError(
                f"{path} has {name} {own}, expected {wanted} ({image.width} x {image.height} pixels, width x height); "
                "resize it, or use fit=True"
            )
