"""The validation loss of gpt_quick over seeds: mean and 95 % confidence interval.

python -m experiments.run --config=configs/gpt_quick_seeds.py --config.data.name=shakespeare
"""

from ml_collections import ConfigDict

from configs import gpt_quick
from configs.grid import Sweep, axis


def get_config() -> ConfigDict:
    config = gpt_quick.get_config()
    config.name = "gpt_quick_seeds"
    config.num_seeds = 4
    config.train.sample_every = 0
    config.figures = ("learning_curves",)
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    return axis("seed", range(config.num_seeds))
