"""Attention variants: what a layer costs against the length, and which positions hold beyond the training length.

python -m experiments.run --config=configs/attention_variants.py

Measured (2026-11-29): temporaries of one layer (4 heads of 16, forwards and backwards, by the compiled program's own
analysis) at 128, 1,024 and 4,096 tokens: dense 0.85, 31 and 256 MB; block by block, with or without a window, global tokens
or a stride, 1.5, 3.9 and 11 MB; linear 0.5, 2.3 and 9 MB. A stride hides no whole block, so it saves memory and no time.
Times and the losses beyond the training length have not been measured yet: the machine was shared.
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
