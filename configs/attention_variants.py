"""Attention variants: what a layer costs against the length, and which positions hold beyond the training length.

python -m experiments.run --config=configs/attention_variants.py

Measured (2026-11-30, alone on 2 x86 cores, 63 s). One layer of 4 heads of 16, forwards and backwards, at 128, 1,024 and
4,096 tokens: dense 0.53, 11.7 and 313 ms with 0.85, 31 and 256 MB of temporaries by the compiled program's own analysis;
block by block 0.70, 22 and 341 ms, with a window 0.83, 13.7 and 91 ms, with global tokens as well 0.93, 18 and 102 ms, with a
stride 0.83, 24 and 343 ms, each 1.5, 3.9 and 11 MB; linear 0.42, 2.9 and 11.7 ms, 0.5, 2.3 and 9 MB. A stride hides no
whole block, so it saves memory and no time.

Trained on 32 tokens (8 seeds), loss at one, two and four times that length: ALiBi 0.709 ± 0.034, 0.729 ± 0.045 and 0.753 ±
0.038, the only one that holds; rotary 0.585 ± 0.031, the best where it was trained, then 4.23 ± 0.11 and 4.30 ± 0.24; relative
bias 0.685, 1.34 and 2.26; sinusoids 0.943, 4.45 and 4.12; no positions 1.36, 1.76 and 2.06.
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
