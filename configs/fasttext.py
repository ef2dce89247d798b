"""FastText: words as means of their n-grams, from ten seeds; it also answers for words that are in no text.

python -m experiments.run --config=configs/fasttext.py

The same text and questions as configs/word2vec.py (F094). `unseen` is the share of misspelt words (an s at the
end, or the fourth letter lost) whose nearest word is the right one.

Measured over 10 seeds, mean and 95 % interval (2026-11-23, 2 x86 cores, 38 s): unseen 0.827 ± 0.012; cosine within
topics 0.791 ± 0.005, between them 0.272 ± 0.004, within above between in 10 of 10 seeds; Spearman with 27 judged pairs
0.889 ± 0.010; analogies 0.953 ± 0.007; sentences 0.865 ± 0.039, a bag of words 0.656 ± 0.049.

For words that are in the text, n-grams gain nothing here: skip-gram without them has 0.920 ± 0.007 and 1.
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
            "learning_rate": 0.05,  # at the start; falls linearly, > 0
            "negatives": 5,  # random words that a true one is told from, >= 1
            "subsample": 1e-3,  # share of the text above which a word is dropped at random, > 0
            "shortest": 3,  # letters of an n-gram, marks of beginning and end included, >= 1
            "longest": 6,  # >= shortest
            "buckets": 20_000,  # rows that n-grams share by their hash, >= 1
            "unseen": ("laptops", "keybord", "princesses"),  # words to look up that are in no text
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
