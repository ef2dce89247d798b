"""Underfitting and overfitting: networks that are too small, right and too large for noisy moons.

python -m experiments.run --config=configs/underfit_overfit.py

200 points of noisy moons, full-batch Adam. The verdict compares the training loss with the best validation loss (see
nn_core/by_hand/diagnosis.py); `regions` shows what each network predicts everywhere.

Measured over 8 seeds, loss on training and on validation in nats (2026-11-23, 2-core x86 CPU): 1 unit 0.301 ± 0.032 and
0.348 ± 0.011, underfits; 4 units 0.131 ± 0.030 and 0.220 ± 0.026, just right; 2 x 64 units 0.0013 ± 0.0010 and
0.65 ± 0.12, overfits. Test accuracy 0.838 ± 0.010, 0.908 ± 0.004, 0.894 ± 0.008: the loss suffers more than the accuracy.
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, zipped

SIZES = {"1 unit": (1,), "4 units": (4,), "2 x 64 units": (64, 64)}


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "underfit_overfit"
    config.hparams.learning_rate = 0.02
    config.task.record = ("regions",)
    config.model = base.mlp(activation="tanh")
    config.model.initializer = "lecun_normal"
    config.data = base.examples("moons", train=200, validation=400, test=400, num_examples=1000, noise=0.25)
    config.data.batch_size = None
    config.train.steps = 1000
    config.train.eval_every = 25
    config.train.log_every = 25
    config.table = ("train_loss", "validation_loss", "gap", "test_loss", "test_accuracy")
    config.figures = ("regions", "learning_curves")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    sizes = zipped({"label": tuple(SIZES), "model.hidden_sizes": tuple(SIZES.values())})
    return product(sizes, axis("seed", range(config.num_seeds)))
