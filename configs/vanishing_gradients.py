"""Vanishing and exploding gradients: the norm by layer, seven activations, three initialisations, depth 2 to 20.

python -m experiments.run --config=configs/vanishing_gradients.py
"""

import math

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product

ACTIVATIONS = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "ReLU": "relu",
    "leaky ReLU": "leaky_relu",
    "ELU": "elu",
    "SELU": "selu",
    "GELU": "gelu",
}
DEPTHS = (2, 6, 20)
WIDTH = 64  # as many as the digits have pixels: every layer has the same fan-in n
# Factors on LeCun's standard deviation 1 / sqrt(n).
STARTS = {"LeCun, 1/n": 1.0, "He, 2/n": math.sqrt(2.0), "N(0, 1)": math.sqrt(WIDTH)}


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "vanishing_gradients"
    config.hparams.learning_rate = 1e-3
    config.model = base.mlp(hidden_sizes=(WIDTH,) * DEPTHS[0])
    config.model.initializer = "lecun_normal"
    config.data = base.examples("digits", train=256, validation=1, test=1)
    config.data.shuffle = False
    config.data.batch_size = None
    config.train.steps = 0
    config.train.evaluate_train = False
    config.table = ("gradient_ratio", "gradient_norm_dense_0", "activation_sparsity", "dead_units")
    config.figures = ("gradients",)
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    settings = [
        {
            "label": f"{name}: {start}, depth {depth}",
            "model.activation": activation,
            "model.hidden_sizes": (WIDTH,) * depth,
            "hparams.init_scale": scale,
        }
        for depth in DEPTHS
        for name, activation in ACTIVATIONS.items()
        for start, scale in STARTS.items()
    ]
    return product(settings, axis("seed", range(config.num_seeds)))
