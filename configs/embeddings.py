"""Embeddings flattened into a network that tells praise from blame: learned, random, pretrained, frozen or tuned.

python -m experiments.run --config=configs/embeddings.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "embeddings",
        {
            "examples": (50, 200, 1000),  # labelled sentences, each in 16 .. 100000
            "features": 16,  # numbers of a vector, >= 2
            "hidden_size": 64,  # units, >= 1
            "learning_rate": 0.003,  # of Adam, > 0
            "steps": 200,  # updates on all sentences, in [1, 100000]
        },
    )
    config.num_seeds = 5
    config.table = ("accuracy",)
    return config
