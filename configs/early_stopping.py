"""Early stopping: patience and min_delta as one population; the restored parameters are the best ones.

python -m experiments.run --config=configs/early_stopping.py

256 tanh units on 100 points of noisy moons, batches of 20, an evaluation every 5 updates. `stopping` shows where one
seed stops and which parameters it goes back to.

Measured over 8 seeds, test loss in nats (2026-11-29, 2-core x86 CPU): never stopped 0.302 ± 0.078. With min_delta 0:
patience 1 0.41 ± 0.12, 3 0.177 ± 0.019, 10 0.171 ± 0.015, 30 0.172 ± 0.015, after 21 ± 12, 142 ± 37, 207 ± 49 and 326 ±
68 of 1,000 updates; 100 goes back to the same parameters as 30. min_delta affects the patience alone; the parameters
with the lowest loss are kept. A min_delta of 0.03 stops too early at patience 3 (0.257 ± 0.043), but not at 30 (0.171 ±
0.015).

Contrary to the notes, stopping as soon as the error starts to increase (patience 1) is worse than never stopping.
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, union

PATIENCES = (1.0, 3.0, 10.0, 30.0, 100.0, 200.0)
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
    config.table = ("steps", "gradients", "best_step", "validation_loss", "test_loss", "test_accuracy", "gap")
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
