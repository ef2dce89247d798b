"""Local-global, strided and linear attention behind the one interface: dense attention with the same mask, or its kernel form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.models.attention.dot_product import dot_product_attention
from nn_core.models.attention.linear import CHUNK, linear_attention, positive_features
from nn_core.models.attention.patterns import Pattern, check_pattern, pattern_mask

B, T, H, K = 2, 29, 2, 4
STATIC = ("causal", "window", "global_tokens", "stride", "implementation", "block_size")
attend = jax.jit(dot_product_attention, static_argnames=STATIC)


def make_qkv(length: int = T) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=(B, length, H, K)).astype(np.float32) for _ in range(3))


def by_hand(pattern: Pattern) -> np.ndarray:
    """The pattern, one pair of places at a time."""
    seen = np.zeros((T, T), bool)
    nearest = pattern.stride if pattern.window is None else pattern.window
    for t, s in np.ndindex(T, T):
        near = nearest is None or abs(t - s) < nearest
        regular = pattern.stride is not None and abs(t - s) % pattern.stride == 0
        first = min(t, s) < pattern.global_tokens
        seen[t, s] = (near or regular or first) and (s <= t or not pattern.causal)
    return seen


PATTERNS = [Pattern(False, 5, 3), Pattern(True, 5, 3), Pattern(False, None, 0, 7), Pattern(True, 3, 2, 7)]


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_a_pattern_is_dense_attention_with_its_mask_in_both_implementations(pattern: Pattern) -> None:
    mask = by_hand(pattern)
    np.testing.assert_array_equal(np.asarray(pattern_mask(T, T, pattern))[0, 0], mask)
    q, k, v = make_qkv()
    expected = np.asarray(attend(q, k, v, mask=mask[None, None]))
    for implementation in ("dense", "blockwise"):
        outputs = attend(q, k, v, implementation=implementation, block_size=8, **pattern._asdict())
        np.testing.assert_allclose(outputs, expected, atol=2e-6)


def test_linear_attention_over_several_chunks_equals_its_kernel_form_and_hides_padding() -> None:
    length = CHUNK + 13
    q, k, v = make_qkv(length)
    keep = np.arange(length)[None] < np.array([length, CHUNK - 5])[:, None]
    features_q, features_k = (np.asarray(positive_features(jnp.asarray(x))) for x in (q, k))
    kernel = np.einsum("bthk,bshk->bhts", features_q, features_k) * keep[:, None, None]
    for causal in (False, True):
        weights = np.tril(kernel) if causal else kernel
        expected = np.einsum("bhts,bshk->bthk", weights / weights.sum(axis=-1, keepdims=True), v)
        outputs = attend(q, k, v, causal=causal, mask=keep[:, None, None], implementation="linear")
        np.testing.assert_allclose(outputs, expected, atol=1e-5)
    nothing = linear_attention(*map(jnp.asarray, (q, k, v)), keep_BS=jnp.zeros((B, length), bool))
    assert not np.asarray(nothing).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "stride=0 must be at least 1"),
        ({"global_tokens": 2}, "global_tokens=2 has no effect without a window"),
        ({"window": 3, "global_tokens": -1}, "global_tokens=-1 must be at least 0"),
    ],
)
def test_patterns_without_sense_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_pattern(Pattern(**options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 3}, "linear' has no scores"),
        ({"bias": np.zeros((1, H, T, T), np.float32)}, "linear' has no scores"),
        ({"mask": np.ones((1, 1, T, T), bool)}, "not \\(B, 1, 1, S\\)"),
    ],
)
def test_linear_attention_refuses_what_it_cannot(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dot_product_attention(*make_qkv(), implementation="linear", **options)
