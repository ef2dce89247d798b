"""The learning rate: too small is slow, too large overshoots and diverges; the U between them for three optimizers.

python -m experiments.run --config=configs/learning_rates.py

A network of 32 units on 1,000 digits, 400 updates with batches of 50, eleven rates from 0.0001 to 10. A run whose loss
explodes is flagged as diverged and left out of the means.

Measured over 8 seeds (2026-11-23, 2-core x86 CPU), best rate on validation and its test accuracy: gradient descent
0.316, 0.958 ± 0.008; momentum 0.9 0.0316, 0.959 ± 0.008; Adam 0.01, 0.962 ± 0.008. At a hundredth of these rates 0.605
± 0.043, 0.600 ± 0.043, 0.395 ± 0.046. All seeds of gradient descent diverge from 3.16 on; with momentum 7 of 8 at
0.316.

Adam worsens long before it is flagged: at 0.1 the test loss is 4.4 ± 1.4 nats.
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
