"""A base model of a small world: it continues a question with more questions instead of answering it (F168).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.sample --checkpoint=checkpoints/assistant_base --prompt="where does anna live ?" --max_new_tokens=20

The text says where people live, what they eat, what they work as and which pet they have. It also asks about these
facts, but answers no question.

Measured (2026-11-30, seed 0, 2 shared x86 cores): validation loss 0.721 nats a token, perplexity 2.06. Asked "where does
anna live ?" it goes on "felix has a turtle at home . the meal of ben is fish ."; of 48 questions in the form of a chat it
answers 0 or 1, by the machine (`start_exact` of configs/assistant_sft.py).
"""

from ml_collections import ConfigDict

from configs import base

CONTEXT = 40  # tokens; a question with its answer has at most 34


def model() -> ConfigDict:
    """The model of every stage: 2 blocks of width 64."""
    section = base.gpt(layers_num=2, heads_num=4, embedding_dim=64)
    section.use_bias = False
    return section


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "assistant_base"
    config.task = base.language()
    config.model = model()
    config.data = base.text("assistant_world", context_size=CONTEXT, batch_size=32)
    config.data.tokenizer = "word"
    config.data.vocabulary_size = 400
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 3e-3
    config.hparams.weight_decay = 0.01
    config.hparams.beta2 = 0.99
    config.hparams.clip_norm = 1.0
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 50
    config.schedule.final_factor = 0.05
    config.train.steps = 1500
    config.train.eval_every = 500
    config.train.log_every = 50
    config.train.sample_every = 1500
    config.train.chunk_steps = 100
    config.train.evaluate_train = False
    config.sample.prompt = "where does anna live ?"
    config.sample.max_new_tokens = 20
    config.table = ("validation_full_loss", "validation_full_perplexity", "train_loss")
    config.figures = ("training_and_validation_loss",)
    return config
