"""Tokenizers compared: vocabulary, tokens per word, characters per token, unknown rate, bits per character of a model.

python -m experiments.run --config=configs/tokenizers.py
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, union

SIZES = (500, 2000)
LARGEST = 8000  # of byte-level BPE, the kind that GPT-2 has
TRAINED = {
    "word": "word",
    "BPE": "bpe",
    "byte-level BPE": "byte_bpe",
    "WordPiece": "wordpiece",
    "Unigram": "unigram",
    "SentencePiece": "sentencepiece",
}


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "tokenizers"
    config.num_seeds = 4
    config.task = base.language()
    config.model = base.gpt(layers_num=2, heads_num=4, embedding_dim=64)
    config.model.use_bias = False
    config.data = base.text("pydoc", context_size=64, batch_size=16)
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 3e-3
    config.hparams.weight_decay = 0.1
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 20
    config.schedule.final_factor = 0.1
    config.train.steps = 200
    config.train.eval_every = 100
    config.train.evaluate_train = False
    config.checkpoint.every_seconds = 300.0
    config.table = (
        "vocabulary_size",
        "tokens_per_word",
        "characters_per_token",
        "unknown_rate",
        "validation_full_loss",
        "bits_per_character",
    )
    config.figures = ("tokenizers", "learning_curves")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    trained = [
        {"label": f"{name}: {size}", "data.tokenizer": tokenizer, "data.vocabulary_size": size}
        for name, tokenizer in TRAINED.items()
        for size in (*SIZES, *([LARGEST] if tokenizer == "byte_bpe" else []))
    ]
    return product(union([{"label": "characters"}], trained), axis("seed", range(config.num_seeds)))
