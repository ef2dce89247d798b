"""Writes text from a restored language model as it is generated."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TextIO

import jax
import numpy as np

from experiments.building.prompts import encode_prompt
from experiments.trained.language_model import LanguageModel
from nn_core.generation.beam import beam_search
from nn_core.generation.decode import begin, generate_chunk, result
from nn_core.generation.filters import Sampling
from nn_core.generation.measures import mean_log_probability
from nn_core.generation.options import new_token_limits
from nn_core.text.interface import REPLACEMENT, Tokenizer, continuation

CHUNK = 16  # tokens between two writes
AGAIN = "when it is full, its last tokens are read again"
RULE = "-" * 20  # before each text if there are several


class Request(NamedTuple):
    """Prompts and lengths, in tokens.

    Attributes:
        prompts: as typed.
        ids: as tokens.
        lengths: max_new_tokens or max_length, by name.
        eos_id: token that ends a text, or None.
    """

    prompts: Sequence[str]
    ids: list[list[int]]
    lengths: dict[str, int]
    eos_id: int | None


def prepare(model: LanguageModel, prompts: Sequence[str], options: dict[str, Any]) -> Request:
    """Turns the prompts into tokens.

    Raises:
        ValueError: an empty prompt, unknown characters, a prompt that fills the length, or an end token that is not a token.
    """
    ids = [encode_prompt(model.tokenizer, prompt) for prompt in prompts]
    lengths = {name: options[name] for name in ("max_new_tokens", "max_length") if options[name] is not None}
    lengths = lengths or {"max_new_tokens": model.stored.config.sample.max_new_tokens}
    limits = new_token_limits([len(row) for row in ids], **lengths)
    context, keep = model.decoder.context_size, options["keep"]
    longest = max(len(row) + int(limit) for row, limit in zip(ids, limits, strict=True))
    if keep is not None and context is not None and 1 <= keep <= context and longest <= context + 1:
        raise ValueError(
            f"keep={keep} has no effect, the text of at most {longest} tokens stays within the context window of "
            f"{context}; leave it out"
        )
    return Request(prompts, ids, lengths, end_token(model.tokenizer, options["eos"]))


def end_token(tokenizer: Tokenizer, text: str | None) -> int | None:
    """The id of the end token.

    Raises:
        ValueError: the text is not exactly one token of the vocabulary.
    """
    if text is None:
        return None
    try:
        ids = tokenizer.encode(text, allow_special=True)
    except ValueError:
        ids = np.zeros(0, np.int32)
    if len(ids) != 1 or (tokenizer.decode(ids, skip_special=False) != text):
        raise ValueError(f"eos={text!r} is not one token of the vocabulary; give a token, such as '.' or '[EOS]'")
    return int(ids[0])


def notes(model: LanguageModel, request: Request) -> list[str]:
    """What the user should know before the text appears (F149: said once)."""
    told = window_notes(model.decoder.context_size, request.ids, request.lengths)
    return [f"{note} (--keep says how many)" if AGAIN in note else note for note in told]


def window_notes(context: int | None, prompts: Sequence[Sequence[int]], lengths: Mapping[str, int]) -> list[str]:
    """What a model forgets of texts that are longer than its context window.

    Args:
        context: most tokens that it sees; None: any number.
        prompts: as tokens.
        lengths: max_new_tokens or max_length, by name.
    """
    counts = [len(ids) for ids in prompts]
    limits = new_token_limits(counts, **lengths)
    found = []
    if context is not None and max(counts) > context:
        found.append(f"a prompt is longer than the context window of {context} tokens: its last {context} are read")
    elif context is not None and max(n + int(limit) for n, limit in zip(counts, limits, strict=True)) > context + 1:
        found.append(
            f"the text goes past the context window of {context} tokens; {AGAIN}, so the model forgets what stands "
            "before them"
        )
    return found


def stream(
    model: LanguageModel,
    request: Request,
    sampling: dict[str, Any],
    greedy: bool,
    options: dict[str, Any],
    out: TextIO,
) -> str:
    """Draws tokens, or takes the most probable ones. The first text appears as it grows, the others after it.

    Returns:
        One line about the generated text.
    """
    copies = options["num_return_sequences"]
    asked, progress = begin(
        model.decoder,
        model.params,
        request.ids,
        key=None if greedy else jax.random.key(options["seed"] or 0),
        sampling=Sampling(**sampling),
        eos_id=request.eos_id,
        num_return_sequences=copies,
        keep=options["keep"],
        **request.lengths,
    )
    rows = len(request.ids) * copies
    limit = int(np.asarray(asked.limits_B).max())
    heading(out, 0, rows)
    out.write(request.prompts[0])
    out.flush()
    shown = ""
    while True:
        before = int(progress.step)
        progress = generate_chunk(model.decoder, model.params, asked, progress, CHUNK)
        finished = int(progress.step) >= limit or int(progress.step) < before + CHUNK
        ids_N = np.asarray(progress.text.new_ids_BN)[0, : int(progress.text.new_lengths_B[0])]
        text = continuation(model.tokenizer, request.ids[0], ids_N)
        ready = text if finished else whole(text)
        out.write(ready[len(shown) :])
        out.flush()
        shown = ready
        if finished:
            break
    made = jax.device_get(result(progress))
    for row in range(1, rows):
        out.write("\n")
        heading(out, row, rows)
        prompt = row // copies
        ids_N = made.ids_BN[row, : made.lengths_B[row]]
        out.write(request.prompts[prompt] + continuation(model.tokenizer, request.ids[prompt], ids_N))
    out.write("\n")
    out.flush()
    return told(made.log_probs_BN, made.lengths_B)


def search(model: LanguageModel, request: Request, options: dict[str, Any], out: TextIO) -> str:
    """Runs a beam search and writes the best `num_return_sequences` texts of each prompt, best first."""
    wanted = options["num_return_sequences"]
    penalty = options["length_penalty"]
    found = jax.device_get(
        beam_search(
            model.decoder,
            model.params,
            request.ids,
            num_beams=options["num_beams"],
            length_penalty=1.0 if penalty is None else penalty,
            early_stopping=bool(options["early_stopping"]),
            num_return_sequences=wanted,
            eos_id=request.eos_id,
            keep=options["keep"],
            **request.lengths,
        )
    )
    rows = len(request.ids) * wanted
    for row in range(rows):
        prompt, place = divmod(row, wanted)
        if found.log_probs_PK[prompt, place] == -math.inf:
            continue  # a small vocabulary has fewer texts than the beam has places
        ids_N = found.ids_PKN[prompt, place, : found.lengths_PK[prompt, place]]
        heading(out, row, rows, f", score {found.scores_PK[prompt, place]:.4f}")
        out.write(request.prompts[prompt] + continuation(model.tokenizer, request.ids[prompt], ids_N) + "\n")
    out.flush()
    best_P = found.log_probs_PK[:, 0]
    lengths_P = found.lengths_PK[:, 0]
    return f"{int(lengths_P.sum())} new tokens, log p {float(best_P.sum() / lengths_P.sum()):.3f} nats a token (best)"


def heading(out: TextIO, row: int, rows: int, more: str = "") -> None:
    """Writes the heading of a text if there are several."""
    if rows > 1:
        out.write(f"{RULE} {row + 1} of {rows}{more}\n")


def whole(text: str) -> str:
    """A growing text without a last character whose bytes may still be incomplete."""
    return text.rstrip(REPLACEMENT)


def told(log_probs_BN: np.ndarray, lengths_B: np.ndarray) -> str:
    """How many tokens were written, and how probable they are under the model."""
    mean = mean_log_probability(log_probs_BN, lengths_B)
    return f"{int(np.sum(lengths_B))} new tokens, log p {mean:.3f} nats a token (perplexity {math.exp(-mean):.2f})"
