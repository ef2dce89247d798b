"""The sums over blocks are those of the losses pair by pair."""

import jax.numpy as jnp
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
BLOCKS = Blocks(jnp.asarray(IDS_BL), jnp.asarray(NEAR_BTL))
NEGATIVES = jnp.asarray(RNG.integers(0, V, M), jnp.int32)
PARAMS = {name: {"embedding": jnp.asarray(RNG.normal(size=(V, E)), jnp.float32)} for name in ("input", "output")}
CENTRES = IDS_BL[:, W : W + T]


def losses_of(lookup, params):
    return lookup.losses(
        params["input"]["embedding"][lookup.input_ids], params["output"]["embedding"][lookup.output_ids]
    )


def test_skip_gram():
    lookup = skip_gram_lookup(BLOCKS, NEGATIVES, K)
    b, t, place = np.nonzero(NEAR_BTL)
    pairs = e.skip_gram_losses(PARAMS, jnp.asarray(CENTRES[b, t]), jnp.asarray(IDS_BL[b, place]), NEGATIVES, K)
    expected = np.zeros((B, T))
    np.add.at(expected, (b, t), np.asarray(pairs))
    np.testing.assert_allclose(losses_of(lookup, PARAMS), expected, rtol=1e-5, atol=1e-6)
    assert lookup.num_pairs == len(b)


def test_cbow():
    lookup = cbow_lookup(BLOCKS, NEGATIVES, K)
    ids = jnp.asarray(np.repeat(IDS_BL[:, None], T, axis=1).reshape(B * T, -1))
    keep = jnp.asarray(NEAR_BTL.reshape(B * T, -1) > 0)
    expected = e.cbow_losses(PARAMS, ids, keep, jnp.asarray(CENTRES.reshape(-1)), NEGATIVES, K)
    np.testing.assert_allclose(losses_of(lookup, PARAMS), expected, rtol=1e-5)
    assert lookup.num_pairs == B * T - 1


def test_fasttext():
    rows = jnp.asarray(RNG.integers(0, V, (V, 3)), jnp.int32)
    keep = jnp.asarray(RNG.random((V, 3)) < 0.6).at[:, 0].set(True)
    lookup = skip_gram_lookup(BLOCKS, NEGATIVES, K, Pieces(rows, keep))
    means = e.masked_mean(PARAMS["input"]["embedding"][rows], keep)
    words = {"input": {"embedding": means}, "output": PARAMS["output"]}
    expected = losses_of(skip_gram_lookup(BLOCKS, NEGATIVES, K), words)
    np.testing.assert_allclose(losses_of(lookup, PARAMS), expected, rtol=1e-5)
