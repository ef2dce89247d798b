"""Tokenizers compared: vocabulary, tokens per word, characters per token, unknown rate, bits per character of a model.

python -m experiments.run --config=configs/tokenizers.py

Seven kinds of tokenizer in 14 sizes on the documentation that comes with Python; a GPT of two layers, width
64, learns each for 200 updates of 16 x 64 tokens (F078-F087). A longer token lets the model see more text
in these updates. Bits per character compare only tokenizers that lose nothing: "word" and WordPiece forget white space,
and an "[UNK]" costs "word" nothing.

Tokens per word (words stand between white space; 2026-11-23): characters 7.10; with 500 and 2,000 tokens byte-level BPE
3.37, 1.98 (8,000: 1.60), BPE 3.24, 2.24, Unigram 3.29, 2.30, SentencePiece 4.38, 2.38, WordPiece 5.54, 4.31; words 1.71,
of which 13.6 and 3.3 % are unknown. Bits per character over 4 seeds, mean and 95 % interval (one x86 core, 14 programs
in 4 minutes): characters 3.37 ± 0.15; byte-level BPE 2.85 ± 0.60, 2.35 ± 0.23 (8,000: 2.03 ± 0.03); BPE 2.59 ± 0.24,
2.28 ± 0.05; Unigram 2.65 ± 0.11, 2.13 ± 0.04; SentencePiece 3.36 ± 0.06, 2.20 ± 0.04; WordPiece 3.01 ± 0.57,
2.54 ± 0.11; words 1.18 ± 0.06, 1.36 ± 0.05 of what is left of the text.

Contrary to the notes, it takes 1.60 tokens a word, not 4 / 3, with 8,000 tokens on this text, which is full of code.
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
    config.num_seeds = 4  # 14 programs, each with its own vocabulary: twice as many seeds take twice as long
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
