"""Keeps what pictures that move show of a run while it trains (`Task.watch`)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array

from experiments.building.experiment import Experiment
from experiments.command_line import processes
from experiments.run_directory.frames import write_frame
from nn_core.tasks.base import Data, Hparams
from nn_core.training.state import TrainState


def make_watch(
    experiment: Experiment,
    folder: Path,
    numbers: Sequence[int],
    hparams: Hparams,
    data: Data,
    prepare: Callable[[], Data],
) -> Callable[[int, TrainState], None]:
    """(step, state) -> writes what the task's `watch` says of the members, if there is anything to watch.

    Args:
        experiment: the run.
        folder: of the population.
        numbers: of its members.
        hparams: of its members, (P,) each.
        data: on the devices.
        prepare: what each member adds to the data; called once, at the first frame.
    """
    look = experiment.task.watch
    if look is None or not processes.alone():  # several processes hold a part of the members each
        return lambda step, state: None

    @jax.jit
    def looked(params: Any, hparams: Hparams, data: Data, own: Data) -> dict[str, Array]:
        return jax.vmap(lambda params, hparams, own: look(params, data | own, hparams))(params, hparams, own)

    kept: list[Data] = []

    def watch(step: int, state: TrainState) -> None:
        if not kept:
            kept.append(prepare())
        values = looked(state.params, hparams, data, kept[0])
        write_frame(folder, step, numbers, {name: np.asarray(array) for name, array in values.items()})

    return watch
