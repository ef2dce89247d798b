"""Supervised fine-tuning: from a model that continues questions to one that answers them (F169).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.sample --checkpoint=checkpoints/assistant_sft --member=0 --chat --prompt="where does anna live ?"
"""

from ml_collections import ConfigDict

from configs import assistant_base, base
from configs.grid import Sweep, axis


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "assistant_sft"
    config.task = base.section(base.ANSWERS)
    config.model = assistant_base.model()
    config.data = base.conversations(context_size=assistant_base.CONTEXT, batch_size=32)
    config.data.answers = 8
    config.transfer.source = "checkpoints/assistant_base"
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 3e-3
    config.hparams.weight_decay = 0.01
    config.hparams.beta2 = 0.99
    config.hparams.clip_norm = 1.0
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 20
    config.schedule.final_factor = 0.05
    config.train.steps = 300
    config.train.eval_every = 50
    config.train.log_every = 10
    config.train.chunk_steps = 50
    config.train.evaluate_train = False
    config.table = ("test_exact", "start_exact", "test_loss", "train_exact")
    config.figures = ("learning_curves", "side_by_side")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    return axis("seed", range(config.num_seeds))
