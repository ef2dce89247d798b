"""Places of tokens: learned vectors, fixed sinusoids and none at all, in the same small GPT (C16).

python -m experiments.run --config=configs/positions.py

2 blocks of width 32 read the documentation that comes with Python, character by character, 400 updates of 512
characters. Token vectors start short, at 0.02 as in GPT-2, or as long as the sinusoids: of length 1 and multiplied by the
root of the width, as in the Transformer of 2017. Each kind of positions tries both, at four learning rates, and is shown
with what has the lowest validation loss.

Measured over 12 seeds (report C16, 2026-11-30, 2 shared x86 cores, 23 minutes on one of them), validation loss in nats,
mean and 95 % interval: learned 2.2096 ± 0.0064, sinusoidal 2.2115 ± 0.0051, none 2.2167 ± 0.0055, each with long token
vectors at rate 0.01. As the course says, the two kinds are equal: sinusoidal − learned 0.0019 ± 0.0046, seed by seed. None
− learned 0.0071 ± 0.0062. Short token vectors are no fair test: sinusoids have a size of 0.7, 35 times that of the vectors
that they are added to, and end at 2.711 (learned 2.270, none 2.252). `embedding_ratio` says so (4 seeds at rate 0.01,
2026-12-01): at the end a short token vector has 0.326 ± 0.050 of the length of a sinusoid, a long one 2.15 ± 0.10 times its
length; of a learned position 3.18 ± 0.30 and 13.7 ± 1.1.

How much this test asks for places the row "none" says: a model that sees the characters before each one in order can count
them itself.
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product

POSITIONS = ("learned", "sinusoidal", "none")
RATES = (3e-3, 1e-2, 3e-2, 1e-1)


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "positions"
    config.task = base.language()
    config.model = base.gpt(layers_num=2, heads_num=2, embedding_dim=32)
    config.data = base.text("pydoc", context_size=64, batch_size=8)
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = RATES[0]
    config.hparams.weight_decay = 0.1
    config.hparams.beta2 = 0.99
    config.hparams.clip_norm = 1.0
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 20
    config.schedule.final_factor = 0.1
    config.train.steps = 400
    config.train.eval_every = 40
    config.train.log_every = 40
    config.train.chunk_steps = 40
    config.train.evaluate_train = False
    config.table = ("validation_full_loss", "validation_full_perplexity", "embedding_ratio", "parameters")
    config.figures = ("comparison", "learning_curves")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    settings = [
        {
            "label": f"{kind} | {'long' if long else 'short'}, rate {rate:g}",
            "model.position": kind,
            "model.scale_embedding": long,
            "hparams.learning_rate": rate,
        }
        for kind in POSITIONS
        for long in (False, True)
        for rate in RATES
    ]
    return product(settings, axis("seed", range(config.num_seeds)))
