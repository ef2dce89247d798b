"""CIFAR-10 in its binary form (the usual one is pickled): records of a label byte and 3 x 32 x 32 colour bytes."""

import numpy as np

from nn_core.data.archives import untar_members
from nn_core.data.dataset import Dataset, flatten_inputs, make_dataset
from nn_core.data.download import fetch
from nn_core.data.registry import SOURCES

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_SIDE = 32
_RECORD = 1 + 3 * _SIDE * _SIDE
_PER_FILE = 10_000
_BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
_MEMBERS = tuple(f"cifar-10-batches-bin/{name}.bin" for name in _BATCHES)


def parse_cifar10(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The records of one binary file.

    Returns:
        (images_NHWC uint8 (N, 32, 32, 3), labels_N uint8).
    Raises:
        ValueError: no whole number of records, or a label above 9.
    """
    if not data or len(data) % _RECORD:
        raise ValueError(f"CIFAR-10 file has {len(data)} bytes, no multiple of {_RECORD} above 0; download it again")
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    labels_N = records[:, 0]
    if labels_N.max() >= len(CLASSES):
        raise ValueError(f"CIFAR-10 record {int(labels_N.argmax())} has label {labels_N.max()}; labels are 0..9")
    images_NCHW = records[:, 1:].reshape(-1, 3, _SIDE, _SIDE)
    return np.ascontiguousarray(images_NCHW.transpose(0, 2, 3, 1)), labels_N


def cifar10(*, flatten: bool = False) -> Dataset:
    """60,000 colour photographs, 32 x 32, in ten classes: the 50,000 for training, then the 10,000 for testing.

    Args:
        flatten: give rows of 3,072 numbers instead of images.
    Returns:
        inputs (60000, 32, 32, 3) in [0, 1], targets 0..9.
    """
    size = _PER_FILE * _RECORD
    files = untar_members(
        fetch(SOURCES["cifar10"]).read_bytes(), _MEMBERS, member_limit=size, total_limit=(len(_MEMBERS) + 1) * size
    )
    parsed = [parse_cifar10(files[name]) for name in _MEMBERS]
    images_NHWC = np.concatenate([images for images, _ in parsed]).astype(np.float32) / 255
    dataset = make_dataset(images_NHWC, np.concatenate([labels for _, labels in parsed]), target_names=CLASSES)
    return flatten_inputs(dataset) if flatten else dataset
