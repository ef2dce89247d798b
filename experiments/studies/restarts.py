"""Random restarts: best of n, independent and perturbed starts; searches at equal work (F062, F066)."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.flatten_util import ravel_pytree
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, check_whole, compiled, keys_of, make_rows, seeds_of
from experiments.studies.rastrigin import check_work, searches
from nn_core.by_hand.restarts import best_of, expected_best, expected_chosen, independent_starts, perturbed_starts
from nn_core.by_hand.surfaces import descend
from nn_core.data.generators import circles
from nn_core.losses import binary_cross_entropy
from nn_core.models.mlp import MLP

VALIDATION, TEST = 100, 1000  # examples for choosing, examples for testing


def train_starts(task: ConfigDict, inputs_N2: Array, targets_N: Array, key: Array) -> dict[str, Array]:
    """Trains a small network from J kinds of start, R starts each: independent ones, then perturbed ones by sigma.

    Args:
        inputs_N2, targets_N: task.num_points examples to train on, then those for choosing, then those for testing.

    Returns:
        {"train", "validation", "test"}: losses (J, R).
    """
    normal = jax.nn.initializers.normal(1.0)
    model = MLP((task.width,), 1, activation=jnp.tanh, kernel_init=normal, bias_init=normal)
    _, unravel = ravel_pytree(model.init(jax.random.key(0), inputs_N2[:1])["params"])
    start_key, noise_key = jax.random.split(key)
    fresh_RW = independent_starts(
        lambda one_key: ravel_pytree(model.init(one_key, inputs_N2[:1])["params"])[0], start_key, task.restarts
    )
    noise_keys = jax.random.split(noise_key, len(task.sigmas))
    around_JRW = jax.vmap(lambda sigma, one_key: perturbed_starts(fresh_RW[0], sigma, one_key, task.restarts))(
        jnp.array(task.sigmas), noise_keys
    )

    def loss(weights_W: Array, first: int, last: int) -> Array:
        logits_N1 = jnp.asarray(model.apply({"params": unravel(weights_W)}, inputs_N2[first:last]))
        return binary_cross_entropy(logits_N1[:, 0], targets_N[first:last])

    def ends(start_W: Array) -> dict[str, Array]:
        train, chosen = task.num_points, task.num_points + VALIDATION
        rule = optax.sgd(task.learning_rate, momentum=task.momentum)
        end_W = descend(lambda weights_W: loss(weights_W, 0, train), start_W, rule, task.steps)[-1]
        return {
            "train": loss(end_W, 0, train),
            "validation": loss(end_W, train, chosen),
            "test": loss(end_W, chosen, len(inputs_N2)),
        }

    return jax.vmap(jax.vmap(ends))(jnp.concatenate([fresh_RW[None], around_JRW]))


def measure(losses: dict[str, Array]) -> dict[str, Array]:
    """The value of R restarts of one kind, and curves over the number of restarts."""
    by_validation = expected_chosen(losses["validation"], losses["test"])
    by_training = expected_chosen(losses["train"], losses["test"])
    return {
        "median": jnp.median(losses["validation"]),
        "best": best_of(losses["validation"], losses["validation"])[0],
        "test_one": jnp.mean(losses["test"]),
        "test_best": by_validation[-1],
        "test_by_training": by_training[-1],
        "validation_curve": expected_best(losses["validation"]),
        "test_curve": by_validation,
        "training_curve": by_training,
    }


def run(config: ConfigDict) -> Outcome:
    """The network's restarts, in one program; then the searches on Rastrigin's function."""
    rows, arrays = restart_network(config)
    more_rows, more_arrays = search_rastrigin(config)
    return Outcome(rows + more_rows, arrays | more_arrays)


def restart_network(config: ConfigDict) -> tuple[list[Row], dict[str, np.ndarray]]:
    """Every seed has its own data, common start and restarts."""
    task, seeds = config.task, seeds_of(config)
    count = task.num_points + VALIDATION + TEST
    sets = [circles(num_examples=count, noise=task.noise, seed=seed) for seed in seeds]
    inputs_SN2 = np.stack([one.inputs for one in sets]).astype(np.float32)
    targets_SN = np.stack([one.targets for one in sets]).astype(np.float32)

    def one_seed(inputs_N2: Array, targets_N: Array, key: Array) -> dict[str, Array]:
        return jax.vmap(measure)(train_starts(task, inputs_N2, targets_N, key))

    found = jax.device_get(compiled(jax.vmap(one_seed))(inputs_SN2, targets_SN, keys_of(config)))
    names = ["independent", *(f"perturbed, sigma {sigma:g}" for sigma in task.sigmas)]
    rows: list[Row] = []
    for index, name in enumerate(names):
        columns = {column: value[:, index] for column, value in found.items() if not column.endswith("_curve")}
        rows += make_rows(f"network: {name}", seeds, **columns)
    arrays = {name: value for name, value in found.items() if name.endswith("_curve") or name == "test_best"}
    return rows, arrays | {"sigmas": np.array(task.sigmas), "labels": np.array(names)}


def search_rastrigin(config: ConfigDict) -> tuple[list[Row], dict[str, np.ndarray]]:
    """Every search in every dimension, task.num_searches times with keys of their own."""
    task = config.task
    seeds = range(config.seed, config.seed + task.num_searches)
    keys = jax.vmap(jax.random.key)(np.array(seeds, np.uint32))
    masks_JD = (np.arange(max(task.dimensions))[None] < np.array(task.dimensions)[:, None]).astype(np.float32)
    rows: list[Row] = []
    found = {}
    for name, (search, work) in searches(task).items():
        found[name] = jax.device_get(compiled(jax.vmap(jax.vmap(search, (0, None)), (None, 0)))(keys, masks_JD))
        for index, dimension in enumerate(task.dimensions):
            columns = {column: found[name][column][index] for column in ("found", "energy", "hits")}
            rows += make_rows(f"Rastrigin {dimension}-D: {name}", seeds, **columns, evaluations=work)
    rows.sort(key=lambda row: task.dimensions.index(int(row["label"].split()[1].split("-")[0])))
    arrays = {"dimensions": np.array(task.dimensions), "searches": np.array(list(found))}
    arrays |= {f"found_{i}": one["found"] for i, one in enumerate(found.values())}
    arrays |= {f"energy_{i}": one["energy"] for i, one in enumerate(found.values())}
    return rows, arrays | {"hits": found["descent restarts"]["hits"]}


def check(config: ConfigDict) -> None:
    """Raises ValueError for settings that do not fit together."""
    check_whole(config, "dimensions", "chains")
    check_work(config.task)


STUDY = Study(
    run,
    settings={
        "width": "[1, 64]",
        "num_points": "[2, 100000]",
        "noise": "[0, 100]",
        "learning_rate": "(0, inf)",
        "momentum": "[0, 1)",
        "steps": "[1, 100000]",
        "restarts": "[1, 1000]",
        "sigmas": "[0, 100]",
        "num_searches": "[1, 10000]",
        "dimensions": "[1, 100]",
        "evaluations": "[1, 1000000]",
        "gradient_cost": "[1, 100]",
        "descent_rate": "(0, inf)",
        "descent_steps": "[1, 100000]",
        "chains": "[1, 1000]",
        "hottest": "(0, inf)",
        "coldest": "(0, inf)",
        "proposal_scale": "(0, inf)",
    },
    columns=(
        ("median", "best", "test_one", "test_best", "test_by_training") + ("found", "energy", "hits", "evaluations")
    ),
    figures=("restarts",),
    check=check,
)
