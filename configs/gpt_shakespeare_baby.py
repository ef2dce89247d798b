"""nanoGPT's baby GPT on tiny Shakespeare, for a GPU: 6 layers, 6 heads, width 384, context 256, dropout 0.2.

python -m experiments.run --config=configs/gpt_shakespeare_baby.py

10.7 million parameters, 5,000 steps of 64 x 256 tokens in bfloat16 (parameters, softmax and loss in float32); nanoGPT
reports a best validation loss of 1.4697. On a CPU it takes days, and longer in bfloat16: --config.model.dtype=float32.
With --config.model.attention=cudnn --config.model.attention_dropout=false attention is one fused kernel.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "gpt_shakespeare_baby"
    config.task = base.language()
    config.model = base.gpt(layers_num=6, heads_num=6, embedding_dim=384)
    config.model.use_bias = False
    config.model.tied_head = True
    config.model.dtype = "bfloat16"
    config.data = base.text("shakespeare", context_size=256, batch_size=64)
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 1e-3
    config.hparams.weight_decay = 0.1
    config.hparams.beta2 = 0.99
    config.hparams.clip_norm = 1.0
    config.hparams.dropout_rate = 0.2
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 100
    config.schedule.final_factor = 0.1
    config.train.steps = 5000
    config.train.eval_every = 250
    config.train.log_every = 10
    config.train.sample_every = 500
    config.train.chunk_steps = 50
    config.train.evaluate_train = False
    config.train.keep_best = True
    config.table = ("validation_full_loss", "validation_full_perplexity", "validation_loss", "train_loss")
    config.figures = ("training_and_validation_loss",)
    return config
