"""What a population leaves on disk: its checkpoints, its log, and the results that mark it as finished."""

import csv
import math
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from experiments.command_line import processes
from experiments.run_directory import results
from experiments.run_directory.extension import STEPS as LENGTH
from experiments.run_directory.extension import check_longer, is_longer
from experiments.run_directory.files import append_rows, compare, cut_metrics, decode, entry, refusal
from experiments.run_directory.results import Row, finite_or_none
from nn_core.training.checkpoint import Checkpointer, open_checkpoints, save, values
from nn_core.training.manifest import CheckpointError
from nn_core.training.pieces import is_apart, with_first_axis, without_first_axis
from nn_core.training.population import MEMBER_AXIS
from nn_core.training.restore import Restored, restore_latest
from nn_core.training.state import TrainState, pack, unpack

STEPS = "steps"  # folder of the checkpoints in the folder of a population


class Policy(NamedTuple):
    """When and what is saved.

    Attributes:
        every_seconds: least time between two saves; 0 saves after every chunk.
        keep_latest: number of newest steps to keep, >= 1.
        keep_best: number of steps with the lowest validation loss to keep as well.
        members: number of runs; later rows of the state are padding and are not saved.
        single: the folder holds one run; its checkpoints have no member axis.
        record: what each checkpoint says about its run, as plain JSON.
    """

    every_seconds: float
    keep_latest: int
    keep_best: int
    members: int
    single: bool
    record: dict[str, Any]


