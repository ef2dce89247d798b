"""GloVe: word vectors whose products are the logarithms of co-occurrences, from ten seeds.

python -m experiments.run --config=configs/glove.py

The same text and questions as configs/word2vec.py (F093).

Measured over 10 seeds, mean and 95 % interval (2026-11-23, 2 x86 cores, 6 s): cosine within topics 0.884 ± 0.005,
between them 0.609 ± 0.024, within above between in 10 of 10 seeds; Spearman with 27 judged pairs 0.742 ± 0.041;
analogies 0.413 ± 0.082 right; sentences 0.754 ± 0.025, a bag of words 0.656 ± 0.049. On tiny Shakespeare (2 seeds,
100 features, batches of 4,096) within topics 0.217, between them 0.062, Spearman with 78 judged pairs 0.67.

It is behind word2vec on every number here. Its loss knows only pairs that occur, and in this text words differ by what
never occurs beside them.
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
