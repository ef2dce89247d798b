"""Regularization compared: none, L1, L2, elastic net, dropout and early stopping, several strengths, 8 seeds each.

python -m experiments.run --config=configs/regularization.py
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, union, zipped


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "regularization"
    config.hparams.learning_rate = 1e-3
    config.model = base.mlp(hidden_sizes=(128,), activation="relu")
    config.data = base.examples("digits", train=200, validation=200, test=1397)
    config.data.noise_features = 64
    config.data.label_noise = 0.2
    config.data.batch_size = 50
    config.train.steps = 1500
    config.train.eval_every = 25
    config.train.log_every = 25
    config.table = ("test_accuracy", "test_loss", "gap", "exact_zeros", "weight_norm", "dead_units")
    config.figures = ("paths", "comparison", "learning_curves")
    return config


def method(name: str, hparam: str, strengths: tuple[float, ...], **fixed: object) -> Sweep:
    """One regularizer at several strengths; `name` is its label up to the number."""
    columns = {"label": tuple(f"{name} {s:g}" for s in strengths), f"hparams.{hparam}": strengths}
    return product(zipped(columns), [dict(fixed)])


def get_sweep(config: ConfigDict) -> Sweep:
    proximal = {"optimizer.proximal": True}
    settings = union(
        [{"label": "none"}],
        method("L1: λ", "l1", (3e-4, 1e-3, 3e-3, 1e-2), **proximal),
        method("L2: λ", "l2", (1e-3, 3e-3, 1e-2, 3e-2)),
        method("elastic net: λ", "elastic_net", (3e-4, 1e-3, 3e-3, 1e-2), **proximal, **{"hparams.l1_ratio": 0.5}),
        method("dropout: rate", "dropout_rate", (0.2, 0.4, 0.6, 0.8)),
        method("early stopping: patience", "patience", (1.0, 3.0, 10.0)),
    )
    return product(settings, axis("seed", range(config.num_seeds)))
