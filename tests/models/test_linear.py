"""Linear, logistic and softmax regression against scikit-learn at the same penalty (L100-L132, L440-L502; F007)."""

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


def standardized(inputs: np.ndarray) -> Array:
    return jnp.asarray((inputs - inputs.mean(axis=0)) / inputs.std(axis=0), jnp.float32)


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
    params = model.init(jax.random.key(0), inputs)["params"]
    rule = make_optimizer(optimizer, hparams, lambda step: 1.0, proximal=proximal)

    def objective(params: dict) -> Array:
        return loss(model.apply({"params": params}, inputs)) + penalty(params, hparams, proximal=proximal)

    def step(carry: tuple, _: None) -> tuple[tuple, None]:
        params, state = carry
        updates, state = rule.update(jax.grad(objective)(params), state, params)
        return (jax.tree.map(jnp.add, params, updates), state), None

    run = jax.jit(lambda params: lax.scan(step, (params, rule.init(params)), None, length=steps)[0][0])
    return run(params)["dense_0"]


def test_logistic_regression_has_scikit_learns_coefficients() -> None:
    """F020: the same L2 penalty; scikit-learn minimises C sum(loss) + |w|^2 / 2, so l2 = 1 / (2 C N) for the mean."""
    inputs, targets = load_breast_cancer(return_X_y=True)
    inputs = standardized(inputs)
    train, test = train_test_split(np.arange(len(targets)), random_state=0, stratify=targets)
    inverse_strength = 0.5
    reference = LogisticRegression(C=inverse_strength, tol=1e-8, max_iter=5000).fit(inputs[train], targets[train])
    labels = jnp.asarray(targets[train], jnp.float32)
    layer = fit(
        lambda logits: losses.binary_cross_entropy(logits[:, 0], labels),
        inputs[train],
        1,
        {"learning_rate": 0.3, "momentum": 0.97, "l2": 1 / (2 * inverse_strength * len(train))},
    )
    np.testing.assert_allclose(layer["kernel"][:, 0], reference.coef_[0], atol=1e-3)
    np.testing.assert_allclose(layer["bias"], reference.intercept_, atol=1e-3)
    assert np.ptp(reference.coef_) > 1.0

    logits = (inputs[test] @ layer["kernel"] + layer["bias"][None, :])[:, 0]
    assert np.mean(predict_binary(logits) == targets[test]) >= 0.95
    ours = losses.binary_cross_entropy(logits, jnp.asarray(targets[test], jnp.float32))
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
    np.testing.assert_allclose(layer["kernel"].T, reference.coef_, atol=1e-3)
    # Softmax does not change when all logits shift, so only differences of the biases are determined.
    centred = layer["bias"] - jnp.mean(layer["bias"])
    np.testing.assert_allclose(centred, reference.intercept_ - reference.intercept_.mean(), atol=1e-3)


def test_elastic_net_has_scikit_learns_coefficients_and_zeros() -> None:
    """S20: 1/(2n) squares + a [r |w| + (1 - r)/2 w^2] is, doubled, our mean squared error with the strength below."""
    inputs, targets = load_diabetes(return_X_y=True)
    inputs, targets = standardized(inputs), jnp.asarray((targets - targets.mean()) / targets.std(), jnp.float32)
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
    np.testing.assert_allclose(layer["kernel"][:, 0], reference.coef_, atol=1e-5)
    np.testing.assert_allclose(layer["bias"], reference.intercept_, atol=1e-5)
    assert np.array_equal(layer["kernel"][:, 0] == 0, reference.coef_ == 0) and 2 <= np.sum(reference.coef_ == 0) <= 8


def test_proximal_l1_recovers_the_support_that_subgradients_only_approach() -> None:
    """F047, S18: 10 of 100 features matter; L1 steps by the gradient end near zero, never on it."""
    data = sparse_regression(num_examples=150, noise=0.5, seed=3)
    inputs, targets = jnp.asarray(data.inputs, jnp.float32), jnp.asarray(data.targets, jnp.float32)
    truth = sparse_coefficients(seed=3) != 0
    hparams = {"learning_rate": 0.05, "l1": 0.4}
    exact = fit(squared(targets), inputs, 1, hparams, optimizer="sgd", proximal=True, steps=1500)["kernel"][:, 0]
    chosen = np.asarray(exact != 0)
    hits = np.sum(chosen & truth)
    assert truth.sum() == 10 and 2 * hits / (chosen.sum() + truth.sum()) >= 0.9

    hovering = fit(squared(targets), inputs, 1, hparams, optimizer="sgd", proximal=False, steps=1500)["kernel"][:, 0]
    assert metrics.exact_zeros({"kernel": hovering}) == 0.0
    assert 0 < np.max(np.abs(hovering[~chosen])) < 0.1


