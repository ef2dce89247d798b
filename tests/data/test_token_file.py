"""Token files: written in pieces, read as a map, checked on both ways."""

import tracemalloc
from pathlib import Path

import numpy as np
import psutil
import pytest

from nn_core.data.token_file import read_token_file, token_dtype, write_token_file


@pytest.mark.parametrize(("vocabulary_size", "dtype"), [(1, "u2"), (65536, "u2"), (65537, "u4"), (2**32, "u4")])
def test_smallest_type_that_holds_the_ids(vocabulary_size: int, dtype: str, tmp_path: Path) -> None:
    assert token_dtype(vocabulary_size) == np.dtype(dtype)
    write_token_file(tmp_path / "t.npy", [np.array([0, vocabulary_size - 1])], vocabulary_size)
    tokens = read_token_file(tmp_path / "t.npy", vocabulary_size)
    assert tokens.dtype == np.dtype(dtype) and tokens.tolist() == [0, vocabulary_size - 1]


def test_pieces_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "tokens.npy"
    pieces = [np.arange(n, dtype=np.int32) for n in (3, 0, 100_003)]
    assert write_token_file(path, iter(pieces), 100_003) == 100_006
    tokens = read_token_file(path, 100_003)
    assert isinstance(tokens, np.memmap) and not tokens.flags.writeable
    np.testing.assert_array_equal(tokens, np.concatenate(pieces))
    np.testing.assert_array_equal(np.load(path, allow_pickle=False), tokens)  # an ordinary .npy file
    assert [p.name for p in tmp_path.iterdir()] == ["tokens.npy"]


@pytest.mark.parametrize("bad", [[0, 7], [-1], [0.5], [[1]]])
def test_bad_ids_are_refused_and_the_old_file_stays(bad: list[object], tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    write_token_file(path, [np.array([5])], 7)
    with pytest.raises(
        ValueError, match=r"token 3 is -1|token 4 is 7, out of range.*ids 0..6|give rows of integers"
    ) as caught:
        write_token_file(path, [np.array([1, 2, 3]), np.array(bad)], 7)
    assert "\n" not in str(caught.value)
    assert read_token_file(path, 7).tolist() == [5]
    assert [p.name for p in tmp_path.iterdir()] == ["t.npy"]


@pytest.mark.parametrize("pieces", [[], [np.array([], np.int32)]])
def test_no_token(pieces: list[np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no tokens to write"):
        write_token_file(tmp_path / "t.npy", pieces, 7)
    assert list(tmp_path.iterdir()) == []


def test_file_of_another_tokenizer(tmp_path: Path) -> None:
    write_token_file(tmp_path / "t.npy", [np.array([1, 2, 6, 3])], 7)
    with pytest.raises(ValueError, match="token 2 is 6, out of range; a vocabulary of 6 .*another tokenizer"):
        read_token_file(tmp_path / "t.npy", 6)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "floats", "2-D", "objects", "zip", "missing", "huge"])
def test_what_is_no_token_file(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    write_token_file(path, [np.arange(1000)], 1000)
    data = path.read_bytes()
    if damage == "floats":
        np.save(path, np.ones(3))
    elif damage == "2-D":
        np.save(path, np.ones((3, 3), np.uint16))
    elif damage == "objects":
        np.save(path, np.array([{}]), allow_pickle=True)
    elif damage == "zip":
        with path.open("wb") as file:
            np.savez(file, tokens=np.arange(3, dtype=np.uint16))
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes(
            {"cut": data[:-2], "empty": b"", "text": b"tokens", "huge": data.replace(b"(1000,)", b"(2**9,)")}[damage]
        )
    with pytest.raises(ValueError, match="is not a whole token file|holds no row of uint16 or uint32 tokens") as caught:
        read_token_file(path, 1000)
    assert "\n" not in str(caught.value)


def test_writing_and_reading_take_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    piece = np.zeros(100_000, np.uint16)
    tracemalloc.start()
    write_token_file(path, (piece for _ in range(100)), 9)  # 20 MB on disk
    read_token_file(path, 9)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 20_000_000 > 2 * peak


def test_what_was_checked_does_not_stay_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    write_token_file(path, (np.zeros(1 << 22, np.uint16) for _ in range(16)), 9)  # 134 MB on disk
    before = psutil.Process().memory_info().rss
    tokens = read_token_file(path, 9)
    assert len(tokens) == 1 << 26 and psutil.Process().memory_info().rss - before < 60_000_000
