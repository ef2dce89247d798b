"""A Vision Transformer on the digits: 16 patches of 2 x 2 pixels, several seeds as one population.

python -m experiments.run --config=configs/vit.py
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "vit"
    config.num_seeds = 4
    config.hparams.learning_rate = 1e-3
    config.hparams.weight_decay = 0.05
    config.hparams.dropout_rate = 0.1
    config.model = base.vit()
    config.model.position = "sinusoidal"
    config.model.pooling = "mean"
    config.data = base.examples("digits", train=1200, validation=200, test=397)
    config.data.standardize = "all"
    config.optimizer.name = "adamw"
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 50
    config.schedule.final_factor = 0.01
    config.train.steps = 1500
    config.train.evaluate_train = False
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    return axis("seed", range(config.num_seeds))
