"""Tokenizers compared: vocabulary, tokens per word, characters per token, unknown rate, bits per character of a model.

python -m experiments.run --config=configs/tokenizers.py

Seven kinds of tokenizer in 14 sizes on the documentation that comes with Python; a GPT of two layers, width
64, learns each for 200 updates of 16 x 64 tokens (F078-F087). A longer token lets the model see more text
in these updates. Bits per character compare only tokenizers that lose nothing: "word" and WordPiece forget white space,
and an "[UNK]" costs "word" nothing.

Each is trained on the training text; all numbers are those of the validation text, which it has not seen.

Tokens per word (words stand between white space; 2026-12-01): characters 7.61; with 500 and 2,000 tokens byte-level BPE
3.45, 2.20 (8,000: 1.85), BPE 3.87, 3.00, Unigram 4.00, 3.19, SentencePiece 4.96, 3.25, WordPiece 5.49, 4.58; words 2.31,
of which 10.5 and 4.1 % are unknown. Bits per character over 4 seeds, mean and 95 % interval (2 shared x86 cores, 14 programs
in 7 minutes): characters 3.37 ± 0.15; byte-level BPE 2.76 ± 0.42, 2.44 ± 0.24 (8,000: 2.30 ± 0.08); BPE 2.41 ± 0.04,
2.32 ± 0.03; Unigram 2.84 ± 0.29, 2.27 ± 0.04; SentencePiece 3.19 ± 0.22, 2.32 ± 0.03; WordPiece 3.18 ± 0.88,
2.73 ± 0.53; words 1.13 ± 0.08, 1.32 ± 0.07 of what is left of the text.

Contrary to the notes, it takes 1.85 tokens a word, not 4 / 3, with 8,000 tokens on this text, which is full of code.
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
