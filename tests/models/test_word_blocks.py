"""The sums over blocks are those of the losses pair by pair."""

import functools

import jax
import numpy as np

from nn_core.models import embeddings as e
from nn_core.models.word_blocks import Pieces, cbow_lookup, skip_gram_lookup
from nn_core.text.blocks import Blocks

V, E, B, T, W, M, K = 13, 5, 3, 4, 2, 7, 5
RNG = np.random.default_rng(0)
IDS_BL = RNG.integers(0, V, (B, T + 2 * W)).astype(np.int32)
NEAR_BTL = np.zeros((B, T, T + 2 * W), np.float32)
for t in range(T):
    NEAR_BTL[:, t, t : t + 2 * W + 1] = RNG.random((B, 2 * W + 1)) < 0.7
    NEAR_BTL[:, t, t + W] = 0
NEAR_BTL[1, 2] = 0  # a word without neighbours
BLOCKS = Blocks(IDS_BL, NEAR_BTL)
NEGATIVES = RNG.integers(0, V, M).astype(np.int32)
PARAMS = {name: {"embedding": RNG.normal(size=(V, E)).astype(np.float32)} for name in ("input", "output")}
CENTRES = IDS_BL[:, W : W + T]


@functools.partial(jax.jit, static_argnums=0)
def losses_and_pairs(make_lookup, params, *pieces):
    lookup = make_lookup(BLOCKS, NEGATIVES, K, *pieces)
    inputs, outputs = (params[name]["embedding"] for name in ("input", "output"))
    return lookup.losses(inputs[lookup.input_ids], outputs[lookup.output_ids]), lookup.num_pairs


def test_skip_gram():
    losses, num_pairs = losses_and_pairs(skip_gram_lookup, PARAMS)
    b, t, place = np.nonzero(NEAR_BTL)
    pairs = jax.jit(e.skip_gram_losses)(PARAMS, CENTRES[b, t], IDS_BL[b, place], NEGATIVES, K)
    expected = np.zeros((B, T))
    np.add.at(expected, (b, t), np.asarray(pairs))
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-6)
    assert num_pairs == len(b)


def test_cbow():
    losses, num_pairs = losses_and_pairs(cbow_lookup, PARAMS)
    ids = np.repeat(IDS_BL[:, None], T, axis=1).reshape(B * T, -1)
    keep = NEAR_BTL.reshape(B * T, -1) > 0
    expected = jax.jit(e.cbow_losses)(PARAMS, ids, keep, CENTRES.reshape(-1), NEGATIVES, K)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert num_pairs == B * T - 1


def test_fasttext():
    rows = RNG.integers(0, V, (V, 3)).astype(np.int32)
    keep = RNG.random((V, 3)) < 0.6
    keep[:, 0] = True
    losses, _ = losses_and_pairs(skip_gram_lookup, PARAMS, Pieces(rows, keep))
    means = jax.jit(e.masked_mean)(PARAMS["input"]["embedding"][rows], keep)
    words = {"input": {"embedding": means}, "output": PARAMS["output"]}
    expected, _ = losses_and_pairs(skip_gram_lookup, words)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
