"""A trained language model goes on with another text: a GPT-2 or Llama from a folder, or a run of this project.

python -m experiments.run --config=configs/gpt_quick.py
python -m experiments.run --config=configs/finetune_text.py
python -m experiments.run --config=configs/finetune_text.py --config.transfer.source=FOLDER --config.data.name=file --config.data.path=own.txt

The text is cut into the source's own tokens. Without --config.data.path it reads a generated text and needs no network.

Measured (2026-12-01, seed 0, 2 shared x86 cores), validation loss after 200 updates on the generated text: from a gpt_quick of
Python's documentation 0.424 nats a character (0.387 at a rate of 3e-3), from nothing (--config.transfer.load='(("*","new"),)')
1.478, 1.217 and 1.380 at rates of 1e-3, 3e-3 and 1e-2.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "finetune_text"
    config.task = base.language()
    config.model = base.pretrained()
    config.data = base.text("generated", context_size=64, batch_size=12)
    config.transfer.source = "checkpoints/gpt_quick"
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 1e-3
    config.hparams.weight_decay = 0.1
    config.hparams.clip_norm = 1.0
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 20
    config.schedule.final_factor = 0.1
    config.train.steps = 200
    config.train.eval_every = 50
    config.train.log_every = 10
    config.train.sample_every = 100
    config.train.chunk_steps = 20
    config.train.evaluate_train = False
    config.train.keep_best = True
    config.table = ("validation_full_loss", "validation_full_perplexity", "trained_share")
    config.figures = ("training_and_validation_loss",)
    return config
