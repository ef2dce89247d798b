"""Pieces of arrays: where they lie, and which of them a process reads."""

import json
import socket
import sys
from concurrent.futures import Future

import jax
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from nn_core.training.manifest import DamagedError, leaf_digest, verify
from nn_core.training.pieces import Box, box_of, boxes_of, digest_pieces, is_apart, overlap, whole
from nn_core.training.stored_arrays import begin, join, load_arrays
from nn_core.training.stored_arrays import finish as finish_reading
from tests.faults import finish, start
from tests.lives import ROOT

ARRAY = np.arange(6 * 10, dtype=np.float32).reshape(6, 10)


def described(*boxes: Box) -> dict:
    """An array as the manifest describes it, stored in these pieces."""
    pieces = []
    for box in boxes:
        digest = leaf_digest({"dtype": "float32", "shape": list(box.shape)}, ARRAY[box.slices()])
        pieces.append({"start": list(box.start), "shape": list(box.shape), "sha256": digest})
    return {"dtype": "float32", "shape": [6, 10], "pieces": pieces}


QUARTERS = [Box((row, column), (3, 5)) for row in (0, 3) for column in (0, 5)]


class Stored:
    """A stored array that notes what is read of it."""

    shape = ARRAY.shape

    def __init__(self) -> None:
        self.read_boxes: list[Box] = []
        self.numbers = ARRAY

    def __getitem__(self, index: tuple[slice, ...]) -> "Stored":
        part = Stored()
        part.numbers = self.numbers[index]
        self.read_boxes.append(box_of(index, self.shape))
        return part

    def read(self) -> Future:
        future: Future = Future()
        future.set_result(self.numbers)
        return future


class OverProcesses:
    """The sharding of an array of which this process has some boxes and other processes the rest."""

    is_fully_addressable = False

    def __init__(self, *mine: Box) -> None:
        self.mine = mine

    def addressable_devices_indices_map(self, shape: tuple[int, ...]) -> dict:
        return {device: box.slices() for device, box in enumerate(self.mine)}


@pytest.mark.parametrize(
    ("mine", "read"),
    [
        ([QUARTERS[2]], [QUARTERS[2]]),  # the mesh that it was saved on
        ([Box((0, 0), (6, 5))], [QUARTERS[0], QUARTERS[2]]),  # twice as large parts
        ([Box((1, 2), (2, 2))], [QUARTERS[0]]),  # a part of a piece
        ([Box((2, 4), (2, 2))], QUARTERS),  # a bit of each
        ([QUARTERS[0], QUARTERS[3]], [QUARTERS[0], QUARTERS[3]]),  # two devices
        ([whole((6, 10))], QUARTERS),  # copied everywhere
    ],
)
def test_only_the_pieces_that_overlap_are_read_and_they_are_joined_to_what_is_needed(mine, read):
    stored = Stored()
    reading = begin("params", "kernel", described(*QUARTERS), stored, OverProcesses(*mine))
    assert stored.read_boxes == read and reading.boxes == mine
    found = [(box, numbers.result()) for box, _, numbers in reading.pieces]
    for box in mine:
        np.testing.assert_array_equal(join(box, found), ARRAY[box.slices()])


def test_a_changed_piece_is_noticed_by_who_reads_it_and_by_nobody_else():
    entry = described(*QUARTERS)
    entry["pieces"][3]["sha256"] = entry["pieces"][0]["sha256"]
    np.testing.assert_array_equal(
        finish_reading(begin("params", "kernel", described(*QUARTERS), Stored(), None)), ARRAY
    )
    with pytest.raises(DamagedError, match="array params/kernel is damaged"):
        finish_reading(begin("params", "kernel", entry, Stored(), None))
    begin_other = begin("params", "kernel", entry, Stored(), OverProcesses(QUARTERS[1]))
    assert [box for box, _, _ in begin_other.pieces] == [QUARTERS[1]]


def test_boxes_of_a_mesh_are_its_different_parts():
    mesh = Mesh(np.asarray(jax.devices()[:2]), ("fsdp",))
    sharding = NamedSharding(mesh, P(None, "fsdp"))
    assert boxes_of(sharding, (6, 10)) == [Box((0, 0), (6, 5)), Box((0, 5), (6, 5))]
    assert boxes_of(NamedSharding(mesh, P()), (6, 10)) == [whole((6, 10))]
    assert overlap(QUARTERS[0], QUARTERS[1]) is None


def test_an_array_of_one_process_is_whole_however_many_devices_split_it():
    mesh = Mesh(np.asarray(jax.devices()[:2]), ("fsdp",))
    assert not is_apart(jax.device_put(ARRAY, NamedSharding(mesh, P(None, "fsdp"))))
    assert not is_apart(ARRAY) and digest_pieces({}) == {}


def test_two_processes_save_their_pieces_and_each_reads_what_it_needs(tmp_path):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = str(listening.getsockname()[1])
    command = [sys.executable, "-m", "tests.training.two_processes", str(tmp_path / "steps"), port]
    pair = [start([*command, str(process)], cwd=ROOT) for process in (0, 1)]
    ended = [finish(process, timeout=300) for process in pair]
    assert [one.code for one in ended] == [0, 0], ended
    first, second = (json.loads(one.out.splitlines()[-1]) for one in ended)
    for told in (first, second):
        assert "parameter kernel is not finite" in told["not finite"]
        # A piece has 12 elements; each process needs two of the four, or all.
        numbers = [told[name][:3] for name in ("same", "across", "copies")]
        assert numbers == [[2, True, 24], [2, True, 24], [2, True, 48]]
        assert told["damaged"][:2] == [2, True]
        (note,) = told["damaged"][3]
        assert "/3: params/ocdbt.process_1/d/" in note and "is damaged; set aside as corrupt" in note
        assert not told["same"][3]
    names = sorted(path.name for path in (tmp_path / "steps").iterdir())
    assert names == ["1", "2", "corrupt-3-1"]
    arrays = load_arrays(tmp_path / "steps" / "2", verify(tmp_path / "steps" / "2")["leaves"])
    np.testing.assert_array_equal(arrays["params"]["kernel"], np.arange(48.0).reshape(6, 8))
