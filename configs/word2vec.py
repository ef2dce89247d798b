"""word2vec: skip-gram and CBOW trained from ten seeds, asked for neighbours, odd ones out and analogies.

python -m experiments.run --config=configs/word2vec.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "word2vec",
        base.word_text()
        | {
            "window": 5,  # most words on each side, >= 1
            "epochs": 5,  # passes over the text, >= 1
            "learning_rate": 0.025,  # of skip-gram at the start; falls in a line, > 0
            "cbow_learning_rate": 0.05,  # of CBOW, > 0
            "methods": ("skip_gram", "cbow"),
            "negatives": 5,  # random words that a true one is told from, >= 1
            "subsample": 1e-3,  # share of the text above which a word is dropped at random, > 0
        },
    )
    config.table = ("loss", "within", "between", "separated", "spearman", "analogy", "sentences", "similarity")
    return config
