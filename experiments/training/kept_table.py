"""Keeps what prediction on new rows of a table needs: its scheme, and what each member learned of its training rows."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import jax
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.building.experiment import Experiment
from experiments.building.own_data import kind_of
from experiments.building.own_tables import TABLE as TABLE_DATA
from experiments.building.own_tables import load_own_table
from experiments.building.supervised import make_view
from experiments.run_directory.kept_table import TABLE, write_table
from nn_core.tasks.base import Data
from nn_core.tasks.examples import STATISTICS, View, prepare
from nn_core.training.state import run_keys


@partial(jax.jit, static_argnums=0)
def statistics(view: View, keys_P: Array, data: Data) -> dict[str, Array]:
    """What each member's training rows say, member after member: one at a time is in memory."""

    def of_one(key: Array) -> dict[str, Array]:
        own = prepare(view, data, run_keys(key).split)
        return {name: own[name] for name in STATISTICS if name in own}

    return jax.lax.map(of_one, keys_P)


def keep_table(folder: Path, config: ConfigDict, experiment: Experiment, keys: Array, numbers: Sequence[int]) -> None:
    """Writes what prediction needs, once, where a population learns a table.

    Args:
        folder: of the population.
        config: of one of its members.
        experiment: what they learn.
        keys: root key of each member, padding at the end allowed.
        numbers: of the members in the sweep.
    """
    if config.data.name != TABLE_DATA or "table" not in config.data or (folder / TABLE).is_file():
        return
    head = experiment.registry.tasks[config.task.name].head
    scheme = load_own_table(config, kind_of(head)).table.scheme
    view = make_view(config, len(scheme.classes), len(experiment.data["targets"]))
    found = statistics(view, keys[: len(numbers)], experiment.data)
    kept = {name: np.asarray(array) for name, array in found.items()}
    write_table(folder, scheme, {"numbers": np.array(numbers)} | kept)
