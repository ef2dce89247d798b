"""Larger models, more data, more compute: the loss of five sizes of GPT as powers of each, and the best size (C20, F185).

python -m experiments.run --config=configs/scaling.py

GPTs of 3,000 to 130,000 parameters read the documentation that comes with Python, character by character, at a constant
rate: so every point of a learning curve is a training of that length. Each size is shown at its best rate on validation.
Compute is 6 N D operations for N parameters and D characters; attention's own products are left out. The text has
443,000 characters, so that 2,000 updates read it 4.6 times.

Measured over 3 seeds (2026-11-30, 2 x86 cores under a load of 20), validation loss in nats, mean and 95 % interval of the
first four sizes: 2.326 ± 0.066, 2.009 ± 0.036, 1.781 ± 0.047, 1.624 ± 0.011; loss ∝ N^-0.127 [-0.141, -0.113]; the best N
∝ C^0.43 [0.37, 0.48], from two overtakings. The fifth size was stopped after 1,440 updates, where the five have 2.340 ±
0.021, 2.047 ± 0.029, 1.814 ± 0.020, 1.670 ± 0.014, 1.602 ± 0.030: loss ∝ N^-0.102 [-0.106, -0.098], and for the fifth
∝ D^-0.202 [-0.212, -0.192]; three of these are at the edge of the rates tried (the fifth without 0.01). The time of the
whole and the fifth size after 2,000 updates are not measured.

As the notes say, a larger model is better after as much text: so it is for the means at both ends. At equal compute it is not: each size is
the best for a while, and below a compute the smaller one wins.
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, zipped

# layers, width, heads, and learning rates that hold the best one inside
SIZES = (
    (1, 8, 1, (1.25e-3, 2.5e-3, 5e-3, 1e-2, 2e-2, 4e-2, 8e-2)),
    (1, 16, 2, (5e-3, 1e-2, 2e-2, 4e-2)),
    (2, 24, 3, (2.5e-3, 5e-3, 1e-2, 2e-2, 4e-2)),
    (2, 40, 5, (2.5e-3, 5e-3, 1e-2, 2e-2)),
    (3, 56, 7, (2.5e-3, 5e-3, 1e-2, 2e-2)),
)


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "scaling"
    config.num_seeds = 12  # as many as the correction over all claims of the report needs
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
    config.train.steps = 800
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
