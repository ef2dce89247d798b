"""The model-complexity graph: error against epochs and against width, with the best point and early stopping's choice.

python -m experiments.run --config=configs/model_complexity.py
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, union

WIDTHS = (1, 2, 4, 16, 64, 256)


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "model_complexity"
    config.hparams.learning_rate = 0.02
    config.model = base.mlp(hidden_sizes=(WIDTHS[-1],), activation="tanh")
    config.model.initializer = "lecun_normal"
    config.data = base.examples("moons", train=100, validation=400, test=400, num_examples=900, noise=0.25)
    config.data.batch_size = None
    config.train.steps = 1000
    config.train.eval_every = 10
    config.train.log_every = 10
    config.table = ("train_loss", "validation_loss", "gap", "test_loss", "test_accuracy", "best_step")
    config.figures = ("complexity",)
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    widths = [{"label": f"width: {width}", "model.hidden_sizes": (width,)} for width in WIDTHS]
    stopped = {"label": f"early stopping: {WIDTHS[-1]}", "hparams.patience": 5.0}
    return product(union(widths, [stopped]), axis("seed", range(config.num_seeds)))
