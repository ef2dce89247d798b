"""FastText: words as means of their n-grams, from ten seeds; words that are in no text are asked for.

python -m experiments.run --config=configs/fasttext.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "fasttext",
        base.word_text()
        | {
            "window": 5,  # most words on each side, >= 1
            "epochs": 5,  # passes over the text, >= 1
            "learning_rate": 0.05,  # at the start; falls in a line, > 0
            "negatives": 5,  # random words that a true one is told from, >= 1
            "subsample": 1e-3,  # share of the text above which a word is dropped at random, > 0
            "shortest": 3,  # letters of an n-gram, marks of beginning and end included, >= 1
            "longest": 6,  # >= shortest
            "buckets": 20_000,  # rows that n-grams share by their hash, >= 1
            "unseen": ("laptops", "keybord", "princesses"),  # words that are in no text, and are asked for
        },
    )
    config.table = (
        "loss",
        "within",
        "between",
        "separated",
        "spearman",
        "analogy",
        "sentences",
        "unseen",
        "similarity",
    )
    return config
