"""Penalties, the proximal step and dropout: their formulas, their masks and their laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from nn_core import regularizers as reg
from nn_core.losses import mean_squared_error
from tests.numeric import central_difference

PARAMS = {
    "embed": {"embedding": np.float32([[1.0, -2.0]])},
    "dense_0": {"kernel": np.float32([[3.0, 0.0], [-0.5, 1.0]]), "bias": np.float32([7.0, -7.0])},
    "norm": {"scale": np.float32([9.0]), "bias": np.float32([9.0])},
}
ABSOLUTE, SQUARES = 7.5, 15.25  # of the three penalised leaves, by hand
elastic_net_penalty = jax.jit(reg.elastic_net_penalty)


def test_only_kernels_and_embeddings_are_penalised() -> None:
    assert reg.penalised_mask(PARAMS) == {
        "embed": {"embedding": True},
        "dense_0": {"kernel": True, "bias": False},
        "norm": {"scale": False, "bias": False},
    }
    assert len(reg.penalised_leaves(PARAMS)) == 2
    assert reg.penalised_mask(np.ones(3)) is False


def test_penalties_by_hand() -> None:
    absolute, squares = jax.jit(lambda params: (reg.l1_penalty(params), reg.l2_penalty(params)))(PARAMS)
    assert absolute == ABSOLUTE and squares == SQUARES
    assert elastic_net_penalty(PARAMS, 0.1, 0.25) == pytest.approx(0.1 * (0.25 * ABSOLUTE + 0.75 * SQUARES))
    half = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), PARAMS)
    assert jax.eval_shape(reg.l2_penalty, half).dtype == jnp.float32


def test_elastic_net_holds_both_penalties() -> None:
    assert elastic_net_penalty(PARAMS, 0.5, 1.0) == 0.5 * ABSOLUTE
    assert elastic_net_penalty(PARAMS, 0.5, 0.0) == 0.5 * SQUARES


def test_gradients_are_sign_and_twice_the_weight() -> None:
    """L1's subgradient is 0 at 0 (F047), L2 has no factor 1/2 (F048)."""
    l1, l2 = jax.device_get(
        jax.jit(lambda params: [jax.grad(f)(params) for f in (reg.l1_penalty, reg.l2_penalty)])(PARAMS)
    )
    np.testing.assert_array_equal(l1["dense_0"]["kernel"], [[1.0, 0.0], [-1.0, 1.0]])
    np.testing.assert_array_equal(l2["embed"]["embedding"], [[2.0, -4.0]])
    for gradient in (l1, l2):
        assert not gradient["dense_0"]["bias"].any() and not gradient["norm"]["scale"].any()
    with jax.enable_x64(True):
        w = np.asarray([[0.3, -1.2, 2.0]])
        f = jax.jit(lambda w: reg.elastic_net_penalty({"kernel": w}, 0.3, 0.7))
        gradient = jax.jit(jax.grad(f))(w)
        np.testing.assert_allclose(gradient, 0.3 * (0.7 * np.sign(w) + 0.6 * w), rtol=1e-12)
        np.testing.assert_allclose(gradient, central_difference(f, w), atol=1e-6)


# One program for each set of hparams.
penalty = jax.jit(reg.penalty, static_argnums=2)


@pytest.mark.parametrize(
    ("hparams", "proximal", "expected"),
    [
        ({}, False, 0.0),
        ({"learning_rate": 1.0}, False, 0.0),
        ({"l1": 2.0}, False, 2 * ABSOLUTE),
        ({"l2": 2.0}, False, 2 * SQUARES),
        ({"l1": 1.0, "l2": 2.0}, False, ABSOLUTE + 2 * SQUARES),
        ({"elastic_net": 2.0, "l1_ratio": 0.25}, False, 0.5 * ABSOLUTE + 1.5 * SQUARES),
        ({"l1": 2.0}, True, 0.0),
        ({"l1": 2.0, "elastic_net": 2.0, "l1_ratio": 0.25}, True, 1.5 * SQUARES),
    ],
)
def test_penalty_sums_what_is_set(hparams: dict[str, float], proximal: bool, expected: float) -> None:
    assert penalty(PARAMS, hparams, proximal) == pytest.approx(expected)


def test_penalty_and_proximal_strength_share_the_elastic_net() -> None:
    hparams = {"l1": 2.0, "elastic_net": 3.0, "l1_ratio": 0.25}
    with_penalty, smooth, strength = jax.jit(
        lambda h: (reg.penalty(PARAMS, h), reg.penalty(PARAMS, h, proximal=True), reg.proximal_strength(h))
    )(hparams)
    with_step = smooth + strength * ABSOLUTE
    assert with_penalty == pytest.approx(float(with_step))
    assert reg.proximal_strength({"l1": 2.0}) == 2.0


def test_strengths_are_an_axis_of_a_sweep() -> None:
    strengths = np.float32([0.0, 1.0, 3.0])
    found = jax.jit(jax.vmap(lambda l1, l2: reg.penalty(PARAMS, {"l1": l1, "l2": l2})))(strengths, strengths)
    np.testing.assert_allclose(found, strengths * (ABSOLUTE + SQUARES), rtol=1e-6)


