"""BERT in small: pre-trained on hidden words and next sentences, fine-tuned for opinions, tags, answers and topics.

python -m experiments.run --config=configs/bert_quick.py
python -m experiments.pipeline fill-mask --model=checkpoints/bert_quick/models/words "anna breaks the [MASK] into a pan"

80 % of the chosen words are hidden, 10 % become another word, 10 % stay. Whether a sentence follows another depends on
their order. Every task has 60 labelled texts and is tuned twice from the same batches: from the pre-trained encoder, and
from random parameters; the figure shows the difference, paired over the seeds. Guesses of the most frequent word, and of
the most frequent one after the word before, stand beside the hidden words. Words in pieces, and whole words hidden:

python -m experiments.run --config=configs/bert_quick.py --config.task.pieces=100 --config.task.whole_words=True --config.task.width=64

Measured over 8 seeds (2026-11-30, 2 shared x86 cores, 3.7 processor minutes), 1,000 held-out texts: 0.755 ± 0.013 of the
hidden words are guessed, 0.106 by counting words, 0.423 by counting pairs; next sentences 0.994 ± 0.003. Test accuracy of
the pre-trained network less that of the random one, paired: tags +0.058 ± 0.007 (0.996), topics +0.086 ± 0.049 (0.680),
opinions +0.067 ± 0.029 (0.637), answers -0.043 ± 0.081 (0.378): 60 examples are too few for these, and pre-training helps
all but the last.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "bert_quick",
        {
            "embedding_dim": 48,  # width of the encoder, >= 1
            "heads": 4,  # attention heads, a divisor of the width
            "layers": 2,  # blocks, >= 1
            "width": 32,  # tokens of a text, >= 8
            "chosen": 0.15,  # share of the words that are chosen, in (0, 1)
            "pieces": 0,  # tokens of a WordPiece vocabulary; 0: every word is a token
            "whole_words": False,  # all pieces of a word are chosen together
            "texts": 6000,  # texts of the pre-training, >= 8
            "held_out": 1000,  # texts that judge it, >= 8
            "pretrain_steps": 1500,  # updates, >= 10
            "pretrain_rate": 3e-3,  # learning rate of Adam at its highest, > 0
            "labelled": 60,  # examples of each task, >= 1
            "test": 500,  # examples that judge, >= 1
            "steps": 150,  # updates of the fine-tuning, >= 10
            "learning_rate": 1e-3,  # of Adam at its highest, > 0
            "batch_size": 32,  # texts a step, >= 1
        },
    )
    config.num_seeds = 8
    config.table = STUDY_COLUMNS
    config.figures = ("bert_quick", "comparison")
    return config


STUDY_COLUMNS = (
    "masked_accuracy",
    "unigram_accuracy",
    "bigram_accuracy",
    "next_sentence_accuracy",
    "test_accuracy",
)
