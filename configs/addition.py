"""Sums as sequences of characters: "12+5" is read by one LSTM, "17" is written by another.

python -m experiments.run --config=configs/addition.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "addition"
    config.task = base.translation()
    config.model = base.recurrent("lstm", features=128)
    config.data = base.sequences(
        "addition", train=145_000, validation=1000, test=4000, num_examples=150_000, max_digits=3
    )
    config.data.batch_size = 128
    config.hparams.learning_rate = 5e-3
    config.hparams.clip_norm = 1.0
    config.schedule.name = "cosine"
    config.schedule.final_factor = 0.0
    config.train.steps = 20_000
    config.train.eval_every = 500
    config.train.log_every = 500
    config.train.sample_every = 4000
    config.train.evaluate_train = False
    config.sample.prompt = "12+5"
    config.sample.max_new_tokens = 8
    config.table = ("test_exact", "greedy_exact", "beam_exact", "test_accuracy", "test_loss")
    config.figures = ("decoding", "training_and_validation_loss")
    return config
