"""Checks the options of generation, with one-line errors for values out of range, conflicts and options without effect."""

import math
from collections.abc import Sequence

import jax
import numpy as np

from nn_core.generation.filters import Sampling


def _refuse(name: str, value: object, constraint: str, fix: str) -> None:
    raise ValueError(f"{name}={value} {constraint}; {fix}")


def check_strengths(sampling: Sampling) -> None:
    """Checks the ranges of the filters' strengths, which are scalars or one value per row.

    Args:
        sampling: concrete values (no tracers).

    Raises:
        ValueError: one line with the first value out of range, its constraint and the fix.
    """

    def check(name: str, value: jax.Array | float | None, good: np.ndarray, constraint: str, fix: str) -> None:
        if value is not None and not np.all(good):
            _refuse(name, np.asarray(value).tolist(), constraint, fix)

    def numbers(value: jax.Array | float | None) -> np.ndarray:
        return np.asarray(np.nan if value is None else value, np.float64)

    temperature, top_k, top_p = numbers(sampling.temperature), numbers(sampling.top_k), numbers(sampling.top_p)
    min_p, penalty = numbers(sampling.min_p), numbers(sampling.repetition_penalty)
    good_temperature = (temperature >= 0) & (temperature < np.inf)
    check("temperature", sampling.temperature, good_temperature, "must be 0 or more", "0 is greedy, 1 the model's own")
    good_top_k = (top_k >= 1) & (top_k == np.floor(top_k))
    check("top_k", sampling.top_k, good_top_k, "must be a whole number >= 1", "leave it out to keep every token")
    good_top_p = (top_p > 0) & (top_p <= 1)
    check("top_p", sampling.top_p, good_top_p, "is outside (0, 1]", "1 keeps every token")
    check("min_p", sampling.min_p, (min_p >= 0) & (min_p <= 1), "is outside [0, 1]", "0 keeps every token")
    good_penalty = (penalty > 0) & (penalty < np.inf)
    check("repetition_penalty", sampling.repetition_penalty, good_penalty, "must be > 0", "1 is no penalty, 1.2 usual")


def new_token_limits(
    prompt_lengths: Sequence[int] | np.ndarray, max_new_tokens: int | None = None, max_length: int | None = None
) -> np.ndarray:
    """The number of new tokens that each prompt may get (F186; S48).

    ``max_new_tokens`` counts the new tokens only; ``max_length`` counts the prompt *and* the new tokens, as in the
    library that the notes use, so that prompts of different length get different numbers. Text may end earlier, at an
    end-of-sequence token.

    Args:
        prompt_lengths: (P,), each >= 1.
        max_new_tokens: >= 1, or None.
        max_length: greater than the longest prompt, or None.

    Returns:
        Int32 (P,), each >= 1.

    Raises:
        ValueError: for both or neither of the two, a value below 1, or a prompt that already fills ``max_length``.
    """
    lengths = np.asarray(prompt_lengths, np.int32)
    _check_lengths(max_new_tokens, max_length)
    if max_new_tokens is not None:
        return np.full_like(lengths, max_new_tokens)
    if max_length is None:
        raise ValueError("the length is open: max_new_tokens=None, max_length=None; give one of them")
    if lengths.max() >= max_length:
        _refuse(
            "max_length",
            max_length,
            f"counts the prompt and leaves no room after a prompt of {lengths.max()} tokens",
            f"use at least {lengths.max() + 1}, or max_new_tokens, which counts new tokens only",
        )
    return max_length - lengths


def _check_lengths(max_new_tokens: int | None, max_length: int | None) -> None:
    if max_new_tokens is not None and max_length is not None:
        _refuse(
            "max_new_tokens",
            max_new_tokens,
            f"conflicts with max_length={max_length}",
            "give max_new_tokens (new tokens only) or max_length (prompt and new tokens), not both",
        )
    for name, value in (("max_new_tokens", max_new_tokens), ("max_length", max_length)):
        if value is not None and value < 1:
            _refuse(name, value, "must be at least 1", "raise it")


def check_options(
    *,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float | None = None,
    num_beams: int = 1,
    length_penalty: float | None = None,
    early_stopping: bool | None = None,
    num_return_sequences: int = 1,
    max_new_tokens: int | None = None,
    max_length: int | None = None,
    seed: int | None = None,
) -> None:
    """Refuses options that are out of range, contradictory or without effect (F186-F195, S50b).

    The strategy follows from the values: ``num_beams > 1`` is beam search, ``temperature=0`` greedy decoding, all else
    draws tokens. None stands for an option that the user did not give.

    Args:
        temperature, top_k, top_p, min_p, repetition_penalty: as in ``Sampling``; beams use none of them.
        num_beams: >= 1.
        length_penalty, early_stopping: as in ``beam_search``, finite; they need beams.
        num_return_sequences: >= 1; more than one needs draws, or as many beams.
        max_new_tokens, max_length: >= 1, not both; new tokens only, or prompt and new tokens.
        seed: in [0, 2^32); needs draws.

    Raises:
        ValueError: one line with the value, the constraint and the fix.
    """
    check_strengths(Sampling(temperature, top_k, top_p, min_p, repetition_penalty))
    _check_lengths(max_new_tokens, max_length)
    for name, count in (("num_beams", num_beams), ("num_return_sequences", num_return_sequences)):
        if count < 1:
            _refuse(name, count, "must be at least 1", "1 is the default")
    if not math.isfinite(length_penalty or 0):
        _refuse("length_penalty", length_penalty, "is not a finite number", "1 is the default")
    if seed is not None and not 0 <= seed < 2**32:
        _refuse("seed", seed, f"is outside [0, {2**32 - 1}]", "choose one inside")
    draws = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "seed": seed}
    if num_beams > 1:
        _check_unused(draws | {"repetition_penalty": repetition_penalty}, "beam search", "num_beams=1")
        if num_return_sequences > num_beams:
            constraint, fix = f"is more than num_beams={num_beams}", f"raise num_beams to {num_return_sequences}"
            _refuse("num_return_sequences", num_return_sequences, constraint, fix)
        return
    _check_unused({"length_penalty": length_penalty, "early_stopping": early_stopping}, "one beam", "num_beams > 1")
    if temperature == 0:
        _check_unused(draws | {"temperature": None}, "temperature=0 (greedy)", "temperature > 0")
        if num_return_sequences > 1:
            constraint = "would repeat one text: temperature=0 is greedy"
            _refuse("num_return_sequences", num_return_sequences, constraint, "set temperature > 0, or num_beams")


def _check_unused(options: dict[str, float | None], strategy: str, fix: str) -> None:
    """Raises an error for the first given option that a strategy ignores."""
    for name, value in options.items():
        if value is not None:
            _refuse(name, value, f"has no effect with {strategy}", f"leave it out, or set {fix}")
