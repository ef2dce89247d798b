"""Attention variants: what a layer costs against the length, and which positions hold beyond the training length.

python -m experiments.run --config=configs/attention_variants.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "attention_variants",
        {
            "variants": ("dense", "blockwise", "local", "local-global", "strided", "linear"),  # what is timed
            "lengths": (128, 256, 512, 1024, 2048, 4096),  # tokens, each >= 1
            "heads": 4,  # of the timed layer, >= 1
            "head_width": 16,  # of the timed layer, >= 1
            "positions": ("sinusoidal", "rotary", "alibi", "relative", "none"),  # what is trained
            "trained_length": 32,  # tokens of a training window, even
            "embedding_dim": 32,  # width of the trained models, a multiple of 8
            "steps": 400,  # updates, >= 1
            "learning_rate": 3e-3,  # of Adam, > 0
        },
    )
    config.num_seeds = 8
    config.table = ("milliseconds", "megabytes", "loss_1", "loss_2", "loss_4")
    config.figures = ("attention_variants",)
    return config
