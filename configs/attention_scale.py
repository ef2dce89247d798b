"""The factor 1 / sqrt(d_k) of attention: without it softmax saturates, and wide heads pass back little gradient.

python -m experiments.run --config=configs/attention_scale.py

Measured over 20 seeds (2026-11-23, 2 x86 cores, 10 s), length of softmax's Jacobian at head widths 4, 64 and 1,024: scaled
0.235 ± 0.003, 0.241 ± 0.001, 0.241 ± 0.001; not scaled 0.290 ± 0.005, 0.196 ± 0.004, 0.066 ± 0.003, with 0.001, 0.206
and 0.687 ± 0.015 of the rows saturated.

This agrees with the notes (F119). At width 4 the factor does not help yet: the unscaled scores pass back more.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "attention_scale",
        {
            "head_widths": (4, 16, 64, 256, 1024),  # d_k, each >= 1
            "num_queries": 256,  # averaged over, >= 1
            "num_keys": 32,  # that each softmax runs over, >= 1
        },
    )
    config.num_seeds = 20
    config.table = ("gradient", "saturated", "largest_weight", "entropy")
    config.figures = ("comparison",)
    return config
