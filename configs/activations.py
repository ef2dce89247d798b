"""Activation functions compared: seven of them, three depths, three learning rates, 8 seeds each.

python -m experiments.run --config=configs/activations.py
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu")
WIDTH = 32


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "activations"
    config.hparams.learning_rate = 1e-3
    config.model.initializer = "lecun_normal"
    config.data = base.examples("digits", train=500, validation=300, test=997)
    config.data.label_noise = 0.1
    config.data.batch_size = 50
    config.train.steps = 400
    config.train.eval_every = 100
    config.table = (
        "test_accuracy",
        "test_loss",
        "train_loss",
        "dead_units",
        "gradient_norm_dense_0",
        "gradient_norm_dense_1",
    )
    config.figures = ("comparison",)
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    depths = [{"model.hidden_sizes": (WIDTH,) * depth} for depth in (1, 3, 6)]
    rates = axis("hparams.learning_rate", (3e-4, 3e-3, 3e-2))
    return product(axis("model.activation", ACTIVATIONS), depths, rates, axis("seed", range(config.num_seeds)))
