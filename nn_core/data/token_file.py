"""Token ids on disk, for text that does not fit in memory: a NumPy .npy file of uint16 or uint32, memory-mapped.

The .npy header carries type and length, so a file needs no further description; nothing in it can run code.

Why a memory map and no loader such as Grain: a batch is windows at random places of one row of numbers, and the places
are a function of (seed, step). So there is no reader whose state would have to be kept, no epoch to shuffle, nothing to
decode, and nothing for a pool of workers to do: a chunk of 20 steps of 64 windows of 1,024 tokens is copied out of a
file of 10^9 in 30 ms, those of the small GPT (64 tokens) in 6 ms, of the seconds that such steps take. Where several
processes train one run, each reads its own windows: they are the workers.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from nn_core.data.checks import check_int
from nn_core.files import whole_file

_HEADER_VERSION = (1, 0)
_CHECKED_AT_ONCE = 1 << 22


def token_dtype(vocabulary_size: int) -> np.dtype:
    """The smallest of uint16 and uint32 that holds the ids 0..vocabulary_size-1."""
    check_int("vocabulary_size", vocabulary_size, 1, 1 << 32)
    return np.dtype(np.uint16 if vocabulary_size <= 1 << 16 else np.uint32)


def write_token_file(path: str | Path, pieces: Iterable[np.ndarray], vocabulary_size: int) -> int:
    """Writes token ids piece by piece, in constant memory; the file appears under its name only when it is whole.

    Args:
        path: the file to write or replace.
        pieces: arrays (n,) of integer ids in 0..vocabulary_size-1, for instance an encoder's output per piece of text.
        vocabulary_size: V.
    Returns:
        The number of tokens written.
    Raises:
        ValueError: an id out of range, a piece that is not a row of integers, or no tokens at all.
    """
    dtype = token_dtype(vocabulary_size)
    with whole_file(path, shared=True) as part, part.open("wb") as file:
        _write_header(file, dtype, 0)
        start = file.tell()
        num_tokens = 0
        for piece in pieces:
            ids_T = np.asarray(piece)
            _check_ids(ids_T, vocabulary_size, num_tokens)
            file.write(np.ascontiguousarray(ids_T, dtype).data)
            num_tokens += len(ids_T)
        if not num_tokens:
            raise ValueError(f"no tokens to write to {path}; give a text that is not empty")
        file.seek(0)
        _write_header(file, dtype, num_tokens)  # NumPy pads headers so that a longer length still fits
        if file.tell() != start:
            raise ValueError(f"the .npy header of {path} does not fit {num_tokens} tokens; write fewer")
    return num_tokens


def read_token_file(path: str | Path, vocabulary_size: int) -> np.ndarray:
    """A read-only memory map (T,) of the ids; only the parts that are used are read into memory.

    All ids are read once to check them, because on the device an id out of range would pass unnoticed. That map is let
    go of: this process would otherwise count the whole file as its memory.

    Raises:
        ValueError: not a token file, a truncated one, or an id >= vocabulary_size.
    """
    check_int("vocabulary_size", vocabulary_size, 1, 1 << 32)
    tokens_T = _open(path)
    if tokens_T.ndim != 1 or tokens_T.dtype not in (np.uint16, np.uint32):
        raise ValueError(f"{path} holds no row of uint16 or uint32 tokens; write it with write_token_file")
    for start in range(0, len(tokens_T), _CHECKED_AT_ONCE):
        _check_ids(tokens_T[start : start + _CHECKED_AT_ONCE], vocabulary_size, start)
    return _open(path)


def _open(path: str | Path) -> np.ndarray:
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is not a whole token file ({error}); write it again with write_token_file") from error


def _write_header(file: object, dtype: np.dtype, length: int) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(file, header)  # type: ignore[arg-type]


def _check_ids(ids_T: np.ndarray, vocabulary_size: int, first: int) -> None:
    if ids_T.ndim != 1 or ids_T.dtype.kind not in "iu":
        raise ValueError(f"tokens have shape {ids_T.shape} and dtype {ids_T.dtype}; give rows of integers")
    if len(ids_T) and not (0 <= int(ids_T.min()) and int(ids_T.max()) < vocabulary_size):
        place = int(np.argmax((ids_T < 0) | (ids_T >= vocabulary_size)))
        raise ValueError(
            f"token {first + place} is {ids_T[place]}, out of range; a vocabulary of {vocabulary_size} has ids "
            f"0..{vocabulary_size - 1}: was it encoded with another tokenizer?"
        )
