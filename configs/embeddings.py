"""Embeddings flattened into a network that tells praise from blame: learned, random, pretrained, frozen or tuned.

python -m experiments.run --config=configs/embeddings.py

Vectors of 12 tokens end to end, 64 hidden units (F097, F099, F105). The pretrained ones are skip-gram on
6,000 unlabelled sentences. A third of the sentences hold a good and a bad word: "not dull but fresh".

Measured over 5 seeds, accuracy from 50, 200 and 1,000 labelled sentences, mean and 95 % interval (2026-11-23, 2 x86
cores, 56 s): learned with the task 0.586 ± 0.032, 0.799 ± 0.065, 0.998 ± 0.003; random and frozen 0.576 ± 0.028,
0.713 ± 0.048, 0.948 ± 0.039; pretrained and frozen 0.847 ± 0.017, 0.976 ± 0.039, 1; pretrained and tuned
0.810 ± 0.058, 0.994 ± 0.016, 1; a bag of words 0.498 ± 0.017, 0.565 ± 0.025, 0.829 ± 0.010.
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
    config.num_seeds = 5  # they take a minute; eight would take nearly two
    config.table = ("accuracy",)
    return config
