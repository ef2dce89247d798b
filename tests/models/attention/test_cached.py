"""Attention to a cache in blocks: equal to the dense one, and what no query may see is not read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.models.attention.blocks import MOST_BLOCKS, block_bounds
from nn_core.models.attention.cached import attend, write
from nn_core.models.attention.dot_product import dot_product_attention

B, H, G, K, S = 3, 6, 2, 5, 17
CUTS = ((0, 7), (7, 14), (14, 17))

attend_blocks, attend_dense = jax.jit(attend), jax.jit(dot_product_attention)


def make(length: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Queries (B, length, H, K), and keys and values of all places."""
    generator = np.random.default_rng(0)
    shapes = ((B, length, H, K), (B, S, G, K), (B, S, G, K))
    return tuple(generator.normal(size=shape).astype(np.float32) for shape in shapes)  # type: ignore[return-value]


def cut(k_BSGK: np.ndarray, v_BSGK: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The places as blocks, in the order of a cache."""
    return [tuple(x[:, start:end].swapaxes(1, 2) for x in (k_BSGK, v_BSGK)) for start, end in CUTS]  # type: ignore[misc]


@pytest.mark.parametrize("last", [2, 6, 7, 16])
@pytest.mark.parametrize(("length", "with_bias"), [(1, False), (1, True), (2, True)])
def test_blocks_equal_the_dense_path_wherever_the_text_ends(last: int, length: int, with_bias: bool) -> None:
    q, k, v = make(length)
    ends_BT = np.array([[last - 1, last], [0, 1], [last // 2, last // 2 + 1]])[:, -length:]
    mask = (np.arange(S)[None, None] <= ends_BT[:, :, None])[:, None]
    bias = np.random.default_rng(1).normal(size=(1, H, length, S)).astype(np.float32) if with_bias else None
    blocks = attend_blocks(q, cut(k, v), mask, bias)
    dense = attend_dense(q, k, v, mask=mask, bias=bias)
    np.testing.assert_allclose(blocks, dense, atol=2e-6)


def test_a_query_that_may_look_nowhere_gets_zeros() -> None:
    q, k, v = make()
    mask = np.zeros((B, 1, 1, S), bool)
    mask[0] = True
    outputs = np.asarray(attend_blocks(q, cut(k, v), mask))
    assert np.all(outputs[1:] == 0) and np.all(outputs[0] != 0)


def test_what_no_query_may_see_is_not_read() -> None:
    q, k, v = make()
    mask = np.broadcast_to(np.arange(S) < 7, (B, 1, 1, S))
    clean = np.asarray(attend_blocks(q, cut(k, v), mask))
    k[:, 7:], v[:, 7:] = np.nan, np.nan
    # NaN times a weight of 0 is NaN: it would show.
    poisoned = attend_blocks(q, cut(k, v), mask)
    np.testing.assert_allclose(poisoned, clean, atol=1e-6)


def test_new_keys_are_written_into_their_block_alone() -> None:
    slots_BT = np.array([[6, 7], [13, 14], [17, 3]])  # 17: not written

    @jax.jit
    def written(new: jax.Array) -> list[jax.Array]:
        return [write(jnp.zeros((B, G, end - start, K)), new, slots_BT, start) for start, end in CUTS]

    whole_BS = np.concatenate([np.asarray(x)[:, 0, :, 0] for x in written(np.ones((B, 2, G, K), np.float32))], axis=1)
    expected = np.zeros((B, S))
    expected[0, [6, 7]] = expected[1, [13, 14]] = expected[2, 3] = 1
    np.testing.assert_array_equal(whole_BS, expected)


@pytest.mark.parametrize("places", [1, 63, 64, 127, 128, 131, 257, 1024])
def test_blocks_cover_every_place_once_and_are_few(places: int) -> None:
    bounds = block_bounds(places, 64, "cpu")
    assert [place for start, end in bounds for place in range(start, end)] == list(range(places))
    assert len(bounds) <= MOST_BLOCKS and block_bounds(places, 64, "gpu") == ((0, places),)
