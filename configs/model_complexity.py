"""The model-complexity graph: error against epochs and against width, with the best point and early stopping's choice.

python -m experiments.run --config=configs/model_complexity.py

100 points of noisy moons, full-batch Adam, so that an update is an epoch. Stars mark the lowest mean validation loss.

Measured over 8 seeds, validation loss in nats (2026-11-23, 2-core x86 CPU): after 1,000 epochs 1 unit 0.358 ± 0.042,
4 units 0.331 ± 0.092 (the best width), 16 units 0.55 ± 0.12, 256 units 0.77 ± 0.17. Early stopping takes the 256 units
back to epoch 61 ± 13 and 0.175 ± 0.018; the mean curve is lowest at epoch 70.

The notes call epochs the complexity (S17c); both axes show the same shape here. The validation set chooses, not the
test set of the notes (S17). The large network, stopped, beats every small one.
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
    config.table = ("train_loss", "validation_loss", "gap", "test_loss", "test_accuracy", "best_step", "gradients")
    config.figures = ("complexity",)
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    widths = [{"label": f"width: {width}", "model.hidden_sizes": (width,)} for width in WIDTHS]
    stopped = {"label": f"early stopping: {WIDTHS[-1]}", "hparams.patience": 5.0}
    return product(union(widths, [stopped]), axis("seed", range(config.num_seeds)))
