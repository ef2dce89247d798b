"""The same update, w + a (y - y^) x, with y^ a step or a sigmoid: same data, start, order, rate (F025)."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, make_rows, seeds_of
from nn_core.by_hand.gradient_descent import logistic_regression
from nn_core.data.generators import half_planes
from nn_core.models import perceptron

WIDEST_STEPS = 10_000  # steps of Gilbert's algorithm towards the widest boundary
METHODS = ("perceptron", "gradient descent")


def learn(inputs_ND: Array, targets_N: Array, *, learning_rate: float, max_epochs: int) -> dict[str, dict[str, Array]]:
    """Both methods from 0 on the first half of the points, in the order given; the second half judges.

    Returns:
        {method: {name of a measure: value}}.
    """
    num_train = len(inputs_ND) // 2
    train, test = (inputs_ND[:num_train], targets_N[:num_train]), (inputs_ND[num_train:], targets_N[num_train:])
    zeros_D = jnp.zeros(inputs_ND.shape[1])
    step = perceptron.train_perceptron(*train, learning_rate=learning_rate, max_epochs=max_epochs)
    # No stopping rule (a change is never below -1): where the loss no longer moves, its updates still count.
    smooth = logistic_regression(
        zeros_D, 0.0, *train, learning_rate=learning_rate, max_epochs=max_epochs, small_change=-1.0
    )
    widest_margin = perceptron.margin(perceptron.widest_boundary(*train, WIDEST_STEPS), *train)
    found = {}
    ways = (step.epoch_boundaries_ED[1:], smooth.boundaries_ED)
    for method, way_ED, updates_E in zip(METHODS, ways, (step.mistakes_E, smooth.updates_E), strict=True):
        boundary_D = way_ED[-1]
        found[method] = {
            "updates_first": updates_E[0],
            "updates_last": updates_E[-1],
            "updates_total": jnp.sum(updates_E),
            "train_error": error_rate(boundary_D, *train),
            "test_error": error_rate(boundary_D, *test),
            # Without a separating line there is no margin to compare with.
            "margin_share": jnp.where(
                widest_margin > 0, perceptron.margin(boundary_D, *train) / jnp.abs(widest_margin), jnp.nan
            ),
            "updates_per_epoch": updates_E,
            "way": way_ED,
        }
    return found


def error_rate(boundary_D: Array, inputs_ND: Array, targets_N: Array) -> Array:
    """Share of the points on the wrong side."""
    return jnp.mean(perceptron.predict(boundary_D[:-1], boundary_D[-1], inputs_ND) != targets_N)


def run(config: ConfigDict) -> Outcome:
    """A data set for every noise and seed; both methods on each."""
    task, seeds = config.task, seeds_of(config)
    train = compiled(jax.vmap(partial(learn, learning_rate=task.learning_rate, max_epochs=task.max_epochs)))
    rows: list[Row] = []
    arrays = {"labels": np.array(METHODS), "noises": np.array(task.noises)}
    for index, noise in enumerate(task.noises):
        options = {"num_examples": 2 * task.num_points, "gap": task.gap, "noise": noise}
        sets = [half_planes(seed=seed, **options) for seed in seeds]
        inputs_SND = np.stack([one.inputs for one in sets]).astype(np.float32)
        targets_SN = np.stack([one.targets for one in sets])
        found = jax.device_get(train(inputs_SND, targets_SN))
        for method in METHODS:
            columns = {name: value for name, value in found[method].items() if name in STUDY.columns}
            rows += make_rows(f"noise {noise:g}, {method}", seeds, **columns)
        arrays[f"inputs_{index}"] = inputs_SND[0, : task.num_points]
        arrays[f"targets_{index}"] = targets_SN[0, : task.num_points]
        for place, method in enumerate(METHODS):
            arrays[f"way_{index}_{place}"] = found[method]["way"][0]
            arrays[f"updates_{index}_{place}"] = found[method]["updates_per_epoch"]
    return Outcome(rows, arrays)


STUDY = Study(
    run,
    settings={
        "learning_rate": "(0, inf)",
        "max_epochs": "[1, 100000]",
        "num_points": "[2, 100000]",
        "gap": "[0, 10]",
        "noises": "[0, 100]",
    },
    columns=("updates_first", "updates_last", "updates_total", "train_error", "test_error", "margin_share"),
    figures=("perceptron_vs_gradient_descent",),
)
