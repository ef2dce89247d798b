"""Vanishing and exploding gradients: the norm by layer, seven activations, three initialisations, depths 2 and 20.

python -m experiments.run --config=configs/vanishing_gradients.py

No training: the gradient on 256 digits at the start, width 64, seeds differ in the start only.

Measured over 8 seeds (2026-11-23, 2-core x86 CPU), norm in the first over that in the last layer with 20 hidden layers.
LeCun's start: sigmoid 7e-13, GELU 4e-4, ReLU 0.13 ± 0.07, tanh 1.19 ± 0.21, ELU 1.18 ± 0.18, SELU 1.22 ± 0.19. He's:
sigmoid 1.7e-10, ReLU 0.46 ± 0.17, GELU 1.39 ± 0.31. N(0, 1): tanh explodes (1.8e6), ReLU keeps the ratio (0.24 ± 0.05)
but all its gradients are about 1e15.

As the notes say, sigmoid vanishes. Tanh does not at either start that fits the width; the start matters as much as the
function.
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
DEPTHS = (2, 20)
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
