"""Linear, logistic and softmax regression against scikit-learn at the same penalty (F007)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array, lax
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.model_selection import train_test_split

from nn_core import losses, metrics
from nn_core.data.generators import sparse_coefficients, sparse_regression
from nn_core.models.linear import (
    Linear,
    binary_confidence,
    class_confidence,
    predict_binary,
    predict_class,
    signed_distance,
)
from nn_core.models.mlp import MLP
from nn_core.optimizers import make_optimizer
from nn_core.regularizers import penalty


def standardized(inputs: np.ndarray) -> np.ndarray:
    """In float64: so scikit-learn, the oracle, computes; JAX rounds to float32 what it is given."""
    return (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)


def squared(targets: Array) -> Callable[[Array], Array]:
    return lambda outputs: losses.mean_squared_error(outputs[:, 0], targets)


def fit(
    loss: Callable[[Array], Array],
    inputs: Array,
    num_outputs: int,
    hparams: dict[str, float],
    *,
    optimizer: str = "nesterov",
    proximal: bool = False,
    steps: int = 3000,
) -> dict[str, Array]:
    """Full-batch descent on loss(outputs) + penalty; returns kernel and bias."""
    model = Linear(num_outputs)
    rule = make_optimizer(optimizer, hparams, lambda step: 1.0, proximal=proximal)

    def objective(params: dict) -> Array:
        return loss(model.apply({"params": params}, inputs)) + penalty(params, hparams, proximal=proximal)

    def step(carry: tuple, _: None) -> tuple[tuple, None]:
        params, state = carry
        updates, state = rule.update(jax.grad(objective)(params), state, params)
        return (jax.tree.map(jnp.add, params, updates), state), None

    @jax.jit
    def run(key: Array) -> dict[str, dict[str, Array]]:
        params = model.init(key, inputs)["params"]
        return lax.scan(step, (params, rule.init(params)), None, length=steps)[0][0]

    return run(jax.random.key(0))["dense_0"]


def test_logistic_regression_has_scikit_learns_coefficients() -> None:
    """F020: the same L2 penalty; scikit-learn minimises C sum(loss) + |w|^2 / 2, so l2 = 1 / (2 C N) for the mean."""
    inputs, targets = load_breast_cancer(return_X_y=True)
    inputs = standardized(inputs)
    train, test = train_test_split(np.arange(len(targets)), random_state=0, stratify=targets)
    inverse_strength = 0.5
    reference = LogisticRegression(C=inverse_strength, tol=1e-8, max_iter=5000).fit(inputs[train], targets[train])
    labels = targets[train].astype(np.float32)
    layer = fit(
        lambda logits: losses.binary_cross_entropy(logits[:, 0], labels),
        inputs[train],
        1,
        {"learning_rate": 0.3, "momentum": 0.97, "l2": 1 / (2 * inverse_strength * len(train))},
    )
    layer = jax.device_get(layer)
    np.testing.assert_allclose(layer["kernel"][:, 0], reference.coef_[0], atol=1e-3)
    np.testing.assert_allclose(layer["bias"], reference.intercept_, atol=1e-3)
    assert np.ptp(reference.coef_) > 1.0

    logits = (inputs[test] @ layer["kernel"] + layer["bias"][None, :])[:, 0]
    assert np.mean(predict_binary(logits) == targets[test]) >= 0.95
    ours = jax.jit(losses.binary_cross_entropy)(logits, targets[test].astype(np.float32))
    assert ours == pytest.approx(sklearn_log_loss(targets[test], reference.predict_proba(inputs[test])), abs=1e-4)


def test_softmax_regression_has_scikit_learns_coefficients() -> None:
    inputs, targets = load_iris(return_X_y=True)
    inputs = standardized(inputs)
    reference = LogisticRegression(C=1.0, tol=1e-8, max_iter=5000).fit(inputs, targets)
    layer = fit(
        lambda logits: losses.cross_entropy(logits, jnp.asarray(targets)),
        inputs,
        3,
        {"learning_rate": 0.5, "momentum": 0.97, "l2": 1 / (2 * len(targets))},
        steps=2000,
    )
    layer = jax.device_get(layer)
    np.testing.assert_allclose(layer["kernel"].T, reference.coef_, atol=1e-3)
    # Softmax does not change when all logits shift, so only differences of the biases are determined.
    centred = layer["bias"] - np.mean(layer["bias"])
    np.testing.assert_allclose(centred, reference.intercept_ - reference.intercept_.mean(), atol=1e-3)


def test_elastic_net_has_scikit_learns_coefficients_and_zeros() -> None:
    """S20: 1/(2n) squares + a [r |w| + (1 - r)/2 w^2] is, doubled, our mean squared error with the strength below."""
    inputs, targets = load_diabetes(return_X_y=True)
    inputs, targets = standardized(inputs), standardized(targets)
    alpha, ratio = 0.1, 0.7
    reference = ElasticNet(alpha=alpha, l1_ratio=ratio, tol=1e-10, max_iter=100_000).fit(inputs, targets)
    layer = fit(
        squared(targets),
        inputs,
        1,
        {"learning_rate": 0.1, "elastic_net": alpha * (1 + ratio), "l1_ratio": 2 * ratio / (1 + ratio)},
        optimizer="sgd",
        proximal=True,
        steps=1000,
    )
    layer = jax.device_get(layer)
    np.testing.assert_allclose(layer["kernel"][:, 0], reference.coef_, atol=1e-5)
    np.testing.assert_allclose(layer["bias"], reference.intercept_, atol=1e-5)
    assert np.array_equal(layer["kernel"][:, 0] == 0, reference.coef_ == 0) and 2 <= np.sum(reference.coef_ == 0) <= 8


def test_proximal_l1_recovers_the_support_that_subgradients_only_approach() -> None:
    """F047, S18: 10 of 100 features matter; L1 steps by the gradient end near zero, never on it."""
    data = sparse_regression(num_examples=150, noise=0.5, seed=3)
    inputs, targets = np.asarray(data.inputs, np.float32), np.asarray(data.targets, np.float32)
    truth = sparse_coefficients(seed=3) != 0
    hparams = {"learning_rate": 0.05, "l1": 0.4}
    exact = fit(squared(targets), inputs, 1, hparams, optimizer="sgd", proximal=True, steps=1500)["kernel"]
    chosen = np.asarray(exact)[:, 0] != 0
    hits = np.sum(chosen & truth)
    assert truth.sum() == 10 and 2 * hits / (chosen.sum() + truth.sum()) >= 0.9

    hovering = fit(squared(targets), inputs, 1, hparams, optimizer="sgd", proximal=False, steps=1500)["kernel"]
    assert jax.jit(metrics.exact_zeros)({"kernel": hovering}) == 0.0
    assert 0 < np.max(np.abs(np.asarray(hovering)[~chosen])) < 0.1


def test_threshold_turns_probabilities_into_decisions() -> None:
    """F007: predict is predict_proba >= t."""
    logits = np.random.default_rng(1).normal(size=101).astype(np.float32) * 2
    logits[0] = 0.0
    found = {t: np.asarray(predict_binary(logits, t)) for t in (0.3, 0.5, 0.7)}
    probabilities = np.asarray(jax.nn.sigmoid(logits))
    for threshold, decisions in found.items():
        assert np.array_equal(decisions, probabilities >= threshold)
    assert np.array_equal(predict_binary(logits), found[0.5]) and found[0.5][0] == 1
    assert found[0.3].sum() > found[0.5].sum() > found[0.7].sum()


def test_confidence_grows_with_distance_and_the_prediction_with_signed_distance() -> None:
    """S4: the notes let the prediction grow with the distance; a point far on the negative side refutes it."""
    kernel, bias = np.array([3.0, 4.0], np.float32), -5.0
    points = np.array([[-5.0, 0.0], [0.0, 0.0], [3.0, -1.0], [1.0, 0.5], [1.0, 1.0], [3.0, 4.0]], np.float32)
    distance = jax.jit(signed_distance)
    distances = np.asarray(distance(kernel, bias, points))
    np.testing.assert_allclose(distances, [-4.0, -1.0, 0.0, 0.0, 0.4, 4.0], atol=1e-6)
    logits = points @ kernel + bias
    confidence = jax.jit(binary_confidence)
    predictions, confidences = np.asarray(jax.nn.sigmoid(logits)), np.asarray(confidence(logits))
    assert np.all(np.diff(predictions) >= 0) and predictions[0] < 1e-8 and confidences[0] > 0.999
    order = np.argsort(np.abs(distances))
    assert np.all(np.diff(confidences[order]) >= 0)
    np.testing.assert_allclose(confidences, np.maximum(predictions, 1 - predictions), rtol=1e-6)
    assert np.min(confidences) == 0.5
    # Distance alone does not fix the probability: the same line with larger weights is surer (F046).
    assert np.allclose(distance(10 * kernel, 10 * bias, points), distances)
    assert np.all((confidence(10 * logits) > confidences) == np.isin(np.arange(6), [1, 4]))


def test_class_decisions() -> None:
    logits = np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 0.0]], np.float32)
    assert predict_class(logits).tolist() == [2, 0] and predict_class(logits).dtype == jnp.int32
    of_classes = jax.jit(class_confidence)
    np.testing.assert_allclose(of_classes(logits), [0.66524, 0.49832], atol=1e-5)
    two = np.stack([np.zeros(5), np.linspace(-2.0, 2.0, 5)], axis=1).astype(np.float32)
    np.testing.assert_allclose(of_classes(two), jax.jit(binary_confidence)(two[:, 1]), rtol=1e-6)


def test_one_node_per_class_needs_softmax_for_classes_that_exclude_each_other() -> None:
    """S12: sigmoid nodes answer C separate questions (multi-label); their probabilities do not sum to 1."""
    logits = np.array([2.0, 1.0, -0.5], np.float32)
    assert np.sum(jax.nn.softmax(logits)) == pytest.approx(1.0) and np.sum(jax.nn.sigmoid(logits)) > 1.9
    assert predict_binary(logits).tolist() == [1, 1, 0] and predict_class(logits) == 0


def test_logistic_regression_overfits_in_high_dimension_unless_penalised() -> None:
    """S11c: "less prone to overfitting" is relative: 40 examples, 200 features of which one matters."""
    inputs = np.random.default_rng(4).normal(size=(1040, 200)).astype(np.float32)
    labels = (inputs[:, 0] > 0).astype(np.float32)

    def accuracies(hparams: dict[str, float]) -> tuple[float, float]:
        layer = fit(
            lambda logits: losses.binary_cross_entropy(logits[:, 0], labels[:40]),
            inputs[:40],
            1,
            {"learning_rate": 0.1, "momentum": 0.9, **hparams},
            proximal="l1" in hparams,
            steps=500,
        )
        logits = (inputs @ np.asarray(layer["kernel"]))[:, 0] + np.asarray(layer["bias"])
        right = np.asarray(predict_binary(logits)) == labels
        return np.mean(right[:40]), np.mean(right[40:])

    free, sparse = accuracies({}), accuracies({"l1": 0.1})
    assert free[0] == 1.0 and free[1] < 0.75
    assert sparse[1] > free[1] + 0.1


def test_linear_is_the_network_without_hidden_layers() -> None:
    inputs = np.random.default_rng(2).normal(size=(7, 5)).astype(np.float32)
    params = jax.jit(Linear(3, kernel_init=jax.nn.initializers.normal(1.0)).init)(jax.random.key(3), inputs)
    assert jax.tree.map(jnp.shape, params) == {"params": {"dense_0": {"kernel": (5, 3), "bias": (3,)}}}
    layer = jax.device_get(params["params"]["dense_0"])
    outputs, others = jax.jit(lambda params: [m.apply(params, inputs) for m in (Linear(3), MLP((), 3))])(params)
    np.testing.assert_allclose(outputs, inputs @ layer["kernel"] + layer["bias"][None, :], rtol=1e-5)
    assert np.array_equal(outputs, others)
    without = jax.eval_shape(Linear(3, use_bias=False).init, jax.random.key(3), inputs)
    assert "bias" not in without["params"]["dense_0"]


def test_no_outputs_are_refused() -> None:
    with pytest.raises(ValueError, match="num_outputs=0 is below 1"):
        Linear(0).init(jax.random.key(0), jnp.ones((1, 2)))