class Store:
    """An open folder of a population: appends to its log, saves its state and restores it."""

    def __init__(self, folder: Path, policy: Policy, checkpointer: Checkpointer):
        self.folder, self.policy, self.checkpointer = folder, policy, checkpointer
        self.last_save = self.last_best_save = time.monotonic()
        self.last_step: int | None = None
        self.evaluated: tuple[int, float] | None = None  # the last evaluation of a single run: step, validation loss
        self.lowest = math.inf  # validation loss of the best step that is saved

    @property
    def log_path(self) -> Path:
        """metrics.jsonl."""
        return entry(self.folder, results.METRICS)

    def resume(self, shapes: TrainState) -> tuple[tuple[int, TrainState] | None, tuple[str, ...]]:
        """Restores the newest sound state and cuts the log back to it; returns ((step, state) or None, lines for the user).

        Args:
            shapes: of the population's state, with the shardings that it must have.
        Raises:
            CheckpointError: no sound state is left, or it belongs to another config.
        """
        params, training = pack(jax.tree.map(self.stored_shape, shapes))
        restored = restore_latest(self.checkpointer, params, training)
        if restored is None:
            self.cut_log(0)
            return None, ()
        self.check_same(restored)
        gap = self.cut_log(restored.record["log_bytes"])
        self.last_step = restored.step
        known = [value for value in values(self.folder / STEPS).values() if value is not None]
        self.lowest = min(known, default=math.inf)
        notes = (*restored.notes, *([gap] if gap else []))
        (size,) = shapes.step.shape
        state = jax.tree.map(lambda leaf: self.padded(leaf, size), unpack(restored.params, restored.training))
        return (restored.step, state), notes

    def check_same(self, restored: Restored) -> None:
        """Raises CheckpointError if a step belongs to another config or to other members (config.json may be lost)."""
        held, new = decode(restored.record), decode(self.policy.record)
        changes = compare(held["config"], new["config"])
        changed = changes.structure | changes.values
        if is_longer(changed):
            try:
                check_longer(changed, new["config"])
            except ValueError as error:
                raise CheckpointError(f"{self.folder}: {error}") from None
            del changed[LENGTH]
        if held["numbers"] != new["numbers"] or held["members"] != new["members"]:
            changed["sweep"] = (f"members {held['numbers']}", f"members {new['numbers']}")
        if changed:
            raise CheckpointError(refusal(self.folder, changed))

    def cut_log(self, log_bytes: int) -> str | None:
        """Cuts the log back to what the state knows, in the process that writes it; a line for the user, if any."""
        return cut_metrics(self.log_path, log_bytes) if processes.leads() else None

    def log(self, rows: list[Row]) -> None:
        """Appends rows to the log and remembers the last evaluation of a single run."""
        if processes.leads():
            append_rows(self.log_path, (finite_or_none(row) for row in rows))
        if self.policy.single:
            found = [(row["step"], row["validation_loss"]) for row in rows if "validation_loss" in row]
            self.evaluated = found[-1] if found else self.evaluated

    def save(self, step: int, state: TrainState, at_once: bool) -> None:
        """Saves if it is time, or at once; an existing step is not written again.

        A step carries the validation loss of its own parameters, or none. A step whose loss is lower than all saved ones is
        always due, even if a step without a loss was saved a moment ago: "best" chooses only among steps with a loss.

        Raises:
            CheckpointError: this save or the previous one failed.
        """
        value = self.evaluated[1] if self.evaluated is not None and self.evaluated[0] == step else None
        better = value is not None and value < self.lowest
        now, every = time.monotonic(), self.policy.every_seconds
        due = now - self.last_save >= every or better and now - self.last_best_save >= every
        if step == self.last_step or not (at_once or processes.of_lead(due)):  # clocks of machines differ
            return
        params, training = pack(jax.tree.map(self.stored, state))
        record = self.policy.record | {"log_bytes": self.log_path.stat().st_size if processes.leads() else 0}
        save(self.checkpointer, step, params, training, record, value)
        self.last_save, self.last_step = time.monotonic(), step
        if better and value is not None:
            self.lowest, self.last_best_save = value, self.last_save

    def stored_shape(self, leaf: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        """The shape of a stored leaf: without the member axis for a single run, without padding for a population.

        Where it lies is told only if that is on several processes, each of which then reads its own part.
        """
        shape = leaf.shape[1:] if self.policy.single else (self.policy.members, *leaf.shape[1:])
        if leaf.sharding is None or leaf.sharding.is_fully_addressable:
            return jax.ShapeDtypeStruct(shape, leaf.dtype)
        sharding = NamedSharding(leaf.sharding.mesh, P(*leaf.sharding.spec[1:]))
        return jax.ShapeDtypeStruct(shape, leaf.dtype, sharding=sharding)

    def stored(self, leaf: jax.Array) -> np.ndarray | jax.Array:
        """A leaf in the form in which it is stored; one that several processes split stays split."""
        if is_apart(leaf):
            return without_first_axis(leaf)
        return np.asarray(leaf)[0 if self.policy.single else slice(self.policy.members)]

    def padded(self, leaf: jax.Array, size: int) -> np.ndarray | jax.Array:
        """The inverse of `stored`: copies of the last member fill up to `size` rows, as in `plan.parts`."""
        if is_apart(leaf):
            return with_first_axis(leaf, MEMBER_AXIS)
        rows = np.asarray(leaf)[None] if self.policy.single else np.asarray(leaf)
        return np.concatenate([rows, *[rows[-1:]] * (size - len(rows))])


@contextmanager
def open_store(folder: Path, policy: Policy) -> Iterator[Store]:
    """Opens the folder of a population; on leaving, waits for a save in progress."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_checkpoints(
        entry(folder, STEPS), keep_latest=policy.keep_latest, keep_best=policy.keep_best
    ) as checkpointer:
        yield Store(folder, policy, checkpointer)


def finished_rows(folder: Path, numbers: Sequence[int], steps: Sequence[int] = ()) -> list[Row] | None:
    """The results of a finished population, or None; also None if they are damaged, since its state gives them again.

    Args:
        folder: of the population, or of the run.
        numbers: of the members that it must have; none for a study, whose rows are not known in advance.
        steps: number that each of them must have made, unless it stopped or diverged earlier.
    """
    try:
        rows = results.read_rows(folder / results.RESULTS)
        found = [row["member"] for row in rows]
        short = any(row["status"] == "finished" and row["steps"] < most for row, most in zip(rows, steps, strict=False))
        return rows if found and found == (list(numbers) or found) and not short else None
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, csv.Error):
        return None
