"""Writes filters.json: what transformers' processors leave of logits, for tests/generation/test_filters.py.

Run it in an environment with torch and transformers: python tests/golden/write_filters.py [FILE]
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import GenerationConfig, GenerationMixin
from transformers.generation.logits_process import LogitsProcessorList

VOCABULARY, ROWS = 23, 3
SETTINGS = (
    {"temperature": 0.6},
    {"top_k": 5},
    {"top_p": 0.8},
    {"min_p": 0.2},
    {"repetition_penalty": 1.7},
    {"temperature": 1.8, "top_k": 7, "top_p": 0.6},
    {"temperature": 0.4, "top_k": 9, "top_p": 0.95, "min_p": 0.03},
    {"temperature": 2.5, "top_k": 11, "top_p": 0.7, "min_p": 0.5, "repetition_penalty": 1.3},
    {"temperature": 0.9, "top_p": 0.5, "repetition_penalty": 0.8},
)


class Writer(GenerationMixin):
    """Only what choosing the processors asks of a model."""

    config = type("Config", (), {"is_encoder_decoder": False})()


def processors(settings: dict[str, float]) -> LogitsProcessorList:
    """Those that `generate(do_sample=True)` would run, in its order."""
    neutral = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
    asked = GenerationConfig(do_sample=True, **(neutral | settings))
    asked.num_beams, asked.num_return_sequences = 1, 1
    return Writer()._get_logits_processor(asked, 2, None, None, [], device="cpu")


def probabilities(number: int, settings: dict[str, float]) -> np.ndarray:
    """(ROWS, VOCABULARY) for logits and earlier tokens that the number draws."""
    rng = np.random.default_rng(number)
    logits = (2.0 * rng.normal(size=(ROWS, VOCABULARY))).astype(np.float32)
    before = rng.integers(0, VOCABULARY, (ROWS, 4))
    left = processors(settings)(torch.tensor(before), torch.tensor(logits))
    return torch.softmax(left.double(), dim=-1).numpy()


if __name__ == "__main__":
    cases = [
        {"number": number, "settings": settings, "probabilities": probabilities(number, settings).round(7).tolist()}
        for number, settings in enumerate(SETTINGS)
    ]
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("filters.json")
    path.write_text(json.dumps({"transformers": transformers.__version__, "cases": cases}), encoding="utf-8")
