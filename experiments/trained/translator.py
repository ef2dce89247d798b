"""A trained translator for `experiments.sample`: each prompt is a source, and the text written is its translation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.building.corpus import encode_prompt
from experiments.building.records import Registry
from experiments.building.registry import REGISTRY
from experiments.building.sequences import make_run_translator
from experiments.run_directory.stored_run import Stored
from experiments.trained.language_model import LanguageModel
from experiments.trained.writer import Request
from nn_core.data.sequences import ADDITION_TOKENIZER, END_ID, PAD_ID, START_ID
from nn_core.generation.options import new_token_limits

ANSWERS = " = "  # between a source and its translation


def encode_sources(sources: Sequence[str]) -> np.ndarray:
    """Sources as one array, padded at the end: (P, S) int32.

    Raises:
        ValueError: an empty source, or a character outside the vocabulary.
    """
    rows = [encode_prompt(ADDITION_TOKENIZER, source) for source in sources]
    source_PS = np.full((len(rows), max(map(len, rows))), PAD_ID, np.int32)
    for row, ids in zip(source_PS, rows, strict=True):
        row[: len(ids)] = ids
    return source_PS


def prepare(
    stored: Stored, sources: Sequence[str], options: dict[str, Any], registry: Registry = REGISTRY
) -> tuple[LanguageModel, Request]:
    """The translator of a checkpoint and its request, in the same form as for language models.

    Raises:
        ValueError: an empty source, unknown characters, a length out of range, an end token (it has its own).
    """
    if options["eos"] is not None:
        raise ValueError(f"eos={options['eos']!r} has no effect: a translator has an end token of its own")
    module, decoder = make_run_translator(stored.config, registry)
    params = (stored.params, encode_sources(sources))
    lengths = {name: options[name] for name in ("max_new_tokens", "max_length") if options[name] is not None}
    lengths = lengths or {"max_new_tokens": stored.config.sample.max_new_tokens}
    ids = [[START_ID]] * len(sources)
    new_token_limits([1] * len(sources), **lengths)
    model = LanguageModel(stored, ADDITION_TOKENIZER, module, params, decoder)
    return model, Request([f"{source}{ANSWERS}" for source in sources], ids, lengths, END_ID)
