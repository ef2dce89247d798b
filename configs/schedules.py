"""Learning-rate schedules: every factor drawn, and compared in training, each at its own best learning rate.

python -m experiments.run --config=configs/schedules.py
"""

from typing import Any

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, zipped

STEPS = 600
SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {"name": "constant"},
    "inverse sqrt": {"name": "inverse_sqrt"},
    "step": {"name": "step", "decay_steps": STEPS // 4, "decay_rate": 0.3},
    "exponential": {"name": "exponential", "decay_steps": STEPS // 4, "decay_rate": 0.3},
    "linear": {"name": "linear", "final_factor": 0.0},
    "cosine": {"name": "cosine", "final_factor": 0.0},
    "warm-up, cosine": {"name": "cosine", "final_factor": 0.0, "warmup_steps": STEPS // 10},
}
RATES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "schedules"
    config.hparams.learning_rate = 0.1
    config.model = base.mlp(hidden_sizes=(32,))
    config.data = base.examples("digits", train=1000, validation=300, test=497)
    config.data.label_noise = 0.2
    config.data.batch_size = 10
    config.optimizer.name = "sgd"
    config.train.steps = STEPS
    config.train.eval_every = 20
    config.train.log_every = 20
    config.table = ("train_loss", "validation_loss", "test_loss", "test_accuracy")
    config.figures = ("schedules", "comparison")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    settings = [
        product(
            zipped({"label": [f"{label} | rate {rate:g}" for rate in RATES], "hparams.learning_rate": RATES}),
            [{f"schedule.{key}": value for key, value in section.items()}],
        )
        for label, section in SCHEDULES.items()
    ]
    return product([member for setting in settings for member in setting], axis("seed", range(config.num_seeds)))
