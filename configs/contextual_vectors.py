"""One spelling, two meanings: an encoder that was never told gives "date" another vector on a tree than on a ticket.

python -m experiments.run --config=configs/contextual_vectors.py
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
