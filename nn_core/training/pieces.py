"""Arrays that several processes hold together: the pieces that each of them writes, and those that it has to read.

A piece is what one device holds of a split array, a box of its indices. Each piece has a digest of its own, so neither
writing nor reading needs the whole array on one machine, and a mesh of another shape reads the pieces that it overlaps.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding, Sharding
from jax.sharding import PartitionSpec as P

from nn_core.training.manifest import CheckpointError, is_key, leaf_digest

DIGEST_BYTES = 32  # of sha256
REASON_BYTES = 256  # of a reason that processes tell each other


class Box(NamedTuple):
    """The indices start <= i < start + shape of an array, in each dimension."""

    start: tuple[int, ...]
    shape: tuple[int, ...]

    def slices(self, origin: tuple[int, ...] | None = None) -> tuple[slice, ...]:
        """As an index of the whole array, or of a box that begins at `origin`."""
        begin = np.subtract(self.start, origin or (0,) * len(self.start)).tolist()
        return tuple(slice(first, first + size) for first, size in zip(begin, self.shape, strict=True))


def is_apart(leaf: Any) -> bool:
    """Whether an array is split over several processes; arrays of keys, which are small, count as whole."""
    held = isinstance(leaf, jax.Array) and (leaf.is_fully_addressable or leaf.is_fully_replicated)
    return isinstance(leaf, jax.Array) and not held and not is_key(leaf)


def whole(shape: Iterable[int]) -> Box:
    """All of an array.

    >>> whole([2, 3])
    Box(start=(0, 0), shape=(2, 3))
    """
    shape = tuple(shape)
    return Box((0,) * len(shape), shape)


def box_of(index: tuple[slice, ...] | None, shape: tuple[int, ...]) -> Box:
    """The box of an index of slices; None is all of the array.

    >>> box_of((slice(2, None), slice(None)), (5, 3))
    Box(start=(2, 0), shape=(3, 3))
    """
    if index is None:
        return whole(shape)
    ends = [part.indices(size)[:2] for part, size in zip(index, shape, strict=True)]
    return Box(tuple(first for first, _ in ends), tuple(last - first for first, last in ends))


def boxes_of(sharding: Sharding, shape: tuple[int, ...], *, mine: bool = False) -> list[Box]:
    """The different boxes of an array, in order; `mine`: only those of this process."""
    places = sharding.addressable_devices_indices_map(shape) if mine else sharding.devices_indices_map(shape)
    return sorted({box_of(index, shape) for index in places.values()})


def overlap(one: Box, other: Box) -> Box | None:
    """What two boxes of an array share, or None.

    >>> overlap(Box((0, 2), (4, 4)), Box((3, 0), (9, 3)))
    Box(start=(3, 2), shape=(1, 1))
    """
    start = np.maximum(one.start, other.start)
    size = np.minimum(np.add(one.start, one.shape), np.add(other.start, other.shape)) - start
    return Box(tuple(start.tolist()), tuple(size.tolist())) if np.all(size > 0) else None


def without_first_axis(array: jax.Array) -> jax.Array:
    """A split array without its first axis, of size 1, piece by piece: no process needs those of others."""
    mesh, spec = _layout(array)
    return _reshaped(array, array.shape[1:], NamedSharding(mesh, P(*spec[1:])))


def with_first_axis(array: jax.Array, axis: str) -> jax.Array:
    """The inverse of `without_first_axis`; `axis` is the mesh axis, of size 1, that the new dimension is split over."""
    mesh, spec = _layout(array)
    return _reshaped(array, (1, *array.shape), NamedSharding(mesh, P(axis, *spec)))


def _layout(array: jax.Array) -> tuple[Any, P]:
    if not isinstance(array.sharding, NamedSharding):
        raise TypeError(f"an array that is split by a mesh is expected, not by {array.sharding}")
    return array.sharding.mesh, array.sharding.spec


def _reshaped(array: jax.Array, shape: tuple[int, ...], sharding: NamedSharding) -> jax.Array:
    parts = [shard.data.reshape(sharding.shard_shape(shape)) for shard in array.addressable_shards]
    return jax.make_array_from_single_device_arrays(shape, sharding, parts)


def digest_pieces(arrays: Mapping[str, jax.Array]) -> dict[str, list[dict[str, Any]]]:
    """The pieces of split arrays, each digested where it lies; every process must call this.

    Args:
        arrays: by name; of the same names, shapes and shardings in every process.
    Returns:
        For each array its pieces as the manifest keeps them: start, shape, sha256.
    Raises:
        CheckpointError: copies of a piece differ.
    """
    places = {name: boxes_of(array.sharding, array.shape) for name, array in arrays.items()}
    rows = {(name, box): row for row, (name, box) in enumerate((n, b) for n in places for b in places[n])}
    if not rows:
        return {}
    digests_ND = np.zeros((len(rows), DIGEST_BYTES), np.uint8)
    for name, array in arrays.items():
        for shard in array.addressable_shards:
            box = box_of(shard.index, array.shape)
            entry = {"dtype": str(array.dtype), "shape": list(box.shape)}
            digest = bytes.fromhex(leaf_digest(entry, np.asarray(shard.data)))
            digests_ND[rows[name, box]] = np.frombuffer(digest, np.uint8)
    told_PND = multihost_utils.process_allgather(digests_ND)
    found_ND = told_PND.max(axis=0)
    for (name, _), row in rows.items():
        if any(told.any() and (told != found_ND[row]).any() for told in told_PND[:, row]):
            raise CheckpointError(f"processes hold different copies of {name}; this state cannot be saved")
    return {
        name: [
            {"start": list(box.start), "shape": list(box.shape), "sha256": found_ND[rows[name, box]].tobytes().hex()}
            for box in boxes
        ]
        for name, boxes in places.items()
    }


def first_reason(reason: str) -> str:
    """The first reason that a process gives, "" where none does; every process must call this.

    What one process finds (damage, a number that is not finite) the others must heed, or they would wait for ever.
    """
    if jax.process_count() == 1:
        return reason
    raw = reason.encode()[:REASON_BYTES]
    told_PB = multihost_utils.process_allgather(np.frombuffer(raw.ljust(REASON_BYTES, b"\0"), np.uint8))
    texts = (bytes(row).rstrip(b"\0").decode(errors="ignore") for row in told_PB)
    return next((text for text in texts if text), "")
