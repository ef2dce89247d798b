"""Reads the arrays of a checkpoint step: of each the pieces that this process needs, verified.

Orbax writes by TensorStore, a chunk for a piece. Reading asks TensorStore itself: Orbax reads a whole array, or the part
that a device gets, but a digest belongs to a piece as it was written, on whatever mesh that was.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Sharding

from nn_core.training.manifest import CheckpointError, DamagedError, leaf_digest
from nn_core.training.pieces import Box, box_of, boxes_of, overlap, whole

AHEAD = 16  # arrays that are being read while one is put together

Leaves = Mapping[str, Mapping[str, Any]]  # kind -> path -> description
Shardings = Mapping[str, Mapping[str, Sharding | None]]  # kind -> path -> where the array will lie


class Reading(NamedTuple):
    """An array that is being read.

    Attributes:
        kind, name: of the array.
        shape: as it is stored.
        sharding: over several processes; None: this process needs the whole array.
        boxes: the parts that it needs.
        pieces: the stored pieces that cover them: box, description with digest, numbers to come.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    sharding: Sharding | None
    boxes: list[Box]
    pieces: list[tuple[Box, Mapping[str, Any], Any]]


def load_arrays(path: Path, described: Leaves, shardings: Shardings | None = None) -> dict[str, dict[str, Any]]:
    """The arrays of a verified step, each piece checked against the digest taken before it was written.

    Args:
        path: the step's directory.
        described: the kinds to load, from the manifest.
        shardings: where they will lie; of an array over several processes each reads its own parts only.
    Returns:
        {kind: {name: a NumPy array, or a JAX array where the sharding spans several processes}}.
    Raises:
        DamagedError: an array is not what was saved.
        CheckpointError: the step cannot be read although its files are what was written.
    """
    arrays: dict[str, dict[str, Any]] = {
        kind: {name: empty(entry) for name, entry in entries.items()} for kind, entries in described.items()
    }
    try:
        for reading in ahead(path, described, shardings or {}):
            arrays[reading.kind][reading.name] = finish(reading)
    except CheckpointError:
        raise
    except Exception as error:  # TensorStore raises ValueError, KeyError, …
        # The files are sound, so this is not damage, unless a running training has removed the step meanwhile.
        raised = CheckpointError if path.is_dir() else DamagedError
        raise raised(f"{path} cannot be read ({brief(error)})") from error
    return arrays


def brief(error: BaseException) -> str:
    """An error on one line of a message."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}{'…' if len(text) > 200 else ''}"


def empty(entry: Mapping[str, Any]) -> np.ndarray | None:
    """An array without elements, of which nothing is stored."""
    dtype = jax.dtypes.canonicalize_dtype(entry["dtype"]) if not np.prod(entry["shape"]) else None
    return None if dtype is None else np.zeros(entry["shape"], dtype)


def ahead(path: Path, described: Leaves, shardings: Shardings) -> Iterator[Reading]:
    """The arrays in order, the next ones being read meanwhile."""
    import tensorstore  # here, because a config that is refused need not wait for it

    context, waiting = tensorstore.Context(), deque[Reading]()
    for kind, entries in described.items():
        for name, entry in entries.items():
            if empty(entry) is not None:
                continue
            store = {"driver": "ocdbt", "base": {"driver": "file", "path": f"{(path / kind).as_posix()}/"}}
            spec = {"driver": "auto", "kvstore": store | {"path": f"{name}/"}}
            stored = tensorstore.open(spec, context=context, read=True).result()
            waiting.append(begin(kind, name, entry, stored, shardings.get(kind, {}).get(name)))
            if len(waiting) > AHEAD:
                yield waiting.popleft()
    yield from waiting


def begin(kind: str, name: str, entry: Mapping[str, Any], stored: Any, sharding: Sharding | None) -> Reading:
    """Begins to read what this process needs of an array."""
    shape = tuple(stored.shape)
    apart = None if sharding is None or sharding.is_fully_addressable or "key_impl" in entry else sharding
    boxes = [whole(shape)] if apart is None else boxes_of(apart, shape, mine=True)
    pieces = []
    for piece in entry.get("pieces", [entry]):
        box = Box(tuple(piece["start"]), tuple(piece["shape"])) if "start" in piece else whole(shape)
        if any(overlap(box, other) for other in boxes):
            pieces.append((box, {"dtype": entry["dtype"]} | piece, stored[box.slices()].read()))
    return Reading(kind, name, shape, apart, boxes, pieces)


def finish(reading: Reading) -> Any:
    """The array, once its pieces are there and found unchanged."""
    found = [(box, np.asarray(numbers.result())) for box, _, numbers in reading.pieces]
    for (_, entry, _), (_, numbers) in zip(reading.pieces, found, strict=True):
        if leaf_digest(entry, numbers) != entry["sha256"]:
            raise DamagedError(f"array {reading.kind}/{reading.name} is damaged")
    parts = {box: join(box, found) for box in reading.boxes}
    if reading.sharding is None:
        return parts[whole(reading.shape)]
    return jax.make_array_from_callback(
        reading.shape, reading.sharding, lambda index: parts[box_of(index, reading.shape)]
    )


def join(box: Box, pieces: list[tuple[Box, np.ndarray]]) -> np.ndarray:
    """A part of an array from the pieces that it overlaps."""
    for place, numbers in pieces:
        if place == box:
            return numbers
    joined = np.empty(box.shape, pieces[0][1].dtype)
    for place, numbers in pieces:
        common = overlap(box, place)
        if common is not None:
            joined[common.slices(box.start)] = numbers[common.slices(place.start)]
    return joined
