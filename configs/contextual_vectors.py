"""One spelling, two meanings: an encoder that was never told gives "date" another vector on a tree than on a ticket.

python -m experiments.run --config=configs/contextual_vectors.py

Measured over 10 seeds (2026-11-30, 2 shared x86 cores, 42 s): the cosine of two sentences' vectors of
"date" is 0.817 ± 0.036 within a meaning and 0.747 ± 0.058 between the meanings, larger within in 10 of 10 seeds; the
nearest sentence has the same meaning for 0.890 ± 0.023 of them. A table gives 1 for all pairs. With the notes (F095).
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "contextual_vectors",
        {
            "embedding_dim": 32,  # width of the encoder, >= 1
            "heads": 4,  # attention heads, a divisor of the width
            "layers": 2,  # blocks, >= 1
            "width": 32,  # tokens of a text, >= 8
            "chosen": 0.15,  # share of the words that are chosen, in (0, 1)
            "texts": 4000,  # texts of the pre-training, >= 8
            "pretrain_steps": 400,  # updates, >= 10
            "pretrain_rate": 3e-3,  # learning rate of Adam at its highest, > 0
            "batch_size": 32,  # texts a step, >= 1
        },
    )
    config.num_seeds = 10
    config.table = ("within", "between", "nearest_right")
    config.figures = ("contextual_vectors",)
    return config
