"""A character GPT that writes readable text after minutes on two CPU cores: the size of nanoGPT's CPU setting.

python -m experiments.run --config=configs/gpt_quick.py --config.data.name=shakespeare
python -m experiments.sample --checkpoint=checkpoints/gpt_quick --prompt="ROMEO:" --temperature=0.8

4 layers, 4 heads, width 128, context 64, batch 12, 2,000 steps, for which nanoGPT reports a validation loss of 1.88.
Without --config.data.name it reads the documentation that comes with Python and needs no network. Several seeds:
configs/gpt_quick_seeds.py.

Measured (2026-11-23, 2-core x86 CPU, seed 0, Shakespeare): validation loss 1.766 nats on every target, perplexity 5.85,
after 54 s; training loss 1.584.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "gpt_quick"
    config.task = base.language()
    config.model = base.gpt(layers_num=4, heads_num=4, embedding_dim=128)
    config.model.use_bias = False
    config.data = base.text("pydoc", context_size=64, batch_size=12)
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 3e-3
    config.hparams.weight_decay = 0.1
    config.hparams.beta2 = 0.99
    config.hparams.clip_norm = 1.0
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 100
    config.schedule.final_factor = 0.1
    config.train.steps = 2000
    config.train.eval_every = 100
    config.train.log_every = 10
    config.train.sample_every = 500
    config.train.chunk_steps = 20
    config.train.evaluate_train = False
    config.train.keep_best = True
    config.table = ("validation_full_loss", "validation_full_perplexity", "train_loss")
    config.figures = ("training_and_validation_loss",)
    return config
