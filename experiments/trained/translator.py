"""A trained translator for `experiments.sample`: each prompt is a source, and the text written is its translation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.building.kept_tokenizer import TOKENIZER, stored_tokenizer
from experiments.building.prompts import encode_prompt
from experiments.building.records import Registry
from experiments.building.sequences import make_run_translator
from experiments.building.text_to_text import make_run_writer, marks_of
from experiments.run_directory.files import entry
from experiments.run_directory.stored_run import Stored
from experiments.trained.language_model import LanguageModel
from experiments.trained.writer import Request
from nn_core.data.packing import Marks
from nn_core.data.sequences import ADDITION_TOKENIZER, END_ID, PAD_ID, START_ID
from nn_core.generation.options import new_token_limits
from nn_core.generation.prompts import bucket
from nn_core.text.interface import UNKNOWN_TOKEN, Tokenizer, clean_text

ANSWERS = " = "  # between digits and what is written for them
TRANSLATES = "\n→ "  # between a text and what is written for it
SMALLEST_SOURCE = 16  # tokens; sources are padded to this times a power of two: few programs
UNUSED = {"eos": "has an end token of its own", "keep": "has no context window", "chat": "answers one source at a time"}
DIGITS = Marks(PAD_ID, START_ID, END_ID)


def prepare(
    stored: Stored, sources: Sequence[str], options: dict[str, Any], registry: Registry
) -> tuple[LanguageModel, Request]:
    """The translator of a checkpoint and its request, in the same form as for language models.

    Raises:
        ValueError: an empty source, unknown characters, a source or an answer that is too long, an option without
            effect.
    """
    for name, why in UNUSED.items():
        if options[name] not in (None, False):
            raise ValueError(f"{name}={options[name]} has no effect: a translator {why}; leave it out")
    model, marks, between = translator(stored, registry)
    model = ask(model, sources, marks)
    lengths = lengths_of(stored, options)
    ids = [[marks.start]] * len(sources)
    return model, Request([f"{source}{between}" for source in sources], ids, lengths, marks.end)


def lengths_of(stored: Stored, options: dict[str, Any]) -> dict[str, int]:
    """max_new_tokens or max_length, as given, or that of the run; the start token counts as the prompt.

    Raises:
        ValueError: no room for a token.
    """
    lengths = {name: options[name] for name in ("max_new_tokens", "max_length") if options[name] is not None}
    lengths = lengths or {"max_new_tokens": stored.config.sample.max_new_tokens}
    new_token_limits([1], **lengths)
    return lengths


def translator(stored: Stored, registry: Registry) -> tuple[LanguageModel, Marks, str]:
    """A checkpoint's translator, its special tokens, and what is shown between a source and its answer.

    Its params are the weights alone; `ask` adds the sources.
    """
    path = entry(stored.folder, TOKENIZER)
    if not path.is_file():
        module, decoder = make_run_translator(stored.config, registry)
        return LanguageModel(stored, ADDITION_TOKENIZER, module, stored.params, decoder), DIGITS, ANSWERS
    tokenizer = stored_tokenizer(path.parent)
    module, decoder = make_run_writer(stored.config, tokenizer, registry)
    return LanguageModel(stored, tokenizer, module, stored.params, decoder), marks_of(tokenizer), TRANSLATES


def ask(model: LanguageModel, sources: Sequence[str], marks: Marks) -> LanguageModel:
    """The translator with these sources in its params.

    Raises:
        ValueError: an empty source, unknown characters, a source longer than those it was trained on.
    """
    longest = model.stored.config.data.source_size if "source_size" in model.stored.config.data else None
    source_PS = encode_sources(model.tokenizer, sources, marks, longest)
    return model._replace(params=(model.stored.params, source_PS))


def encode_sources(tokenizer: Tokenizer, sources: Sequence[str], marks: Marks, longest: int | None) -> np.ndarray:
    """Sources as one array, padded at the end: (P, S) int32.

    Args:
        tokenizer: of the run.
        sources: texts.
        marks: ids of the special tokens; texts get the end token, digits do not.
        longest: most tokens of a source; None: any number.
    Raises:
        ValueError: an empty source, a character that the vocabulary does not hold, a source that is too long.
    """
    rows = [encode_source(tokenizer, source) for source in sources]
    if tokenizer is not ADDITION_TOKENIZER:
        rows = [[*ids, marks.end] for ids in rows]
    width = max(map(len, rows))
    if longest is not None:
        place = next((place for place, ids in enumerate(rows) if len(ids) > longest), None)
        if place is not None:
            raise ValueError(
                f"the source {sources[place][:40]!r}… has {len(rows[place])} tokens with its end token, more than the "
                f"{longest} of the training rows (config.data.source_size); shorten it, or give it in parts"
            )
        width = min(bucket(width, SMALLEST_SOURCE), longest)
    source_PS = np.full((len(rows), width), marks.pad, np.int32)
    for row, ids in zip(source_PS, rows, strict=True):
        row[: len(ids)] = ids
    return source_PS


def encode_source(tokenizer: Tokenizer, source: str) -> list[int]:
    """The ids of a source; its sentinels are special tokens.

    Raises:
        ValueError: an empty one, or characters that the vocabulary does not hold (each is named).
    """
    if tokenizer is ADDITION_TOKENIZER:
        return encode_prompt(tokenizer, source)
    if not source.strip():
        raise ValueError("the source is empty, there is nothing to answer; give it at least one word")
    text = clean_text(source)
    encoding = tokenizer.encode_with_offsets(text, allow_special=True)
    unknown = tokenizer.special_ids.get(UNKNOWN_TOKEN)
    places = encoding.offsets_N2[encoding.ids_N == unknown].tolist()
    if places:
        names = " ".join(repr(text[low:high]) for low, high in places)
        raise ValueError(f"the source {source[:40]!r} has characters that the vocabulary does not hold: {names}")
    return encoding.ids_N.tolist()
