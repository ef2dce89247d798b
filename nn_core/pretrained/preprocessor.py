"""preprocessor_config.json: how an image becomes what a folder's model reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from nn_core.pretrained.folder import read_json
from nn_core.pretrained.tensor_files import PretrainedError

PREPROCESSOR = "preprocessor_config.json"
# Pillow's numbers of its ways to resize.
RESAMPLE = {0: Image.Resampling.NEAREST, 2: Image.Resampling.BILINEAR, 3: Image.Resampling.BICUBIC}
HALF = 0.5  # mean and deviation where a folder says none
FACTOR = 1 / 255


class Preprocessor(NamedTuple):
    """What is done to an image.

    Attributes:
        size: (height, width) that it gets; one number: its shorter side, the other one follows; None: it stays.
        crop: (height, width) that are cut out of its middle; None: nothing is cut.
        resample: Pillow's way.
        factor: of the bytes.
        mean_C, std_C: of the channels, after the factor.
    """

    size: tuple[int, int] | int | None
    crop: tuple[int, int] | None
    resample: Image.Resampling
    factor: float
    mean_C: np.ndarray
    std_C: np.ndarray

    def prepare(self, picture: Image.Image) -> np.ndarray:
        """Resized and cut: (H, W, C) in [0, 1]."""
        size = self.size
        if isinstance(size, int):
            short = min(picture.size)
            size = (round(picture.height * size / short), round(picture.width * size / short))
        if size is not None and picture.size != size[::-1]:
            picture = picture.resize(size[::-1], self.resample)
        pixels = np.asarray(picture, np.float32).reshape(picture.height, picture.width, -1) / 255
        if self.crop is not None:
            top, left = ((have - want) // 2 for have, want in zip(pixels.shape, self.crop, strict=False))
            pixels = pixels[max(top, 0) :, max(left, 0) :][: self.crop[0], : self.crop[1]]
        return pixels

    def standardize(self, images_NHWC: np.ndarray) -> np.ndarray:
        """What the model reads, of images in [0, 1]."""
        alike = (1, 1, 1, -1)
        return (images_NHWC * (255 * self.factor) - self.mean_C.reshape(alike)) / self.std_C.reshape(alike)


def read_preprocessor(folder: Path, side: int, channels: int) -> Preprocessor:
    """Of a folder; where it says nothing, images get the model's size and one mean and deviation of a half.

    Args:
        folder: of the model.
        side: height and width that it reads.
        channels: C.
    Raises:
        PretrainedError: a value that is none of what is computed; names it.
    """
    path = folder / PREPROCESSOR
    said = read_json(path) if path.is_file() else {}

    def wrong(name: str, what: str) -> PretrainedError:
        return PretrainedError(f"{path} has {name}={str(said.get(name))[:60]}; it must be {what}")

    def pair(name: str) -> tuple[int, int] | int:
        value = said.get(name, side)
        found: Any = (value, value)
        if isinstance(value, Mapping):
            found = value.get("shortest_edge") or (value.get("height"), value.get("width"))
        if any(type(one) is not int or one < 1 for one in (found if isinstance(found, tuple) else (found,))):
            raise wrong(name, 'a whole number >= 1, {"height": …, "width": …} or {"shortest_edge": …}')
        sides: tuple[int, int] | int = found
        return sides

    def numbers(name: str) -> np.ndarray:
        value = said.get(name, HALF)
        listed = value if isinstance(value, list) else [value]
        listed = listed * channels if len(listed) == 1 else listed
        plain = all(isinstance(one, (int, float)) and not isinstance(one, bool) and np.isfinite(one) for one in listed)
        if not plain or len(listed) != channels or (name == "image_std" and min(listed) <= 0):
            raise wrong(name, f"{channels} numbers, one for each channel" + (" and > 0" if name == "image_std" else ""))
        return np.array(listed, np.float32)

    factor = said.get("rescale_factor", FACTOR)
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 < factor < np.inf:
        raise wrong("rescale_factor", "a number > 0")
    if said.get("resample", 2) not in tuple(RESAMPLE):
        raise wrong("resample", f"one of {', '.join(map(str, RESAMPLE))}")
    crop = pair("crop_size") if said.get("do_center_crop") else None
    plain = (np.zeros(channels, np.float32), np.ones(channels, np.float32))
    mean, std = (numbers("image_mean"), numbers("image_std")) if said.get("do_normalize", True) else plain
    return Preprocessor(
        size=pair("size") if said.get("do_resize", True) else None,
        crop=(crop, crop) if isinstance(crop, int) else crop,
        resample=RESAMPLE[said.get("resample", 2)],
        factor=float(factor) if said.get("do_rescale", True) else 1.0,
        mean_C=mean,
        std_C=std,
    )
