"""The coin by maximum likelihood: recipe, ascent, Newton; the product that underflows (F015)."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, check_whole, compiled, keys_of, make_rows, seeds_of
from nn_core.by_hand.likelihood import coin_ascent, coin_estimate, coin_log_likelihood, coin_probabilities, maximise

CURVE = np.linspace(0.005, 0.995, 199)  # values of p at which the likelihood is drawn
NEWTON_STEPS = 8
NUM_ERRORS = 60  # numbers of tosses at which the error is drawn, at most
MAX_RATE = 8  # 2 / the largest curvature 1/4 of the mean log-likelihood over the logit
PRECISIONS = {"float32": np.float32, "float64": np.float64}


def estimate(task: ConfigDict) -> tuple[list[Row], dict[str, np.ndarray]]:
    """The share of heads that makes the tosses most probable, found in three ways."""

    def log_likelihood(theta_1: Array) -> Array:
        return coin_log_likelihood(theta_1[0], task.heads, task.tosses)

    ascent = compiled(coin_ascent, static_argnames="num_steps")
    path = ascent(task.heads, task.tosses, start=task.start, learning_rate=task.learning_rate, num_steps=task.steps)
    solved = compiled(lambda start_1: maximise(log_likelihood, start_1, NEWTON_STEPS))(jnp.array([task.start]))[0]
    ways = {
        "recipe, h / n": coin_estimate(task.heads, task.tosses),
        "gradient ascent": path[-1],
        "Newton on automatic derivatives": solved,
    }
    rows: list[Row] = []
    for name, value in ways.items():
        rows += make_rows(f"{task.heads} heads of {task.tosses}: {name}", estimate=value)
    logs = np.asarray(compiled(jax.vmap(lambda p: coin_log_likelihood(p, task.heads, task.tosses)))(CURVE))
    return rows, {"curve": CURVE, "log_likelihood": logs, "path": np.asarray(path)}


def sample(config: ConfigDict) -> tuple[list[Row], dict[str, np.ndarray]]:
    """Coins with a known p, tossed by every seed: the error of the estimate, and when the product becomes 0."""
    task, seeds = config.task, seeds_of(config)
    longest = max(task.sizes)
    toss = compiled(jax.vmap(lambda key: jax.random.bernoulli(key, task.probability, (longest,)).astype(jnp.int32)))
    tosses_SN = np.asarray(toss(keys_of(config)))
    counts_N = np.arange(1, longest + 1)
    estimates_SN = np.cumsum(tosses_SN, axis=1) / counts_N
    rows: list[Row] = []
    for size in task.sizes:
        values_S = estimates_SN[:, size - 1]
        rows += make_rows(f"{size} tosses", seeds, estimate=values_S, error=np.abs(values_S - task.probability))
    probabilities_SN = np.asarray(compiled(coin_probabilities)(task.probability, tosses_SN))
    looked_at = np.unique(np.geomspace(1, longest, NUM_ERRORS).astype(int))
    arrays = {"tosses": counts_N, "looked_at": looked_at}
    arrays["errors"] = np.abs(estimates_SN[:, looked_at - 1] - task.probability)
    arrays["log_sums"] = np.cumsum(np.log(probabilities_SN[0], dtype=np.float64))
    for name, precision in PRECISIONS.items():
        products_SN = np.cumprod(probabilities_SN.astype(precision), axis=1, dtype=precision)
        zero_SN = products_SN == 0
        first_S = np.where(zero_SN.any(axis=1), zero_SN.argmax(axis=1) + 1.0, np.inf)
        rows += make_rows(f"product in {name}", seeds, underflow=first_S)
        arrays[f"products_{name}"] = products_SN[0]
    rows += make_rows("sum of logs in float32", seeds, log_likelihood=np.sum(np.log(probabilities_SN), axis=1))
    return rows, arrays


def run(config: ConfigDict) -> Outcome:
    """The coin of the notes, then many coins."""
    rows, arrays = estimate(config.task)
    more_rows, more_arrays = sample(config)
    return Outcome(rows + more_rows, arrays | more_arrays)


def check(config: ConfigDict) -> None:
    """Raises ValueError for more heads than tosses, or heads only, where the maximum is at the edge."""
    task = config.task
    check_whole(config, "sizes")
    if task.learning_rate >= MAX_RATE:
        raise ValueError(
            f"config.task.learning_rate={task.learning_rate} must be below {MAX_RATE}: "
            "from there on the ascent does not settle"
        )
    if not 0 < task.heads < task.tosses:
        raise ValueError(
            f"config.task.heads={task.heads} must be between 1 and {task.tosses - 1}, one less than "
            f"config.task.tosses={task.tosses}"
        )


STUDY = Study(
    run,
    settings={
        "heads": "",
        "tosses": "[2, 100000]",
        "start": "(0, 1)",
        "learning_rate": "(0, inf)",
        "steps": "[1, 100000]",
        "probability": "(0, 1)",
        "sizes": "[1, 100000]",
    },
    columns=("estimate", "error", "underflow", "log_likelihood"),
    figures=("likelihood",),
    check=check,
)
