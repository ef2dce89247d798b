"""Early stopping: patience and min_delta as one population; the restored parameters are the best ones.

python -m experiments.run --config=configs/early_stopping.py
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, union

PATIENCES = (1.0, 3.0, 10.0, 30.0)
DELTAS = (0.0, 0.003, 0.03)


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "early_stopping"
    config.hparams.learning_rate = 0.01
    config.model = base.mlp(hidden_sizes=(256,), activation="tanh")
    config.model.initializer = "lecun_normal"
    config.data = base.examples("moons", train=100, validation=400, test=400, num_examples=900, noise=0.25)
    config.data.batch_size = 20
    config.train.steps = 1000
    config.train.eval_every = 5
    config.train.log_every = 5
    config.table = ("steps", "best_step", "validation_loss", "test_loss", "test_accuracy", "gap")
    config.figures = ("paths", "stopping")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    stopping = [
        {
            "label": f"min_delta {delta:g}: patience {patience:g}",
            "hparams.patience": patience,
            "hparams.min_delta": delta,
        }
        for delta in DELTAS
        for patience in PATIENCES
    ]
    return product(union([{"label": "never stopped"}], stopping), axis("seed", range(config.num_seeds)))
