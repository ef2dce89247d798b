"""A part of speech for every word: what a network that reads in both directions knows and a table of words cannot.

python -m experiments.run --config=configs/tagging.py

Sentences of a small grammar in which "light", "watch" or "clean" are tagged by their place. `table_accuracy` is the
baseline: every word gets the tag that it has most often in the training sentences.

Measured over 8 seeds (2026-11-23, 2 x86 cores): words tagged right 0.9814 ± 0.0031 by a GRU that reads forwards,
0.99985 ± 0.00035 by one that reads both ways, 0.7929 ± 0.0024 by the table; sentences without an error 0.937 ± 0.012
and 0.9993 ± 0.0017. Both directions have twice the parameters (10,182 against 5,286).
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, union


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "tagging"
    config.task = base.tagging()
    config.model = base.recurrent("gru", features=32)
    config.model.embedding_size = 16
    config.data = base.sequences("tagged_sentences", train=1000, validation=300, test=700, num_examples=2000)
    config.hparams.learning_rate = 1e-2
    config.train.steps = 300
    config.train.eval_every = 20
    config.train.log_every = 20
    config.train.keep_best = True
    config.table = ("test_accuracy", "test_exact", "table_accuracy", "test_loss", "parameters")
    config.figures = ("comparison", "learning_curves")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    settings = union(
        [{"label": "reads forwards"}],
        [{"label": "reads both ways", "model.bidirectional": True}],
    )
    return product(settings, axis("seed", range(config.num_seeds)))
