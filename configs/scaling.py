"""Larger models, more data, more compute: the loss of five sizes of GPT as powers of each, and the best size (C20, F185).

python -m experiments.run --config=configs/scaling.py

GPTs of 3,000 to 130,000 parameters read the documentation that comes with Python, character by character, at a constant
rate: so every point of a learning curve is a training of that length. Each size is shown at its best rate on validation.
Compute is 6 N D operations for N parameters and D characters; attention's own products are left out. The text has
443,000 characters, so that 800 updates read it 1.8 times; --config.train.steps=2000 goes on from there.

Measured over 12 seeds (report C20, 2026-11-30, 2 shared x86 cores, 46 minutes on one of them), validation loss in nats, mean
and 95 % interval: 2.3338 ± 0.0047, 2.089 ± 0.020, 1.950 ± 0.023, 1.836 ± 0.013, 1.778 ± 0.012; loss ∝ N^-0.071 [-0.073,
-0.069], for the largest ∝ D^-0.194 [-0.199, -0.188]. Each choice lies inside the grid.

As the notes say, a larger model is better after as much text: each is better than the next smaller one, seed by seed by
0.245 ± 0.022, 0.138 ± 0.030, 0.114 ± 0.029 and 0.057 ± 0.016. At equal compute it is not: each size is the best for a while.
After 800 updates only the second has overtaken the first. After 2,000 (--config.train.steps=2000 --config.num_seeds=3,
11 minutes): loss ∝ N^-0.106 [-0.121, -0.092], for the largest ∝ D^-0.197 [-0.209, -0.184]; the third has overtaken the second in
one seed, too few for an interval: the best N ∝ C^0.42. Two of these five choices lie at the lowest rate of their grid.
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
