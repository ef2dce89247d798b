"""Magnitude pruning while training: how many weights of a network can be zero before its accuracy suffers.

python -m experiments.run --config=configs/pruning.py
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, union

SPARSITIES = (0.5, 0.8, 0.9, 0.95, 0.98)


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "pruning"
    config.hparams.learning_rate = 3e-3
    config.model = base.mlp(hidden_sizes=(64,))
    config.train.steps = 1000
    config.train.eval_every = 50
    config.train.log_every = 50
    config.pruning = base.pruning(begin=100, end=700, every=50)
    config.table = ("test_accuracy", "test_loss", "exact_zeros")
    config.figures = ("paths", "learning_curves")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    pruned = [{"label": f"pruned: sparsity {share:g}", "hparams.sparsity": share} for share in SPARSITIES]
    return product(union([{"label": "dense"}], pruned), axis("seed", range(config.num_seeds)))
