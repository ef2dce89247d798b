"""CIFAR-10's binary records: channels first in the file, last in memory."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from nn_core.data import cifar
from nn_core.data.cifar import parse_cifar10


def record(label: int, red: int, green: int, blue: int) -> bytes:
    planes = np.stack([np.full((32, 32), value, np.uint8) for value in (red, green, blue)])
    planes[0, 1, 2] = 255  # red, row 1, column 2
    return bytes([label]) + planes.tobytes()


def test_planes_become_channels() -> None:
    images, labels = parse_cifar10(record(3, 10, 20, 30) + record(9, 1, 2, 3))
    assert images.shape == (2, 32, 32, 3) and labels.tolist() == [3, 9]
    assert images[0, 0, 0].tolist() == [10, 20, 30] and images[1, 31, 31].tolist() == [1, 2, 3]
    assert images[0, 1, 2].tolist() == [255, 20, 30] and images[0, 2, 1].tolist() == [10, 20, 30]


@pytest.mark.parametrize("data", [b"", record(0, 0, 0, 0)[:-1], record(0, 0, 0, 0) + b"x"])
def test_partial_records_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no multiple of 3073"):
        parse_cifar10(data)


def test_label_out_of_range() -> None:
    with pytest.raises(ValueError, match="record 1 has label 10; labels are 0..9"):
        parse_cifar10(record(0, 0, 0, 0) + record(10, 0, 0, 0))


def test_archive_in_order_with_the_test_part_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cifar.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, label in (("test_batch", 5), *((f"data_batch_{i}", i - 1) for i in (3, 1, 2, 5, 4)), ("readme", 9)):
            data = record(label, label, 0, 0)
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    monkeypatch.setattr(cifar, "fetch", lambda source: path)
    data = cifar.cifar10()
    assert data.inputs.shape == (6, 32, 32, 3) and data.targets.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(data.inputs[:, 0, 0, 0] * 255, [0, 1, 2, 3, 4, 5], rtol=1e-6)
    assert cifar.cifar10(flatten=True).inputs.shape == (6, 3072)
