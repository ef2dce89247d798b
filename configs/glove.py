"""GloVe: word vectors whose products are the logarithms of co-occurrences, from ten seeds.

python -m experiments.run --config=configs/glove.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "glove",
        base.word_text()
        | {
            "window": 5,  # most words on each side; d words apart count 1 / d, >= 1
            "epochs": 30,  # passes over the pairs that occur, >= 1
            "learning_rate": 0.1,  # > 0
            "optimizer": "adagrad",  # see nn_core/optimizers.py
            "batch_size": 512,  # pairs of a step, >= 1
            "x_max": 30.0,  # co-occurrences from which on pairs weigh the same, > 0
            "alpha": 0.75,  # exponent of the weight, > 0
        },
    )
    config.table = ("loss", "within", "between", "separated", "spearman", "analogy", "sentences", "similarity")
    return config
