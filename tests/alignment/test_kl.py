"""KL estimators by enumeration of a small vocabulary: values and gradients, each with the direction that it follows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import rel_entr, softmax

from nn_core.alignment.adaptive_kl import adapt
from nn_core.alignment.kl import KL_ESTIMATORS, exact_kl

Z_V, W_V = (np.random.default_rng(seed).normal(size=7) for seed in (3, 4))
P_V, Q_V = softmax(Z_V), softmax(W_V)
KL = rel_entr(P_V, Q_V).sum()


def expected(estimator, z_V):
    """E over x ~ p, the draw held fixed while ln p is differentiated: what a loss on drawn tokens follows on average."""
    weights_V = jax.lax.stop_gradient(jax.nn.softmax(z_V))
    return jnp.sum(weights_V * estimator(jax.nn.log_softmax(z_V), jax.nn.log_softmax(jnp.asarray(W_V))))


def slope_of_kl(z_V):
    return jax.grad(lambda z: exact_kl(jax.nn.log_softmax(z), jax.nn.log_softmax(jnp.asarray(W_V))))(z_V)


def test_values_and_gradients_in_expectation():
    with jax.enable_x64(True):
        z_V = jnp.asarray(Z_V)
        found = jax.jit(
            lambda z: {n: jax.value_and_grad(lambda x, e=e: expected(e, x))(z) for n, e in KL_ESTIMATORS.items()}
        )
        values = jax.device_get(found(z_V))
        by_kl = np.asarray(slope_of_kl(z_V))
    assert values["k1"][0] == pytest.approx(KL, abs=1e-12)
    assert values["k3"][0] == pytest.approx(KL, abs=1e-12)
    assert values["k2"][0] != pytest.approx(KL, rel=0.05)  # biased
    np.testing.assert_allclose(values["k1"][1], 0.0, atol=1e-12)
    np.testing.assert_allclose(values["k2"][1], by_kl, atol=1e-12)
    np.testing.assert_allclose(values["k3"][1], P_V - Q_V, atol=1e-12)  # that of KL(q || p)
    assert np.abs(values["k3"][1] - by_kl).max() > 0.01


def test_k1_in_the_reward_has_the_gradient_of_the_kl():
    with jax.enable_x64(True):
        z_V = jnp.asarray(Z_V)
        kl_V = jax.nn.log_softmax(z_V) - jax.nn.log_softmax(jnp.asarray(W_V))
        score = jax.grad(lambda z: jnp.sum(jax.lax.stop_gradient(jax.nn.softmax(z) * kl_V) * jax.nn.log_softmax(z)))(
            z_V
        )
        np.testing.assert_allclose(score, slope_of_kl(z_V), atol=1e-12)


def test_k3_and_k2_are_never_negative_and_k1_may_be():
    policy, reference = np.random.default_rng(1).normal(size=(2, 997)).astype(np.float32)
    found = {name: np.asarray(estimator(policy, reference)) for name, estimator in KL_ESTIMATORS.items()}
    assert found["k3"].min() >= 0 and found["k2"].min() >= 0 and found["k1"].min() < 0
    near = np.outer((1.0, -1.0), np.logspace(-7, -1, 25)).ravel().astype(np.float32)
    same, exact = np.asarray(KL_ESTIMATORS["k3"](np.zeros_like(near), near)), np.expm1(near.astype(float)) - near
    assert same.min() >= 0  # expm1 keeps what exp(x) - 1 - x loses
    np.testing.assert_allclose(same, exact, rtol=1e-2, atol=1e-11)


def test_exact_kl_of_impossible_tokens_is_finite():
    policy_V, reference_V = np.log([0.5, 0.5, 1e-300]), np.array([np.log(0.25), np.log(0.75), -np.inf])
    with np.errstate(divide="ignore"):
        policy_V = np.where(policy_V < -600, -np.inf, policy_V)
    kl = float(exact_kl(jnp.asarray(policy_V), jnp.asarray(reference_V)))
    assert kl == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(0.5 / 0.75), abs=1e-6)


def test_the_coefficient_looks_for_its_target():
    assert float(adapt(0.1, jnp.float32(6.0), 6.0, 1000.0, 64)) == pytest.approx(0.1)
    assert float(adapt(0.1, jnp.float32(60.0), 6.0, 1000.0, 64)) == pytest.approx(0.1 * (1 + 0.2 * 0.064))
    assert float(adapt(0.1, jnp.float32(0.0), 6.0, 1000.0, 64)) == pytest.approx(0.1 * (1 - 0.2 * 0.064))


def test_the_coefficient_stays_positive_above_a_fifth_of_the_answers():
    """At a horizon of 0.2 n one update takes all of beta away; above it, none does."""
    for kl in (0.0, 100.0):
        assert float(adapt(0.1, jnp.float32(kl), 1.0, 12.9, 64)) > 0
    assert float(adapt(0.1, jnp.float32(0.0), 1.0, 1.0, 64)) < 0  # which is why a command refuses it
