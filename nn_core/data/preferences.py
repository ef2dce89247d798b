"""What people like in the small world of questions: a hidden, noisy rule, and pairs of answers that it ranks (F170).

    reward = 1 (right) + 0.6 (polite) - 0.6 (rude) - 0.04 a word

Right: names the true value and no other. Polite, rude: a word of that tone occurs in the answer, once or more often. The true reward of every text is known, so a policy that fools a learned reward is found out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nn_core.data.assistant_world import (
    POLITE_WORDS,
    RUDE_WORDS,
    VALUES,
    Fact,
    questions,
    random_answer,
)
from nn_core.data.checks import check_int

RIGHT, POLITE, RUDE, WORD = 1.0, 0.6, -0.6, -0.04
LEAST = 0.2  # answers with nearer rewards (five words' worth) make no pair: nobody could say which is better


class Pair(NamedTuple):
    """Two answers to a question, the first of which somebody preferred."""

    prompt: str
    chosen: str
    rejected: str


def is_right(text: str, value: str) -> bool:
    """Whether an answer names the true value and no other."""
    named = set(text.split()) & set(VALUES)
    return named == {value}


def true_reward(text: str, value: str) -> float:
    """The hidden rule, see the module.

    >>> round(true_reward("gladly , anna lives in rome .", "rome"), 2), round(true_reward("lima .", "rome"), 2)
    (1.32, -0.08)
    """
    words = text.split()
    tones = POLITE * bool(set(words) & set(POLITE_WORDS)) + RUDE * bool(set(words) & set(RUDE_WORDS))
    return RIGHT * is_right(text, value) + tones + WORD * len(words)


def preference_pairs(
    facts: Sequence[Fact], *, num_pairs: int, noise: float = 0.05, wrong: float = 0.3, seed: int = 0
) -> tuple[Pair, ...]:
    """Random pairs of answers, ranked by the hidden rule; some of the labels are flipped.

    Args:
        facts: what the questions are about.
        num_pairs: N >= 1; pairs of about equally good answers are drawn again.
        noise: share of flipped labels, in [0, 1).
        wrong: share of answers that name another value, in [0, 1].
        seed: of everything.
    Raises:
        ValueError: noise outside [0, 1).
    """
    check_int("num_pairs", num_pairs, 1)
    if not 0 <= noise < 1:
        raise ValueError(f"noise={noise} is outside [0, 1); it is the share of flipped labels")
    rng = np.random.default_rng([check_int("seed", seed, 0), 3])
    asked = questions(facts)
    pairs: list[Pair] = []
    while len(pairs) < num_pairs:
        fact, prompt = asked[int(rng.integers(len(asked)))]
        first, second = (random_answer(fact, rng, wrong=wrong) for _ in range(2))
        difference = true_reward(first, fact.value) - true_reward(second, fact.value)
        if abs(difference) < LEAST:
            continue
        better, worse = (first, second) if difference > 0 else (second, first)
        pairs.append(Pair(prompt, worse, better) if rng.random() < noise else Pair(prompt, better, worse))
    return tuple(pairs)


def demonstrations(facts: Sequence[Fact], *, num_answers: int, seed: int = 0) -> tuple[tuple[str, str], ...]:
    """Questions with right answers in all tones: what fine-tuning learns from.

    Args:
        facts: what the questions are about.
        num_answers: answers to each wording of each question, >= 1.
        seed: of the tones.
    """
    check_int("num_answers", num_answers, 1)
    rng = np.random.default_rng([check_int("seed", seed, 0), 4])
    return tuple((prompt, random_answer(fact, rng)) for _ in range(num_answers) for fact, prompt in questions(facts))
