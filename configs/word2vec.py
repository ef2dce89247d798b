"""word2vec: skip-gram and CBOW trained from ten seeds, asked for neighbours, odd ones out and analogies.

python -m experiments.run --config=configs/word2vec.py
python -m experiments.run --config=configs/word2vec.py --config.task.text=file --config.task.path=MINE.txt --config.task.similar="('word',)" --config.task.odd="()" --config.task.analogies="()"
python -m experiments.vectors --vectors=checkpoints/word2vec --analogy="man king woman"

A megabyte of generated sentences about computers, fruit, people and places (F091, F100, F101, F103).
`sentences` is the extrinsic task: of which kind is a sentence, from 5 labelled ones of each kind. vectors.txt in the
run directory holds the first seed's vectors of the first method.

Measured over 10 seeds, mean and 95 % interval (2026-11-23, 2 x86 cores, 19 s): cosine within topics 0.573 ± 0.002,
between them 0.205 ± 0.007 (skip-gram); 0.664 ± 0.004 and 0.214 ± 0.011 (CBOW); within above between in 10 of 10 seeds.
Spearman with 27 judged pairs 0.920 ± 0.007 (CBOW 0.841 ± 0.020); analogies 224 of 224 right in all seeds; sentences
0.896 ± 0.041 (0.933 ± 0.040), a bag of words 0.656 ± 0.049.
Tiny Shakespeare (text shakespeare, 100 features, 20 epochs; 118 s on one core): within topics 0.318 ± 0.005, between
them 0.144 ± 0.002, 10 of 10 seeds; Spearman with 78 judged pairs 0.776 ± 0.010 (CBOW 0.792 ± 0.006).

Contrary to the notes, Rome - Paris is near Italy - France, not France - Italy (S35). All analogies are right because of
the text, in which every person is a role and a gender; no natural text is so regular.
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
            "learning_rate": 0.025,  # of skip-gram at the start; falls linearly, > 0
            "cbow_learning_rate": 0.05,  # of CBOW, > 0
            "methods": ("skip_gram", "cbow"),  # what is trained, one after the other: skip_gram, cbow
            "negatives": 5,  # random words that a true one is told from, >= 1
            "subsample": 1e-3,  # share of the text above which a word is dropped at random, > 0
        },
    )
    config.table = ("loss", "within", "between", "separated", "spearman", "analogy", "sentences", "similarity")
    return config
