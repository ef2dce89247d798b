"""Generated ratings of items by users, including items and users without any rating so far (F106)."""

from typing import NamedTuple

import numpy as np

from nn_core.data.checks import check_float, check_int


class Ratings(NamedTuple):
    """Who rated what.

    Attributes:
        train_N2, train_N: pairs of user and item ids, and their ratings.
        test_M2, test_M: other pairs of the same users and items.
        cold_items_K2, cold_items_K: ratings of items without a training rating.
        cold_users_L2, cold_users_L: ratings by users without a training rating.
        content_IF: (I, F) known properties of all items, 0 or 1.
        num_users, num_items: U and I.
    """

    train_N2: np.ndarray
    train_N: np.ndarray
    test_M2: np.ndarray
    test_M: np.ndarray
    cold_items_K2: np.ndarray
    cold_items_K: np.ndarray
    cold_users_L2: np.ndarray
    cold_users_L: np.ndarray
    content_IF: np.ndarray
    num_users: int
    num_items: int


def generated_ratings(
    *,
    num_users: int = 200,
    num_items: int = 150,
    num_properties: int = 8,
    per_user: int = 40,
    cold: float = 0.15,
    noise: float = 0.4,
    seed: int = 0,
) -> Ratings:
    """Ratings around 3.5: biases, tastes for the items' properties, an individual part of each item, and noise.

    Args:
        num_users, num_items: U and I, >= 10.
        num_properties: F >= 1; each item has about a third of them.
        per_user: ratings of a user, in 5 .. I.
        cold: share of users, and of items, that have no training rating, in [0, 0.5].
        noise: standard deviation of a rating, >= 0.
        seed: of everything.
    Returns:
        The ratings; a quarter of those of known users and items is for testing.
    """
    check_int("num_users", num_users, 10)
    check_int("num_items", num_items, 10)
    check_int("num_properties", num_properties, 1)
    check_int("per_user", per_user, 5, num_items)
    check_float("cold", cold, 0.0, 0.5)
    check_float("noise", noise, 0.0)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    content_IF = (rng.random((num_items, num_properties)) < 1 / 3).astype(np.float32)
    tastes_UF = rng.normal(0, 0.5, (num_users, num_properties))
    own_I2, other_U2 = rng.normal(0, 0.5, (num_items, 2)), rng.normal(0, 0.5, (num_users, 2))
    pairs_N2 = np.array(
        [(user, item) for user in range(num_users) for item in rng.choice(num_items, per_user, replace=False)], np.int32
    )
    users_N, items_N = pairs_N2.T
    ratings_N = (
        3.5
        + rng.normal(0, 0.3, num_users)[users_N]
        + rng.normal(0, 0.3, num_items)[items_N]
        + np.sum(tastes_UF[users_N] * (content_IF[items_N] - 1 / 3), axis=1)
        + np.sum(other_U2[users_N] * own_I2[items_N], axis=1)
        + rng.normal(0, noise, len(pairs_N2))
    ).astype(np.float32)
    new_users_N = users_N < round(cold * num_users)
    new_items_N = items_N < round(cold * num_items)
    known_N, test_N = ~new_users_N & ~new_items_N, rng.random(len(pairs_N2)) < 0.25
    parts = (known_N & ~test_N, known_N & test_N, new_items_N & ~new_users_N, new_users_N & ~new_items_N)
    train, test, items, users = ((pairs_N2[part], ratings_N[part]) for part in parts)
    return Ratings(*train, *test, *items, *users, content_IF, num_users, num_items)
