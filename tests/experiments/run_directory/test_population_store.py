"""What a step says of itself: the validation loss of its own parameters, and never that of an earlier step."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.run_directory import population_store
from experiments.run_directory.population_store import Policy, open_store
from nn_core.training.checkpoint import values
from nn_core.training.state import TrainState

COUNT = np.zeros(1, np.int32)
STATE = TrainState(COUNT, {"w": np.ones((1, 2), np.float32)}, (), None, np.ones(1, np.float32), COUNT, COUNT, COUNT > 0)


def saved(folder: Path, *steps: tuple[int, float | None], every_seconds: float = 0.0) -> dict[int, float | None]:
    """The values that the steps carry after a run with these steps, each with its evaluation or none."""
    with open_store(folder, Policy(every_seconds, 99, 1, 1, True, {})) as store:
        for step, loss in steps:
            store.log([{"member": 0, "step": step} | ({} if loss is None else {"validation_loss": loss})])
            store.save(step, STATE, False)
    return values(folder / population_store.STEPS)


def test_a_step_that_was_not_evaluated_carries_no_value(tmp_path: Path) -> None:
    assert saved(tmp_path, (0, 0.287), (10, None), (50, 0.4)) == {0: 0.287, 10: None, 50: 0.4}


def test_a_better_evaluation_is_saved_although_another_step_was_saved_a_moment_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 7))  # every look at the clock is 7 s after the one before
    monkeypatch.setattr(population_store, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    found = saved(tmp_path, (10, None), (20, None), (30, None), (40, 0.5), (50, 0.6), every_seconds=20.0)
    assert found == {30: None, 40: 0.5}
