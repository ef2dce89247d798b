"""The course's character GPT on tiny Shakespeare: 5,000 iterations, validation every 10, a sample every 100.

python -m experiments.run --config=configs/gpt_shakespeare.py
python -m experiments.sample --checkpoint=checkpoints/gpt_shakespeare --prompt="ROMEO:"

The seven keys of the course: vocabulary_size (from the text: 65), context_size (data), embedding_dim, heads_num,
layers_num, use_bias (model), dropout_rate (hparams). The notes give neither learning rate nor split (S45): 1e-3 and 0.9
are nanoGPT's. AdamW decays by PyTorch's default. The text is downloaded once; offline: --config.data.name=pydoc.

Measured 2026-11-24 on two cores of an AMD EPYC with the first command, one seed: validation loss of the whole text 1.546
nats (perplexity 4.69), training 1.304, after 703 s.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "gpt_shakespeare"
    config.task = base.language()
    config.model = base.gpt(layers_num=4, heads_num=4, embedding_dim=128)
    config.data = base.text("shakespeare", context_size=64, batch_size=64)
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 1e-3
    config.hparams.weight_decay = 0.01
    config.hparams.dropout_rate = 0.1
    config.train.steps = 5000
    config.train.eval_every = 10
    config.train.log_every = 1
    config.train.sample_every = 100
    config.train.evaluate_train = False
    config.train.keep_best = True
    config.table = ("validation_full_loss", "validation_full_perplexity", "train_loss")
    config.figures = ("training_and_validation_loss",)
    return config
