"""Larger models, more data, more compute: the loss of five sizes of GPT as powers of each, and the best size (C20, F185).

python -m experiments.run --config=configs/scaling.py

GPTs of 3,000 to 130,000 parameters read the documentation that comes with Python, character by character, at a constant
rate: so every point of a learning curve is a training of that length. Each size is shown at its best rate on validation.
Compute is 6 N D operations for N parameters and D characters; attention's own products are left out.
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, zipped

# layers, width, heads, and learning rates that hold the best one inside
SIZES = (
    (1, 8, 1, (5e-3, 1e-2, 2e-2)),
    (1, 16, 2, (2.5e-3, 5e-3, 1e-2, 2e-2)),
    (2, 24, 3, (2.5e-3, 5e-3, 1e-2)),
    (2, 40, 5, (1.25e-3, 2.5e-3, 5e-3, 1e-2)),
    (3, 56, 7, (1.25e-3, 2.5e-3, 5e-3, 1e-2)),
)


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "scaling"
    config.num_seeds = 3
    config.task = base.language()
    config.model = base.gpt(layers_num=1, heads_num=1, embedding_dim=8)
    config.model.use_bias = False
    config.data = base.text("pydoc", context_size=64, batch_size=16)
    config.data.evaluation_windows = 128
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 5e-3
    config.hparams.weight_decay = 0.1
    config.hparams.beta2 = 0.99
    config.hparams.clip_norm = 1.0
    config.schedule.warmup_steps = 20
    config.train.steps = 2000
    config.train.eval_every = 40
    config.train.log_every = 40
    config.train.chunk_steps = 40
    config.train.evaluate_train = False
    config.table = ("validation_loss", "validation_full_loss", "parameters", "gradients")
    config.figures = ("scaling",)
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    settings = []
    for layers, width, heads, rates in SIZES:
        name = f"{layers} x {width}"
        tried = zipped({"label": [f"{name} | rate {rate:g}" for rate in rates], "hparams.learning_rate": rates})
        size = {"model.layers_num": layers, "model.embedding_dim": width, "model.heads_num": heads}
        settings += product(tried, [size])
    return product(settings, axis("seed", range(config.num_seeds)))
