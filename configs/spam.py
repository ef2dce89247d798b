"""Spam by bag of words: precision, recall, F1 and a threshold over ten splits; and what a bag of words cannot tell.

python -m experiments.run --config=configs/spam.py
python -m experiments.run --config=configs/spam.py --config.task.corpus=sms_spam
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "spam",
        {
            "corpus": "generated_spam",  # generated_spam (offline; 2 % of its labels are wrong), sms_spam (download)
            "epochs": 15,  # passes over the training messages, >= 1
            "batch_size": 64,  # messages of a step, >= 1
            "learning_rate": 0.003,  # of AdamW, > 0
            "weight_decay": 0.1,  # 1 / step, >= 0
            "max_features": 3000,  # words of the vocabulary: those in most training messages, >= 11
            "min_texts": 2,  # a word must be in so many training messages, >= 1
            "stop_words": False,  # leave out "a", "the" and the like
        },
    )
    config.table = ("accuracy", "precision", "recall", "f1", "threshold", "words", "unknown", "changed")
    return config
