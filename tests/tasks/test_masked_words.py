"""Hidden words: shares within three standard errors, special tokens left alone, whole words, and which places count."""

import jax
import numpy as np

from nn_core.tasks.masked_words import Masking, hide_words, masked_loss

V, FIRST, MASK = 101, 7, 4
MASKING = Masking(MASK, FIRST, V)
IDS = np.random.default_rng(0).integers(FIRST, V, (211, 97)).astype(np.int32)
hide = jax.jit(hide_words, static_argnums=2)


def within(count: int, total: int, share: float) -> bool:
    return abs(count - share * total) < 3 * np.sqrt(total * share * (1 - share))


def test_shares_are_those_of_bert() -> None:
    hidden, chosen = map(np.asarray, hide(jax.random.key(1), IDS, MASKING))
    assert within(chosen.sum(), IDS.size, 0.15)
    np.testing.assert_array_equal(hidden[~chosen], IDS[~chosen])
    masked, same = (hidden == MASK) & chosen, (hidden == IDS) & chosen
    count = int(chosen.sum())
    assert within(masked.sum(), count, 0.8)
    # One word in V - FIRST is drawn in its own place.
    assert within(same.sum(), count, 0.1 + 0.1 / (V - FIRST))
    drawn = hidden[chosen & ~masked & ~same]
    assert drawn.min() >= FIRST and drawn.max() < V
    expected = len(drawn) / (V - FIRST)
    counts = np.bincount(drawn, minlength=V)[FIRST:]
    assert ((counts - expected) ** 2 / expected).sum() < (V - FIRST) + 3 * np.sqrt(2 * (V - FIRST))


def test_another_key_hides_others_and_the_same_key_the_same() -> None:
    first, again, other = (np.asarray(hide(jax.random.key(seed), IDS, MASKING)[1]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert 0.01 < (first & other).mean() < 0.04


def test_special_tokens_are_never_chosen_and_pieces_of_a_word_together() -> None:
    ids = IDS.copy()
    ids[:, ::5] = 3
    words = np.repeat(np.arange(49) * 2, 2)[: ids.shape[1]][None].repeat(len(ids), 0).astype(np.int32)
    _, chosen = map(np.asarray, hide(jax.random.key(1), ids, MASKING, words))
    assert not chosen[:, ::5].any()
    pair = (ids[:, 0:96:2] >= FIRST) & (ids[:, 1:97:2] >= FIRST)
    np.testing.assert_array_equal(chosen[:, 0:96:2][pair], chosen[:, 1:97:2][pair])
    assert within(chosen[:, 0:96:2][pair].sum(), pair.sum(), 0.15)


def test_only_chosen_places_have_a_gradient() -> None:
    logits = np.random.default_rng(1).normal(size=(3, 5, 11)).astype(np.float32)
    ids = np.random.default_rng(2).integers(0, 11, (3, 5)).astype(np.int32)
    chosen = np.random.default_rng(3).random((3, 5)) < 0.4
    (total, count), slopes = jax.jit(jax.value_and_grad(lambda z: masked_loss(z, ids, chosen), has_aux=True))(logits)
    assert count == chosen.sum() and total > 0
    assert not np.asarray(slopes)[~chosen].any() and np.abs(np.asarray(slopes)[chosen]).sum(axis=-1).min() > 0