def test_missing_numbers_are_named() -> None:
    with pytest.raises(ValueError, match=r"hparams.elastic_net is set without hparams.l1_ratio; set it in \[0, 1\]"):
        reg.penalty(PARAMS, {"elastic_net": 1.0})
    with pytest.raises(ValueError, match="set hparams.l1 or hparams.elastic_net, or use proximal=False"):
        reg.proximal_strength({"l2": 1.0})


def test_soft_threshold_minimises_its_objective() -> None:
    x = np.float32([-3.0, -1.0, -0.2, 0.0, 0.2, 1.0, 3.0])
    found = jax.jit(reg.soft_threshold)(x, 1.0)
    np.testing.assert_array_equal(found, [-2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0])
    candidates = np.linspace(-4, 4, 8001)
    objective = 0.5 * (candidates[None] - x[:, None]) ** 2 + np.abs(candidates)[None]
    np.testing.assert_allclose(found, candidates[objective.argmin(axis=1)], atol=1e-3)


def test_conversion_to_scikit_learns_elastic_net() -> None:
    """F050, S20: strength = alpha (1 + r), l1_ratio = 2 r / (1 + r), by proximal gradient descent in float64."""
    rng = np.random.default_rng(0)
    x_ND, noise_N = rng.normal(size=(60, 8)), rng.normal(size=60)
    y_N = x_ND @ np.asarray([2.0, -1.0, 0.5, 0, 0, 0, 0, 0]) + 0.1 * noise_N
    alpha, ratio = 0.2, 0.6
    oracle = ElasticNet(alpha=alpha, l1_ratio=ratio, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(x_ND, y_N)
    hparams = {"elastic_net": alpha * (1 + ratio), "l1_ratio": 2 * ratio / (1 + ratio)}
    with jax.enable_x64(True):

        def smooth(w):
            return mean_squared_error(x_ND @ w, y_N) + reg.penalty({"kernel": w}, hparams, proximal=True)

        def descend(_, w):
            return reg.soft_threshold(w - 0.1 * jax.grad(smooth)(w), 0.1 * reg.proximal_strength(hparams))

        w = np.asarray(jax.jit(lambda w: jax.lax.fori_loop(0, 500, descend, w))(np.zeros(8)))
    np.testing.assert_allclose(w, oracle.coef_, atol=1e-8)
    np.testing.assert_array_equal(w == 0, oracle.coef_ == 0)
    assert 0 < np.sum(oracle.coef_ == 0) < 8


dropout = jax.jit(reg.dropout)


def test_dropout_drops_a_fifth_and_keeps_the_mean() -> None:
    count = 200_000
    found = np.asarray(dropout(jax.random.key(0), np.ones((400, 500), np.float32), 0.2))
    assert set(np.unique(found)) == {0.0, np.float32(1.25)}
    assert abs((found > 0).mean() - 0.8) < 3 * np.sqrt(0.2 * 0.8 / count)
    assert abs(found.mean() - 1.0) < 0.01


def test_dropout_rates_are_an_axis_of_a_sweep_with_both_ends() -> None:
    x = np.random.default_rng(1).normal(size=(17, 31)).astype(np.float32)

    def mean_and_gradient(rate):
        f = lambda x: jnp.sum(reg.dropout(jax.random.key(0), x, rate) ** 2)  # noqa: E731
        return reg.dropout(jax.random.key(0), x, rate), jax.grad(f)(x)

    dropped, gradients = jax.device_get(jax.jit(jax.vmap(mean_and_gradient))(np.float32([0.0, 0.5, 1.0])))
    np.testing.assert_array_equal(dropped[0], x)
    assert not dropped[2].any()
    assert 0.4 < np.mean(dropped[1] == 0) < 0.6
    np.testing.assert_allclose(gradients[0], 2 * x, rtol=1e-6)
    np.testing.assert_allclose(gradients[1], 4 * dropped[1], rtol=1e-6)
    np.testing.assert_array_equal(gradients[2], np.zeros_like(x))


def test_dropout_at_rate_zero_drops_not_one_in_a_million() -> None:
    assert np.all(dropout(jax.random.key(0), np.ones((1000, 1000), np.float32), 0.0) == 1.0)


def test_dropout_masks_differ_between_examples_and_keys_and_repeat_for_a_key() -> None:
    ones = np.ones((5, 64), np.float32)
    first, again, other = (np.asarray(dropout(jax.random.key(k), ones, 0.5)) for k in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)
    assert len({row.tobytes() for row in first}) == 5


def test_two_decisions_of_one_random_word_are_independent() -> None:
    kept = np.asarray(dropout(jax.random.key(0), np.ones((1000, 200), np.float32), 0.3)) > 0
    pairs = np.corrcoef(kept[:, 0::2].ravel(), kept[:, 1::2].ravel())[0, 1]
    assert abs(pairs) < 4 / np.sqrt(100_000)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (2, 3, 4)])
def test_dropout_keeps_shape_and_dtype(shape: tuple[int, ...]) -> None:
    found = jax.eval_shape(reg.dropout, jax.random.key(0), jnp.ones(shape, jnp.bfloat16), jnp.float32(0.5))
    assert found.shape == shape and found.dtype == jnp.bfloat16
