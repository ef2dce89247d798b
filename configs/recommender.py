"""A recommender: users and items as vectors, against the mean of the item; and items and users that nobody knows yet.

python -m experiments.run --config=configs/recommender.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "recommender",
        {
            "features": 8,  # numbers of a vector, >= 1
            "learning_rate": 0.03,  # of Adam, > 0
            "steps": 300,  # updates on all ratings, in [1, 100000]
            "l2": 2.0,  # strength on the sum of squared errors of all ratings, >= 0
            "noise": 0.4,  # standard deviation of a rating, in [0, 100]
            "per_user": 40,  # ratings of each of 200 users, in 5 .. 150
        },
    )
    config.table = ("rmse", "rmse_cold_item", "rmse_cold_user", "precision")
    return config
