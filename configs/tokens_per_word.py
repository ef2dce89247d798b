"""How many tokens a word takes: byte-level BPE with 8,000 tokens, the kind that GPT-2 has, on Python's documentation.

python -m experiments.run --config=configs/tokens_per_word.py

The notes' rule is four tokens for three words (F087), for a tokenizer of 50,257 tokens learned from the web. Words stand
between white space. The few updates only bring the run to its end; configs/tokenizers.py compares models.

Measured (2026-12-01, 2 x86 cores): 1.85 tokens a word of the validation text. The text decides it, so every seed has the same number.
"""

from ml_collections import ConfigDict

from configs import tokenizers
from configs.grid import Sweep, axis, product


def get_config() -> ConfigDict:
    config = tokenizers.get_config()
    config.name = "tokens_per_word"
    config.data.tokenizer, config.data.vocabulary_size = "byte_bpe", tokenizers.LARGEST
    config.model.layers_num = 1
    config.train.steps = config.train.eval_every = 4
    config.schedule.warmup_steps = 2
    config.table = ("tokens_per_word", "characters_per_token", "vocabulary_size")
    config.figures = ()  # one number
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    return product([{"label": f"byte-level BPE: {tokenizers.LARGEST}"}], axis("seed", range(config.num_seeds)))
