"""IDX files: every type, every damage, and MNIST's real test part."""

import gzip
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from nn_core.data import idx
from nn_core.data.idx import parse_idx, read_idx


def idx_bytes(array: np.ndarray, code: int) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@pytest.mark.parametrize("code", TYPES)
def test_every_type(code: int) -> None:
    array = np.arange(-3, 27).reshape(2, 3, 5).astype(TYPES[code])
    parsed = parse_idx(idx_bytes(array, code))
    np.testing.assert_array_equal(parsed, array)
    assert parsed.dtype == np.dtype(TYPES[code]).newbyteorder("=")


GOOD = idx_bytes(np.arange(6, dtype=">u1").reshape(2, 3), 0x08)
BAD = {
    "nothing": b"",
    "short": GOOD[:3],
    "magic": b"\1" + GOOD[1:],
    "type": GOOD[:2] + b"\x07" + GOOD[3:],
    "no axis": GOOD[:3] + b"\0" + GOOD[4:],
    "many axes": GOOD[:3] + b"\5" + GOOD[4:],
    "header cut": GOOD[:9],
    "data cut": GOOD[:-1],
    "data added": GOOD + b"x",
    "huge shape": GOOD[:4] + b"\xff" * 8 + GOOD[12:],
    "text": b"<html>404</html>",
}


@pytest.mark.parametrize("name", BAD)
def test_damage_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no IDX file|its header announces") as caught:
        parse_idx(BAD[name])
    assert "\n" not in str(caught.value)


def test_random_bytes_give_value_error_only() -> None:
    rng = random.Random(3)
    for _ in range(500):
        data = bytearray(GOOD)
        data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            parse_idx(bytes(data[: rng.randint(0, len(data))]))
        except ValueError:
            pass


def test_files_packed_or_not(tmp_path: Path) -> None:
    for name, data in (("plain", GOOD), ("packed", gzip.compress(GOOD))):
        (tmp_path / name).write_bytes(data)
        assert read_idx(tmp_path / name).tolist() == [[0, 1, 2], [3, 4, 5]]
    (tmp_path / "bomb").write_bytes(gzip.compress(GOOD + bytes(10_000_000)))
    with pytest.raises(ValueError, match="bomb: gzip content is larger than 1000 bytes"):
        read_idx(tmp_path / "bomb", max_bytes=1000)


def test_mnist_test_part(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NN_CORE_DATA_DIR", str(shared_data))
    data = idx.mnist_t10k()
    assert data.inputs.shape == (10_000, 28, 28, 1) and data.inputs.max() == 1.0 and data.inputs.min() == 0.0
    assert data.targets[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(data.targets).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    rows = idx.mnist_t10k(flatten=True)
    assert rows.inputs.shape == (10_000, 784)
    small = rows.inputs[::10]
    assert (
        KNeighborsClassifier(3).fit(small[:800], rows.targets[::10][:800]).score(small[800:], rows.targets[8000::10])
        > 0.8
    )


def test_whole_sets_put_the_test_part_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part, size in (("train", 5), ("t10k", 3)):
        images = np.full((size, 28, 28), 51 if part == "train" else 255, ">u1")
        labels = np.arange(size, dtype=">u1")
        for kind, array in (("images", images), ("labels", labels)):
            (tmp_path / f"{part}_{kind}").write_bytes(gzip.compress(idx_bytes(array, 0x08)))

    def find(source: str) -> Path:
        return tmp_path / source

    monkeypatch.setattr(
        idx, "SOURCES", {f"{s}_{p.name}": p.name for p in tmp_path.iterdir() for s in ("mnist", "fashion_mnist")}
    )
    monkeypatch.setattr(idx, "fetch", find)
    for load, name in ((idx.mnist, "7"), (idx.fashion_mnist, "sneaker")):
        data = load()
        assert data.inputs.shape == (8, 28, 28, 1) and data.target_names[7] == name
        assert data.inputs[:, 0, 0, 0].tolist() == pytest.approx([0.2] * 5 + [1.0] * 3)
        assert data.targets.tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
