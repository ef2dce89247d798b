"""The hidden rule of the small world on tokens: the true reward of every answer that a program draws.

The same numbers as `nn_core.data.preferences.true_reward` gives for the answers' text.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from nn_core.data.assistant_world import POLITE_WORDS, RUDE_WORDS, VALUES
from nn_core.data.preferences import POLITE, RIGHT, RUDE, WORD
from nn_core.text.interface import UNKNOWN_TOKEN, Tokenizer


class Rule(NamedTuple):
    """Which tokens the rule looks at: booleans (V,) each.

    Attributes:
        polite_V, rude_V: words of a tone.
        value_V: words that a question may ask for.
        word_V: tokens that are words, and not special.
    """

    polite_V: np.ndarray
    rude_V: np.ndarray
    value_V: np.ndarray
    word_V: np.ndarray


def word_id(tokenizer: Tokenizer, word: str) -> int:
    """The id of a word that is one token.

    Raises:
        ValueError: it is none.
    """
    ids = tokenizer.encode(word)
    if len(ids) != 1 or tokenizer.decode(ids) != word:
        raise ValueError(
            f"the word {word!r} is not a single token of this vocabulary, so the small world cannot judge answers in it; "
            "use the tokenizer of configs/assistant_base.py"
        )
    return int(ids[0])


def make_rule(tokenizer: Tokenizer) -> Rule:
    """The rule in a vocabulary; raises ValueError where a word of it is not a token there."""

    def marked(words: tuple[str, ...]) -> np.ndarray:
        marks_V = np.zeros(tokenizer.vocabulary_size, bool)
        marks_V[[word_id(tokenizer, word) for word in words]] = True
        return marks_V

    word_V = np.ones(tokenizer.vocabulary_size, bool)
    # An unknown word is a word.
    word_V[[place for token, place in tokenizer.special_ids.items() if token != UNKNOWN_TOKEN]] = False
    return Rule(marked(POLITE_WORDS), marked(RUDE_WORDS), marked(VALUES), word_V)


def judge(rule: Rule, ids_BT: Array, answer_BT: Array, truth_B: Array) -> tuple[Array, Array]:
    """The true reward of answers, and whether they are right.

    Args:
        rule: in the vocabulary of the ids.
        ids_BT: tokens.
        answer_BT: 1 at the answers' tokens.
        truth_B: id of the true value of each question.
    Returns:
        rewards (B,) and 0 or 1 (B,), float32.
    """
    real_BT = answer_BT > 0

    def count(marks_V: np.ndarray) -> Array:
        return jnp.sum(real_BT & jnp.asarray(marks_V)[ids_BT], axis=1)

    named_true_B = jnp.any(real_BT & (ids_BT == truth_B[:, None]), axis=1)
    named_false_B = jnp.any(real_BT & jnp.asarray(rule.value_V)[ids_BT] & (ids_BT != truth_B[:, None]), axis=1)
    right_B = (named_true_B & ~named_false_B).astype(jnp.float32)
    tones_B = POLITE * (count(rule.polite_V) > 0) + RUDE * (count(rule.rude_V) > 0)
    return RIGHT * right_B + tones_B + WORD * count(rule.word_V), right_B
