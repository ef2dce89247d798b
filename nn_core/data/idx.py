"""The IDX format of MNIST and its relatives: two zero bytes, a type, the number of axes, their lengths, the numbers."""

import math
from pathlib import Path

import numpy as np

from nn_core.data.archives import gunzip
from nn_core.data.dataset import Dataset, flatten_inputs, make_dataset
from nn_core.data.download import fetch
from nn_core.data.registry import SOURCES

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_BYTES = 60_000 * 28 * 28 + 16  # the largest file of the family, unpacked
_DIGITS = tuple(str(digit) for digit in range(10))
_CLOTHES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


def parse_idx(data: bytes) -> np.ndarray:
    """The array in an (unpacked) IDX file.

    Args:
        data: the whole file.
    Returns:
        A read-only array of the file's shape and type.
    Raises:
        ValueError: not an IDX file, or more or fewer bytes than its header announces.
    """
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _TYPES or not 1 <= data[3] <= 4:
        raise ValueError(f"no IDX file: it starts with {data[:4]!r}; expected 0, 0, a type (8..14), 1 to 4 axes")
    header = 4 + 4 * data[3]
    shape = tuple(int(n) for n in np.frombuffer(data[4:header], ">u4")) if len(data) >= header else (0,)
    dtype = np.dtype(_TYPES[data[2]])
    expected = header + math.prod(shape) * dtype.itemsize
    if len(data) < header or len(data) != expected:
        raise ValueError(f"IDX file has {len(data)} bytes; its header announces {expected}: download it again")
    return np.frombuffer(data, dtype, offset=header).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def read_idx(path: Path, *, max_bytes: int = _MAX_BYTES) -> np.ndarray:
    """The array in an IDX file, gzip-compressed or not; at most `max_bytes` are unpacked."""
    try:
        data = Path(path).read_bytes()
        return parse_idx(gunzip(data, limit=max_bytes) if data[:2] == b"\x1f\x8b" else data)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def mnist(*, flatten: bool = False) -> Dataset:
    """70,000 hand-written digits, 28 x 28: the 60,000 for training, then the 10,000 for testing, in the files' order.

    Args:
        flatten: give rows of 784 numbers instead of images.
    Returns:
        inputs (70000, 28, 28, 1) in [0, 1], targets 0..9.
    """
    return _load("mnist", ("train", "t10k"), _DIGITS, flatten)


def mnist_t10k(*, flatten: bool = False) -> Dataset:
    """MNIST's 10,000 test images alone, in the file's order: train on the first 8,000, test on the last 2,000."""
    return _load("mnist", ("t10k",), _DIGITS, flatten)


def fashion_mnist(*, flatten: bool = False) -> Dataset:
    """70,000 pictures of clothes in ten classes, with the shape and order of `mnist`."""
    return _load("fashion_mnist", ("train", "t10k"), _CLOTHES, flatten)


def _load(name: str, parts: tuple[str, ...], classes: tuple[str, ...], flatten: bool) -> Dataset:
    images, labels = [], []
    for part in parts:
        images.append(read_idx(fetch(SOURCES[f"{name}_{part}_images"])))
        labels.append(read_idx(fetch(SOURCES[f"{name}_{part}_labels"])))
    images_NHWC = np.concatenate(images)[..., None].astype(np.float32) / 255
    dataset = make_dataset(images_NHWC, np.concatenate(labels), target_names=classes)
    return flatten_inputs(dataset) if flatten else dataset
