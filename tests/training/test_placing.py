"""Where the arrays of a population lie: data once for all devices of a CPU."""

import jax
import numpy as np
from jax.sharding import Mesh

from nn_core.training.population import MEMBER_AXIS, aligned, place


def unaligned(size: int) -> np.ndarray:
    """Numbers that begin four bytes behind a multiple of 64."""
    room = np.empty(4 * size + 128, np.uint8)
    start = -room.ctypes.data % 64 + 4
    numbers = room[start : start + 4 * size].view(np.float32)
    numbers[:] = np.arange(size)
    return numbers


def test_data_lie_once_in_memory_for_all_devices() -> None:
    mesh = Mesh(np.asarray(jax.devices()), (MEMBER_AXIS,))
    given = unaligned(1009)
    data = {
        "inputs": aligned(given.reshape(1, 1009)),
        "targets": aligned(np.asfortranarray(np.ones((7, 11), np.int32))),
    }
    np.testing.assert_array_equal(data["inputs"][0], given)
    for host, placed in zip(jax.tree.leaves(data), jax.tree.leaves(place(data, mesh, by_member=False)), strict=True):
        places = {shard.data.unsafe_buffer_pointer() for shard in placed.addressable_shards}
        assert places == {host.ctypes.data}


def test_only_arrays_that_would_be_copied_are_made_anew() -> None:
    fitting = aligned(unaligned(13))
    wide, on_device = np.arange(3.0), jax.numpy.arange(3)  # a device stores float64 as float32
    for kept in (fitting, wide, on_device):
        assert aligned(kept) is kept
