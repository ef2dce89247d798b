"""A reward model learns from pairs of answers which one people prefer: right, polite and short ones (F170).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.run --config=configs/reward_model.py
"""

from ml_collections import ConfigDict

from configs import assistant_base, base
from configs.grid import Sweep, axis, product, union, zipped


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "reward_model"
    config.task = base.section(base.REWARD_MODEL, pooling="likelihood")
    config.model = assistant_base.model()
    config.data = base.conversations(context_size=assistant_base.CONTEXT, batch_size=32)
    config.data.pairs_about = "all"
    config.transfer.source = "checkpoints/assistant_sft"
    config.transfer.by_seed = True
    config.transfer.load = (("score_head/*", "new"), ("*", "load"))
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 3e-3
    config.hparams.weight_decay = 0.01
    config.hparams.clip_norm = 1.0
    config.hparams.centring = 0.01
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 20
    config.schedule.final_factor = 0.05
    config.train.steps = 400
    config.train.eval_every = 50
    config.train.log_every = 10
    config.train.chunk_steps = 50
    config.train.evaluate_train = False
    config.table = ("test_accuracy", "validation_accuracy", "calibration_error", "test_loss")
    config.figures = ("learning_curves", "calibration")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    settings = union(
        zipped({"label": ("4000 pairs, 5 % noise",), "data.pairs": (4000,), "data.label_noise": (0.05,)}),
        zipped({"label": ("500 pairs, 5 % noise",), "data.pairs": (500,), "data.label_noise": (0.05,)}),
        zipped({"label": ("4000 pairs, 30 % noise",), "data.pairs": (4000,), "data.label_noise": (0.3,)}),
    )
    return product(settings, axis("seed", range(config.num_seeds)))
