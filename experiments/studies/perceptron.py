"""The perceptron: boundaries on the way, mistakes against Novikoff's bound, XOR without end (F001-F004, S3)."""

from functools import partial

import jax
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, keys_of, make_rows, seeds_of
from nn_core.data.checks import check_choice
from nn_core.data.generators import GATES, gates, half_planes
from nn_core.models import perceptron

MAX_RECORDED = 10_000  # mistakes whose boundaries are kept
WIDEST_STEPS = 10_000  # steps of Gilbert's algorithm towards the widest boundary


def check(config: ConfigDict) -> None:
    """Raises ValueError for an unknown gate, or one with a single input."""
    for gate in config.task.gates:
        check_choice("gate", gate, [name for name in GATES if name != "not"])


def learn(
    inputs_ND: Array, targets_N: Array, order_key: Array, *, learning_rate: float, max_epochs: int
) -> dict[str, Array]:
    """Trains on one data set, in a new order of the points each epoch, and compares with the widest boundary."""
    recorded = min(max_epochs * len(targets_N), MAX_RECORDED)
    result = perceptron.train_perceptron(
        inputs_ND,
        targets_N,
        learning_rate=learning_rate,
        max_epochs=max_epochs,
        max_recorded=recorded,
        order_key=order_key,
    )
    widest_D = perceptron.widest_boundary(inputs_ND, targets_N, WIDEST_STEPS)
    _, pocket_errors = perceptron.pocket(result.mistake_boundaries_MD, inputs_ND, targets_N)
    _, errors = perceptron.pocket(result.boundary_D[None], inputs_ND, targets_N)
    return {
        "converged": result.converged,
        "epochs": result.num_epochs,
        "mistakes": result.num_mistakes,
        "bound": perceptron.mistake_bound(widest_D, inputs_ND, targets_N),
        "errors": errors,
        "pocket_errors": pocket_errors,
        "margin": perceptron.margin(result.boundary_D, inputs_ND, targets_N),
        "widest_margin": perceptron.margin(widest_D, inputs_ND, targets_N),
        "mistakes_per_epoch": result.mistakes_E,
        "boundary": result.boundary_D,
        "history": result.mistake_boundaries_MD,
        "widest": widest_D,
    }


def run(config: ConfigDict) -> Outcome:
    """Points on both sides of a line at several gaps, then gates; every data set with every seed."""
    task, seeds = config.task, seeds_of(config)
    train = compiled(jax.vmap(partial(learn, learning_rate=task.learning_rate, max_epochs=task.max_epochs)))
    data = {
        f"gap {gap:g}": [half_planes(num_examples=task.num_points, seed=seed, gap=gap) for seed in seeds]
        for gap in task.gaps
    }
    data |= {f"gate {gate}": [gates(gate=gate)] * len(seeds) for gate in task.gates}
    rows: list[Row] = []
    arrays = {"labels": np.array(list(data))}
    for index, (label, sets) in enumerate(data.items()):
        inputs_SND = np.stack([one.inputs for one in sets]).astype(np.float32)
        targets_SN = np.stack([one.targets for one in sets])
        found = jax.device_get(train(inputs_SND, targets_SN, keys_of(config)))
        rows += make_rows(label, seeds, **columns(found))
        arrays[f"mistakes_per_epoch_{index}"] = found["mistakes_per_epoch"]
        if index == 0:
            kept = found["history"][0][: found["mistakes"][0]]
            arrays |= {"inputs": inputs_SND[0], "targets": targets_SN[0], "history": kept}
            arrays |= {"boundary": found["boundary"][0], "widest": found["widest"][0]}
    return Outcome(rows, arrays)


def columns(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The numbers of the rows. Without a separating line, margins and bound mean nothing."""
    separable = np.isfinite(found["bound"])
    share = np.where(separable, found["margin"] / np.where(separable, found["widest_margin"], 1.0), np.nan)
    return {
        "converged": found["converged"].astype(float),
        "epochs": found["epochs"],
        "mistakes": found["mistakes"],
        "bound": found["bound"],
        "errors": found["errors"],
        "pocket_errors": found["pocket_errors"],
        "margin_share": share,
    }


STUDY = Study(
    run,
    settings={
        "learning_rate": "(0, inf)",
        "max_epochs": "[1, 100000]",
        "num_points": "[2, 100000]",
        "gaps": "[0, 10]",
        "gates": "",
    },
    columns=("converged", "epochs", "mistakes", "bound", "errors", "pocket_errors", "margin_share"),
    figures=("perceptron",),
    check=check,
)
