"""The factor 1 / sqrt(d_k) of attention: without it softmax saturates, and the wider the heads, the less it passes back.

python -m experiments.run --config=configs/attention_scale.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "attention_scale",
        {
            "head_widths": (4, 16, 64, 256, 1024),  # d_k, each >= 1
            "num_queries": 256,  # over which is averaged, >= 1
            "num_keys": 32,  # over which softmax goes, >= 1
        },
    )
    config.num_seeds = 20
    config.table = ("gradient", "saturated", "largest_weight", "entropy")
    config.figures = ("comparison",)
    return config
