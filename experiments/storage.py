"""How a population survives: its checkpoints, its log, and the results that say that it is finished."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax

from experiments import results
from experiments.loop import Row, finite_or_none
from experiments.rundir import append_rows, cut_metrics
from nn_core.training.checkpoint import Checkpointer, open_checkpoints, save
from nn_core.training.population import member
from nn_core.training.restore import restore_latest
from nn_core.training.state import TrainState, pack, unpack

STEPS = "steps"  # folder of the checkpoints in the folder of a population


class Policy(NamedTuple):
    """When and what is saved.

    Attributes:
        every_seconds: least time between two saves; 0 saves after every chunk.
        keep_latest: newest steps to keep, >= 1.
        keep_best: steps with the lowest validation loss to keep besides.
        single: the folder holds one run; its checkpoints have no member axis.
        record: what each checkpoint tells of its run, plain JSON.
    """

    every_seconds: float
    keep_latest: int
    keep_best: int
    single: bool
    record: dict[str, Any]


class Store:
    """An open folder of a population: appends to its log, saves its state, finds where it was left."""

    def __init__(self, folder: Path, policy: Policy, checkpointer: Checkpointer):
        self.folder, self.policy, self.checkpointer = folder, policy, checkpointer
        self.last_save = time.monotonic()
        self.value: float | None = None

    @property
    def log_path(self) -> Path:
        """metrics.jsonl."""
        return self.folder / results.METRICS

    def resume(self, shapes: TrainState) -> tuple[tuple[int, TrainState] | None, tuple[str, ...]]:
        """The newest sound state, with the log cut back to it; ((step, state) or None, lines for the user).

        Args:
            shapes: of the population's state, with shardings where it must go.
        Raises:
            CheckpointError: nothing sound is left, or its shapes are others.
        """
        params, training = pack(self.outside(shapes))
        restored = restore_latest(self.checkpointer, params, training)
        if restored is None:
            cut_metrics(self.log_path, 0)
            return None, ()
        gap = cut_metrics(self.log_path, restored.record["log_bytes"])
        self.value = restored.value
        notes = (*restored.notes, *([gap] if gap else []))
        return (restored.step, self.inside(unpack(restored.params, restored.training))), notes

    def log(self, rows: list[Row]) -> None:
        """Appends rows; remembers the validation loss of a single run."""
        append_rows(self.log_path, (finite_or_none(row) for row in rows))
        if self.policy.single:
            self.value = next((row["validation_loss"] for row in rows if "validation_loss" in row), self.value)

    def save(self, step: int, state: TrainState, at_once: bool) -> None:
        """Saves if it is time, or at once; a step that is there already is not written again.

        Raises:
            CheckpointError: this or the last save failed.
        """
        if not at_once and time.monotonic() - self.last_save < self.policy.every_seconds:
            return
        params, training = pack(self.outside(state))
        record = self.policy.record | {"log_bytes": self.log_path.stat().st_size}
        save(self.checkpointer, step, params, training, record, self.value)
        self.last_save = time.monotonic()

    def outside(self, state: Any) -> Any:
        """A state as it is stored: a single run without its member axis."""
        if not self.policy.single:
            return state
        if isinstance(jax.tree.leaves(state)[0], jax.ShapeDtypeStruct):
            return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), state)
        return member(state, 0)

    def inside(self, state: TrainState) -> TrainState:
        """The inverse of `outside`."""
        return jax.tree.map(lambda leaf: leaf[None], state) if self.policy.single else state


@contextmanager
def open_store(folder: Path, policy: Policy) -> Iterator[Store]:
    """Opens the folder of a population; on leaving, waits for the save under way."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_checkpoints(folder / STEPS, keep_latest=policy.keep_latest, keep_best=policy.keep_best) as checkpointer:
        yield Store(folder, policy, checkpointer)


def finished_rows(folder: Path) -> list[Row] | None:
    """The results of a population that is finished, or None."""
    path = folder / results.RESULTS
    return results.read_rows(path) if path.is_file() else None
