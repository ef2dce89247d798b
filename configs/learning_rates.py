"""The learning rate: too small is slow, too large overshoots and diverges; the U between them for three optimizers.

python -m experiments.run --config=configs/learning_rates.py
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, union, zipped

RATES = tuple(float(f"{10 ** (exponent / 2):.3g}") for exponent in range(-8, 3))


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "learning_rates"
    config.hparams.learning_rate = 0.1
    config.model = base.mlp(hidden_sizes=(32,))
    config.data = base.examples("digits", train=1000, validation=300, test=497)
    config.data.batch_size = 50
    config.optimizer.name = "sgd"
    config.train.steps = 400
    config.train.eval_every = 20
    config.train.log_every = 20
    config.table = ("train_loss", "test_loss", "test_accuracy")
    config.figures = ("paths", "rates")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    optimizers = (
        ("gradient descent", {"optimizer.name": "sgd"}),
        ("momentum 0.9", {"optimizer.name": "momentum", "hparams.momentum": 0.9}),
        ("Adam", {"optimizer.name": "adam"}),
    )
    settings = [
        product(zipped({"label": [f"{name}: rate {r:g}" for r in RATES], "hparams.learning_rate": RATES}), [fixed])
        for name, fixed in optimizers
    ]
    return product(union(*settings), axis("seed", range(config.num_seeds)))
