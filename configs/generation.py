"""Ways to choose the next token compared on the same prompts: repetition, diversity, and how probable the texts are.

python -m experiments.run --config=configs/generation.py
python -m experiments.run --config=configs/generation.py --config.task.checkpoint=checkpoints/gpt_quick

Greedy, multinomial, temperature, top-k, top-p, repetition penalty and beam search continue pieces of the validation
text; the text itself is the reference. Without a checkpoint a small model is trained first, on the documentation that
comes with Python.

Measured over 5 sets of prompts (2026-11-23, 2 x86 cores, 32 s), mean log-probability a token, repetition, distinct pairs:
greedy -0.51 ± 0.05, 0.52 ± 0.09, 0.15 ± 0.05; beam search 2 -0.32 ± 0.06, 0.16 ± 0.10, 0.38 ± 0.14; top-p 0.9
-1.02 ± 0.07, 0.023 ± 0.015, 0.965 ± 0.015; multinomial -1.59 ± 0.03, 0.0004 ± 0.0012, 0.987 ± 0.009; the text itself
-1.49 ± 0.21, 0.046 ± 0.017, 0.895 ± 0.044. A wider beam (4) is neither more probable nor more varied.
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
    config.num_seeds = 5  # sets of prompts; twice as many take twice as long, and beams are slow
    config.table = ("log_probability", "repetition", "distinct_2", "self_bleu", "evaluations")
    return config
