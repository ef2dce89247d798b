from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np

from nn_core.text.blocks import draw_blocks
from nn_core.text.pairs import ThinCorpus, draw_skip_gram

N, KEPT, WINDOW = 23, 17, 3
IDS = np.arange(N, dtype=np.int32)  # every word has its own id: the place itself
SENTENCES = np.concatenate([np.repeat(np.arange(4), [5, 1, 7, 4]), np.full(N - KEPT, -1)]).astype(np.int32)
THIN = jax.tree.map(jnp.asarray, ThinCorpus(np.where(IDS < KEPT, IDS, 0), SENTENCES, np.int32(KEPT)))
SIZE = 5


@jax.jit
def drawn(key):
    return draw_blocks(key, THIN, num_blocks=701, block_size=SIZE, window=WINDOW)


def pairs_of(key):
    blocks = jax.device_get(drawn(key))
    centres = blocks.ids_BL[:, WINDOW : WINDOW + SIZE]
    b, t, place = np.nonzero(blocks.near_BTL)
    return centres[b, t], blocks.ids_BL[b, place], blocks


def test_pairs_are_near_and_of_one_sentence():
    centres, contexts, blocks = pairs_of(jax.random.key(0))
    assert blocks.ids_BL.shape == (701, 5 + 2 * WINDOW) and blocks.near_BTL.shape == (701, 5, 11)
    assert (np.abs(centres - contexts) <= WINDOW).all() and (centres != contexts).all()
    assert (SENTENCES[centres] == SENTENCES[contexts]).all()
    assert set(centres.tolist()) == set(range(KEPT)) - {5}  # the word alone in its sentence is near to nothing


def test_pairs_come_as_often_as_those_that_are_drawn_one_by_one():
    """Every pair of one window: p(distance d) is proportional to 1 - (d - 1) / window, in both samplers."""
    counts = Counter()
    for seed in range(20):
        counts.update(zip(*(part.tolist() for part in pairs_of(jax.random.key(seed))[:2]), strict=True))
    draw_single = jax.jit(draw_skip_gram, static_argnums=(2, 3))
    centres, contexts, weights = jax.device_get(draw_single(jax.random.key(1), THIN, 400_000, WINDOW))
    single = Counter((c, x) for c, x, w in zip(centres.tolist(), contexts.tolist(), weights.tolist(), strict=True) if w)
    assert set(counts) == set(single)
    total, single_total = sum(counts.values()), sum(single.values())
    for pair in single:
        assert abs(counts[pair] / total - single[pair] / single_total) < 0.003
