"""Spam or not, read word by word: three recurrent cells beside the bag of the same words.

python -m experiments.run --config=configs/rnn_spam.py
python -m experiments.run --config=configs/rnn_spam.py --config.data.name=sms_spam --config.data.train=3900 \
  --config.data.validation=500 --config.data.test=1100

Words are hashed to 4,000 ids, so no vocabulary is learned from test messages; all digits count as one sign. The
rarer class is spam: `rare_recall`, `rare_precision`.

Measured over 4 seeds (2026-11-23, 2 x86 cores): on the generated messages, which come from templates, all four read
every test message right, the bag of words too: single words show what is spam there, not their order.

On the SMS Spam Collection (1,100 test messages), accuracy: bag of words 0.985 ± 0.005, GRU 0.982 ±
0.005, LSTM 0.981 ± 0.003, vanilla 0.967 ± 0.006. Order adds nothing here to which words a message holds.
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, union


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "rnn_spam"
    config.num_seeds = 4  # recurrent networks are slow: twice as many take twice as long
    config.task = base.sequence_classification()
    config.model = base.recurrent("lstm", features=32)
    config.data = base.sequences("generated_spam", train=1200, validation=300, test=500, buckets=4000, max_words=40)
    config.hparams.learning_rate = 5e-3
    config.hparams.clip_norm = 1.0
    config.train.steps = 400
    config.train.eval_every = 25
    config.train.log_every = 25
    config.train.keep_best = True
    config.table = ("test_accuracy", "rare_recall", "rare_precision", "macro_f1", "test_loss", "parameters")
    config.figures = ("comparison",)
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    settings = union(
        [{"label": "bag of words", "model.name": "bag"}],
        [{"label": "vanilla", "model.cell": "vanilla"}],
        [{"label": "LSTM", "model.cell": "lstm"}],
        [{"label": "GRU", "model.cell": "gru"}],
    )
    return product(settings, axis("seed", range(config.num_seeds)))
