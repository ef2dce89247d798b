"""Matrix factorisation for users and items, and its predictions for users and items without ratings (F106)."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, seeds_of
from nn_core.data.checks import check_int
from nn_core.data.ratings import Ratings, generated_ratings
from nn_core.models.embeddings import MatrixFactorization
from nn_core.regularizers import penalty

TOP = 10  # items of a recommendation
GOOD = 4.0  # a rating from which on an item was worth recommending
PARTS = {"rmse": "test", "rmse_cold_item": "cold_items", "rmse_cold_user": "cold_users"}  # column -> part


def parts_of(ratings: Ratings) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pairs and ratings of each test part."""
    return {
        "test": (ratings.test_M2, ratings.test_M),
        "cold_items": (ratings.cold_items_K2, ratings.cold_items_K),
        "cold_users": (ratings.cold_users_L2, ratings.cold_users_L),
    }


def rmse(predictions_N: np.ndarray, ratings_N: np.ndarray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean(np.square(predictions_N - ratings_N)))) if len(ratings_N) else float("nan")


def item_means(ratings: Ratings, shrink: float = 3.0) -> np.ndarray:
    """Mean rating of each item, pulled towards the mean of all by `shrink` imagined ratings; (I,)."""
    mean = ratings.train_N.mean()
    sums_I = np.bincount(ratings.train_N2[:, 1], ratings.train_N - mean, ratings.num_items)
    counts_I = np.bincount(ratings.train_N2[:, 1], minlength=ratings.num_items)
    return mean + sums_I / (counts_I + shrink)


def fit(
    task: ConfigDict,
    shape: tuple[int, int],
    key: Array,
    mean: Array,
    pairs_N2: Array,
    ratings_N: Array,
    content_IF: Array | None,
    asked: dict[str, Array],
) -> tuple[dict[str, Array], Array]:
    """Trains the factorisation.

    Args:
        task: settings of the study.
        shape: numbers of users and items.
        key: of the start.
        mean: of the ratings.
        pairs_N2, ratings_N: user and item of each rating, and the rating.
        content_IF: features of the items, or None.
        asked: pairs of each test part, (M, 2).
    Returns:
        (predicted ratings of each part (M,), the training error of each step).
    """
    model = MatrixFactorization(*shape, task.features, mean=mean)
    optimizer = optax.adam(task.learning_rate)

    def loss(params: Any) -> tuple[Array, Array]:
        predicted_N1: Any = model.apply({"params": params}, pairs_N2, content_IF)
        squared = jnp.mean(jnp.square(predicted_N1[:, 0] - ratings_N))
        return squared + penalty(params, {"l2": task.l2 / len(ratings_N)}), squared

    def step(carry: tuple, _: None) -> tuple[tuple, Array]:
        params, state = carry
        gradients, squared = jax.grad(loss, has_aux=True)(params)
        updates, state = optimizer.update(gradients, state)
        return (optax.apply_updates(params, updates), state), squared

    params = model.init(key, pairs_N2[:1], content_IF)["params"]
    (params, _), errors = jax.lax.scan(step, (params, optimizer.init(params)), None, task.steps)
    guesses: Any = {part: model.apply({"params": params}, pairs, content_IF) for part, pairs in asked.items()}
    return {part: guess[:, 0] for part, guess in guesses.items()}, errors


def precision_at_top(scores_N: np.ndarray, pairs_N2: np.ndarray, ratings_N: np.ndarray) -> float:
    """Of the TOP items with the highest scores among those that a user rated in the test, the share rated >= GOOD."""
    found = []
    for user in np.unique(pairs_N2[:, 0]):
        rows = np.flatnonzero(pairs_N2[:, 0] == user)
        if len(rows) > 1:
            best = rows[np.argsort(-scores_N[rows])[: min(TOP, len(rows) // 2)]]
            found.append(np.mean(ratings_N[best] >= GOOD))
    return float(np.mean(found)) if found else float("nan")


def run(config: ConfigDict) -> Outcome:
    """Means, and factorisation with and without content, on every seed's ratings."""
    task = config.task
    rows: list[Row] = []
    arrays: dict[str, np.ndarray] = {}
    program = compiled(partial(fit, task), static_argnums=0)
    for seed in seeds_of(config):
        ratings = generated_ratings(noise=task.noise, per_user=task.per_user, seed=seed)
        parts = parts_of(ratings)
        means_I = item_means(ratings)
        guesses: dict[str, dict[str, np.ndarray]] = {
            "mean of all": {part: np.full(len(r), ratings.train_N.mean()) for part, (_, r) in parts.items()},
            "mean of the item": {part: means_I[pairs[:, 1]] for part, (pairs, _) in parts.items()},
        }
        for label, content in (("factorisation", False), ("factorisation with content", True)):
            guesses[label], arrays[f"{label}/errors/{seed}"] = jax.device_get(
                program(
                    (ratings.num_users, ratings.num_items),
                    jax.random.key(seed),
                    ratings.train_N.mean(),
                    ratings.train_N2,
                    ratings.train_N,
                    ratings.content_IF if content else None,
                    {part: known(part, pairs, content) for part, (pairs, _) in parts.items()},
                )
            )
        for label, guess in guesses.items():
            row = {"label": label, "seed": seed}
            row |= {column: rmse(guess[part], parts[part][1]) for column, part in PARTS.items()}
            rows.append(row | {"precision": precision_at_top(guess["test"], *parts["test"])})
            if seed == config.seed:
                arrays |= {f"{label}/{part}": values for part, values in guess.items()}
                arrays |= {f"truth/{part}": values for part, (_, values) in parts.items()}
    return Outcome(rows, arrays)


def known(part: str, pairs_N2: np.ndarray, content: bool) -> np.ndarray:
    """The pairs to predict: an unseen user is -1, and so is an item of which nothing is known."""
    hidden = np.array([part == "cold_users", part == "cold_items" and not content])
    return np.where(hidden[None], -1, pairs_N2)


def check(config: ConfigDict) -> None:
    """Raises ValueError for numbers out of range."""
    check_int("config.task.features", config.task.features, 1)
    generated_ratings(noise=config.task.noise, per_user=config.task.per_user)


STUDY = Study(
    run,
    settings={
        "features": "[1, 4096]",
        "learning_rate": "(0, inf)",
        "steps": "[1, 100000]",
        "l2": "[0, inf)",
        "noise": "[0, 100]",
        "per_user": "",
    },
    columns=(*PARTS, "precision"),
    figures=("recommender",),
    check=check,
)
