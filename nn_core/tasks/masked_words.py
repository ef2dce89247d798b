"""Hidden words: which ones are chosen, what stands in their place, and the loss of guessing them (BERT; F098, F138).

Of the words of a text 15 % are chosen. Of these 80 % become [MASK], 10 % another word drawn at random, 10 % stay; the
loss looks at the chosen ones only. With whole words, all pieces of a word are chosen together.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.losses import cross_entropy

CHOSEN, MASKED, RANDOM = 0.15, 0.8, 0.1


class Masking(NamedTuple):
    """How words are hidden.

    Attributes:
        mask_id: what stands in the place of most chosen words.
        first_id: ids below are special tokens: never chosen, never drawn.
        vocabulary_size: V.
        chosen: share of the words that are chosen, in (0, 1).
        masked, random: shares of the chosen that become mask_id, and another word; the rest stays.
    """

    mask_id: int
    first_id: int
    vocabulary_size: int
    chosen: float = CHOSEN
    masked: float = MASKED
    random: float = RANDOM


def hide_words(key: Array, ids_BT: Array, masking: Masking, words_BT: Array | None = None) -> tuple[Array, Array]:
    """Chooses words and hides them, a pure function of the key.

    Args:
        key: typed.
        ids_BT: int32; ids below first_id are special tokens and padding.
        masking: how.
        words_BT: the number of the word that each piece belongs to, equal for the pieces of one word; None: each token
            by itself.
    Returns:
        (ids with hidden words, which tokens are chosen: booleans), (B, T) each.
    """
    choose_key, kind_key, word_key = jax.random.split(key, 3)
    shape = ids_BT.shape
    uniform_BT = jax.random.uniform(choose_key, shape)
    if words_BT is not None:  # one draw a word: that of the place with the word's number
        uniform_BT = jnp.take_along_axis(uniform_BT, words_BT, axis=1)
    chosen_BT = (uniform_BT < masking.chosen) & (ids_BT >= masking.first_id)
    kind_BT = jax.random.uniform(kind_key, shape)
    drawn_BT = jax.random.randint(word_key, shape, masking.first_id, masking.vocabulary_size)
    hidden_BT = jnp.where(kind_BT < masking.masked, masking.mask_id, ids_BT)
    hidden_BT = jnp.where(
        (kind_BT >= masking.masked) & (kind_BT < masking.masked + masking.random), drawn_BT, hidden_BT
    )
    return jnp.where(chosen_BT, hidden_BT, ids_BT), chosen_BT


def masked_loss(logits_BTV: Array, ids_BT: Array, chosen_BT: Array) -> tuple[Array, Array]:
    """Sum of -ln p of the chosen words, and how many there are: divide once, at the end."""
    losses_BT = cross_entropy(logits_BTV, ids_BT, reduction="none")
    return jnp.sum(jnp.where(chosen_BT, losses_BT, 0.0)), jnp.sum(chosen_BT).astype(losses_BT.dtype)
