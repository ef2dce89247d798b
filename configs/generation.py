"""Ways to choose the next token compared on the same prompts: repetition, diversity, and how probable the texts are.

python -m experiments.run --config=configs/generation.py
python -m experiments.run --config=configs/generation.py --config.task.checkpoint=checkpoints/gpt_quick

Greedy, multinomial, temperature, top-k, top-p, repetition penalty and beam search continue pieces of the validation
text; the text itself is the measure. Without a checkpoint a small model is trained first, on the documentation that
comes with Python.
"""

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "generation",
        {
            "checkpoint": placeholder(str),  # run directory of a language model; unset: a small one is trained first
            "text": "pydoc",  # what the small one reads: pydoc, generated, shakespeare
            "train_steps": 800,  # updates of the small one, in [1, 100000]
            "texts": 16,  # prompts for each seed, in [2, 1000]
            "prompt_tokens": 32,  # tokens of a prompt, in [1, 10000]
            "new_tokens": 200,  # tokens of a text, in [8, 10000]
            "temperatures": (0.5, 0.8, 1.5),  # each > 0; 1 is multinomial sampling
            "top_k": (3, 10),  # each >= 1
            "top_p": (0.5, 0.9),  # each in (0, 1]
            "repetition_penalties": (1.2,),  # of greedy decoding, each > 0
            "num_beams": (2, 4),  # each >= 2
        },
    )
    config.num_seeds = 5
    config.table = ("log_probability", "repetition", "distinct_2", "self_bleu")
    return config
