"""Files of tensors in the safetensors format, read and written piece by piece, with a strict look at the header.

    8 bytes: length N of the header | N bytes of JSON: {name: {dtype, shape, data_offsets}} | the tensors, end to end

A tensor goes into its place a window at a time, so that loading a model needs little more memory than the model.
Inventory F176.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import ml_dtypes
import numpy as np

from nn_core.files import whole_file

LONGEST_HEADER = 100_000_000  # bytes, the limit of the safetensors library too
WINDOW = 2**20  # bytes of a file that are read at a time: they are still in the cache when they are checked and turned
METADATA = "__metadata__"

FLOATS: dict[str, Any] = {"F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}
# Bytes of an entry; what is not in FLOATS can only be a buffer that nothing reads.
SIZES = {
    **{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1},
    **{"U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1},
}


class PretrainedError(ValueError):
    """A folder that cannot be read, in one line: what is wrong, where, and the way out."""


class Stored(NamedTuple):
    """Where a tensor lies.

    Attributes:
        path: the file.
        name: in the file.
        dtype: a key of SIZES.
        shape: of the tensor.
        offset: of its first byte in the file.
    """

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


def read_header(path: Path) -> dict[str, Stored]:
    """The tensors of a file by name; reads the header and nothing else.

    Raises:
        PretrainedError: no file, or a wrong header: a wrong length, wrong sizes, offsets that overlap or leave holes, a
            file that is shorter or longer than it says.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            if len(start) < 8:
                raise PretrainedError(f"{path} has {size} bytes and is not a safetensors file; download it again")
            length = int.from_bytes(start, "little")
            if length > LONGEST_HEADER or length > size - 8:
                raise PretrainedError(
                    f"{path} says its header has {length:,} bytes, of a file of {size:,} (most: {LONGEST_HEADER:,}); "
                    "it is truncated or no safetensors file, download it again"
                )
            text = file.read(length)
    except OSError as error:
        raise PretrainedError(f"{path} cannot be read ({error.strerror}); download it again") from None
    entries = _parse(path, text)
    entries.pop(METADATA, None)
    found = {name: _stored(path, name, entry, 8 + length) for name, entry in entries.items()}
    end = 8 + length
    for stored in sorted(found.values(), key=lambda stored: (stored.offset, num_bytes(stored))):
        if stored.offset != end:
            raise _damaged(path, f"tensor {stored.name!r} does not begin where the one before it ends")
        end += num_bytes(stored)
    if end != size:
        kind = "truncated" if size < end else "longer than its header says"
        raise PretrainedError(f"{path} is {kind}: {size:,} bytes instead of {end:,}; download it again")
    return found


def num_bytes(stored: Stored) -> int:
    """The length of a tensor in its file."""
    return math.prod(stored.shape) * SIZES[stored.dtype]


def read_into(stored: Stored, out: np.ndarray, places: tuple[slice, ...] | None = None) -> None:
    """Copies a tensor, or a part of it, into an array of any strides, a window at a time.

    Args:
        stored: which.
        out: takes the numbers, converted to its dtype.
        places: the part, a slice with a step of 1 for each axis; None: all of it.
    Raises:
        PretrainedError: numbers that are not finite, or no floating-point numbers at all.
    """
    if stored.dtype not in FLOATS:
        raise _damaged(stored.path, f"tensor {stored.name!r} is {stored.dtype}, and weights are {', '.join(FLOATS)}")
    shape = stored.shape or (1,)
    places = places or tuple(slice(0, length) for length in shape)
    out = out if stored.shape else out.reshape(1)
    row = math.prod(shape[1:]) * SIZES[stored.dtype]
    if out.size == 0:
        return
    step = max(1, WINDOW // max(row, 1))
    first, last = places[0].start, places[0].stop
    with stored.path.open("rb", buffering=0) as file:
        for begin in range(first, last, step):
            target = out[begin - first : min(begin + step, last) - first]
            part = _window(file, stored, begin, target, places[1:])
            if not _finite(part):
                raise PretrainedError(
                    f"{stored.path}: tensor {stored.name!r} holds numbers that are not finite; download it again"
                )
            if part is not target:
                target[...] = part


def _window(file: BinaryIO, stored: Stored, begin: int, target: np.ndarray, inner: tuple[slice, ...]) -> np.ndarray:
    """Some rows of a tensor: the target itself where it can take the bytes as they are, else an array of its shape."""
    shape, dtype = (len(target), *stored.shape[1:]), np.dtype(FLOATS[stored.dtype])
    offset = stored.offset + begin * math.prod(shape[1:]) * dtype.itemsize
    if target.shape != shape:  # a part of each row: only the pages that hold it are read
        return np.memmap(stored.path, dtype, "r", offset, shape)[(slice(None), *inner)]
    straight = target.dtype == dtype and target.flags.c_contiguous
    part = target if straight else np.empty(shape, dtype)
    left = part.reshape(-1).view(np.uint8).data
    file.seek(offset)
    while len(left):
        count = file.readinto(left)  # type: ignore[attr-defined]
        if not count:
            raise PretrainedError(f"{stored.path} became shorter while it was read; download it again")
        left = left[count:]
    return part


def write_file(
    path: Path, tensors: Iterable[tuple[str, np.ndarray]], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes tensors; the file is there whole or not at all.

    Args:
        path: of the file.
        tensors: (name, array of float32, float16 or bfloat16, of any strides); gone through twice.
        metadata: strings; transformers wants {"format": "pt"}.
    """
    names = {np.dtype(dtype): name for name, dtype in FLOATS.items()}
    listed, end = list(tensors), 0
    entries: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    for name, array in listed:
        entry = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": [end, end + array.nbytes]}
        entries[name], end = entry, end + array.nbytes
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with whole_file(path) as part, part.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array in listed:
            file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _finite(part: np.ndarray) -> bool:
    with np.errstate(all="ignore"):  # a sum is one pass without an array of booleans, but large numbers may overflow
        return bool(np.isfinite(np.sum(part, dtype=np.float32)) or np.isfinite(part).all())


def _parse(path: Path, text: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name stands twice")
        return dict(pairs)

    try:
        entries = json.loads(text.decode("utf-8"), object_pairs_hook=unique)
        if not isinstance(entries, dict):
            raise ValueError(f"{type(entries).__name__} instead of an object")
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error).splitlines()[0]) from None
    return entries


def _stored(path: Path, name: str, entry: Any, base: int) -> Stored:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise _damaged(path, f"the entry {name[:80]!r} does not hold dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in SIZES:
        raise _damaged(path, f"tensor {name[:80]!r} has the dtype {str(dtype)[:20]!r}; known are {', '.join(SIZES)}")
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2 or len(shape) > 16:
        raise _damaged(path, f"tensor {name[:80]!r} has a shape or offsets that are not lists of counts")
    stored = Stored(path, name, dtype, tuple(shape), base + offsets[0])
    if offsets[1] - offsets[0] != num_bytes(stored):
        raise _damaged(path, f"tensor {name[:80]!r} of shape {tuple(shape)} does not fill its {offsets} bytes")
    return stored


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and 0 <= number < 2**62 for number in value)


def _damaged(path: Path, reason: str) -> PretrainedError:
    return PretrainedError(f"{path} is damaged: {reason}; download it again")