def test_threshold_turns_probabilities_into_decisions() -> None:
    """F007: predict is predict_proba >= t."""
    logits = jax.random.normal(jax.random.key(1), (101,)) * 2
    for threshold in (0.3, 0.5, 0.7):
        assert np.array_equal(predict_binary(logits, threshold), jax.nn.sigmoid(logits) >= threshold)
    assert predict_binary(jnp.zeros(1)).tolist() == [1]
    assert predict_binary(logits, 0.3).sum() > predict_binary(logits).sum() > predict_binary(logits, 0.7).sum()


def test_confidence_grows_with_distance_and_the_prediction_with_signed_distance() -> None:
    """S4: the notes let the prediction grow with the distance; a point far on the negative side refutes it."""
    kernel, bias = jnp.array([3.0, 4.0]), -5.0
    points = jnp.array([[-5.0, 0.0], [0.0, 0.0], [3.0, -1.0], [1.0, 0.5], [1.0, 1.0], [3.0, 4.0]])
    distances = signed_distance(kernel, bias, points)
    np.testing.assert_allclose(distances, [-4.0, -1.0, 0.0, 0.0, 0.4, 4.0], atol=1e-6)
    logits = points @ kernel + bias
    predictions, confidences = jax.nn.sigmoid(logits), binary_confidence(logits)
    assert np.all(np.diff(predictions) >= 0) and predictions[0] < 1e-8 and confidences[0] > 0.999
    order = np.argsort(np.abs(distances))
    assert np.all(np.diff(confidences[order]) >= 0)
    np.testing.assert_allclose(confidences, np.maximum(predictions, 1 - predictions), rtol=1e-6)
    assert np.min(confidences) == 0.5
    # Distance alone does not fix the probability: the same line with larger weights is surer (F046).
    assert np.allclose(signed_distance(10 * kernel, 10 * bias, points), distances)
    assert np.all((binary_confidence(10 * logits) > confidences) == np.isin(np.arange(6), [1, 4]))


def test_class_decisions() -> None:
    logits = jnp.array([[1.0, 2.0, 3.0], [5.0, 5.0, 0.0]])
    assert predict_class(logits).tolist() == [2, 0] and predict_class(logits).dtype == jnp.int32
    np.testing.assert_allclose(class_confidence(logits), [0.66524, 0.49832], atol=1e-5)
    two = jnp.stack([jnp.zeros(5), jnp.linspace(-2.0, 2.0, 5)], axis=1)
    np.testing.assert_allclose(class_confidence(two), binary_confidence(two[:, 1]), rtol=1e-6)


def test_one_node_per_class_needs_softmax_for_classes_that_exclude_each_other() -> None:
    """S12: sigmoid nodes answer C separate questions (multi-label); their probabilities do not sum to 1."""
    logits = jnp.array([2.0, 1.0, -0.5])
    assert jnp.sum(jax.nn.softmax(logits)) == pytest.approx(1.0) and jnp.sum(jax.nn.sigmoid(logits)) > 1.9
    assert predict_binary(logits).tolist() == [1, 1, 0] and predict_class(logits) == 0


def test_logistic_regression_overfits_in_high_dimension_unless_penalised() -> None:
    """S11c: "less prone to overfitting" is relative: 40 examples, 200 features of which one matters."""
    inputs = jax.random.normal(jax.random.key(4), (1040, 200))
    labels = (inputs[:, 0] > 0).astype(jnp.float32)

    def accuracies(hparams: dict[str, float]) -> tuple[Array, Array]:
        layer = fit(
            lambda logits: losses.binary_cross_entropy(logits[:, 0], labels[:40]),
            inputs[:40],
            1,
            {"learning_rate": 0.1, "momentum": 0.9, **hparams},
            proximal="l1" in hparams,
            steps=500,
        )
        right = predict_binary((inputs @ layer["kernel"])[:, 0] + layer["bias"]) == labels
        return jnp.mean(right[:40]), jnp.mean(right[40:])

    free, sparse = accuracies({}), accuracies({"l1": 0.1})
    assert free[0] == 1.0 and free[1] < 0.75
    assert sparse[1] > free[1] + 0.1


def test_linear_is_the_network_without_hidden_layers() -> None:
    inputs = jax.random.normal(jax.random.key(2), (7, 5))
    params = Linear(3, kernel_init=jax.nn.initializers.normal(1.0)).init(jax.random.key(3), inputs)
    assert jax.tree.map(jnp.shape, params) == {"params": {"dense_0": {"kernel": (5, 3), "bias": (3,)}}}
    layer = params["params"]["dense_0"]
    outputs = Linear(3).apply(params, inputs)
    np.testing.assert_allclose(outputs, inputs @ layer["kernel"] + layer["bias"][None, :], rtol=1e-5)
    assert np.array_equal(outputs, MLP((), 3).apply(params, inputs))
    assert "bias" not in Linear(3, use_bias=False).init(jax.random.key(3), inputs)["params"]["dense_0"]


def test_no_outputs_are_refused() -> None:
    with pytest.raises(ValueError, match="num_outputs=0 is below 1"):
        Linear(0).init(jax.random.key(0), jnp.ones((1, 2)))
