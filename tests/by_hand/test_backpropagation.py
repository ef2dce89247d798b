"""Backpropagation by hand against autodiff, finite differences and the printed numbers."""

import math
from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from nn_core import losses
from nn_core.activations import ACTIVATIONS, sigmoid, sigmoid_derivative
from nn_core.by_hand.backpropagation import (
    WORKED_EXAMPLE_INPUTS,
    WORKED_EXAMPLE_PRINTED,
    Layer,
    WorkedExample,
    backpropagate,
    forward,
    two_layer_descent,
    worked_example,
)


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def network(depth: int, use_bias: bool = True, seed: int = 0) -> tuple[Layer, ...]:
    """Layers of prime widths, from 5 inputs to 3 outputs."""
    rng = np.random.default_rng(seed)
    sizes = (5, 7, 2, 11, 3, 13)[:depth] + (3,)
    return tuple(
        Layer(rng.normal(size=(m, n)), rng.normal(size=n) if use_bias else None)
        for m, n in zip(sizes[:-1], sizes[1:], strict=True)
    )


def batch(loss: str, seed: int = 1) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    targets = np.eye(3)[rng.integers(0, 3, 17)] if loss == "cross_entropy" else rng.random((17, 3))
    return jnp.asarray(rng.normal(size=(17, 5))), jnp.asarray(targets)


def oracle(layers: tuple[Layer, ...], inputs: Array, targets: Array, activation: str, output: str, loss: str) -> Array:
    """The same loss by the library's losses, to be differentiated."""
    h = inputs
    for i, layer in enumerate(layers):
        z = h @ layer.kernel
        z = z if layer.bias is None else z + layer.bias[None, :]
        h = ACTIVATIONS[activation](z) if i < len(layers) - 1 else z
    if loss == "squared_error":
        return losses.half_mean_squared_error(ACTIVATIONS[output](z), targets, reduction="sum") / len(inputs)
    if loss == "binary_cross_entropy":
        return losses.binary_cross_entropy(z, targets, reduction="sum") / len(inputs)
    return losses.cross_entropy(z, targets)


FAST = {"xla_backend_optimization_level": 0}
by_hand = jax.jit(backpropagate, static_argnames=("activation", "output", "loss"), compiler_options=FAST)


@partial(jax.jit, static_argnames=("activation", "output", "loss"), compiler_options=FAST)
def by_hand_and_by_autodiff(
    layers: tuple[Layer, ...], inputs: Array, targets: Array, *, activation: str, output: str, loss: str
) -> tuple[tuple[Array, tuple[Layer, ...]], tuple[Array, tuple[Layer, ...]]]:
    """Loss and gradients, twice, as one program."""
    expected = jax.value_and_grad(oracle)(layers, inputs, targets, activation, output, loss)
    return backpropagate(layers, inputs, targets, activation=activation, output=output, loss=loss), expected


def assert_close(actual: tuple[Layer, ...], expected: tuple[Layer, ...], tolerance: float) -> None:
    pairs = list(zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True))
    assert pairs and jax.tree.structure(actual) == jax.tree.structure(expected)
    for a, b in pairs:
        assert a.dtype == jnp.float64 and np.any(np.abs(b) > 1e-4)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


# Each depth once, each activation twice and with different losses; the others in the slow tests.
QUICK = {(1, "relu"), (2, "tanh"), (3, "sigmoid"), (4, "tanh"), (5, "sigmoid"), (6, "relu")}


@pytest.mark.parametrize(
    ("depth", "activation"),
    [
        pytest.param(depth, activation, marks=[] if (depth, activation) in QUICK else pytest.mark.slow)
        for depth in range(1, 7)
        for activation in ("sigmoid", "tanh", "relu")
    ],
)
def test_every_depth_and_activation_equals_autodiff(depth: int, activation: str) -> None:
    """F031."""
    loss = ("squared_error", "binary_cross_entropy", "cross_entropy")[depth % 3]
    layers, (inputs, targets) = network(depth), batch(loss)
    (value, gradients), expected = by_hand_and_by_autodiff(
        layers, inputs, targets, activation=activation, output="sigmoid", loss=loss
    )
    assert value == pytest.approx(float(expected[0]), abs=1e-12)
    assert_close(gradients, expected[1], 1e-10)


@pytest.mark.parametrize(
    ("use_bias", "output"),
    [
        (True, "sigmoid"),
        (False, "tanh"),
        (True, "identity"),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((False, "sigmoid"), (True, "tanh"))),
        pytest.param(False, "identity", marks=pytest.mark.slow),
    ],
)
def test_output_activations_and_networks_without_biases(output: str, use_bias: bool) -> None:
    layers, (inputs, targets) = network(3, use_bias), batch("squared_error")
    (value, gradients), expected = by_hand_and_by_autodiff(
        layers, inputs, targets, activation="elu", output=output, loss="squared_error"
    )
    assert value == pytest.approx(float(expected[0]), abs=1e-12)
    assert_close(gradients, expected[1], 1e-10)
    assert all((layer.bias is not None) == use_bias for layer in gradients)


def test_gradient_is_the_slope_of_the_loss() -> None:
    """A central difference along random directions."""
    layers, (inputs, targets) = network(2), batch("cross_entropy")

    def value_and_gradients(layers: tuple[Layer, ...]) -> tuple[Array, tuple[Layer, ...]]:
        options = {"activation": "tanh", "output": "sigmoid", "loss": "cross_entropy"}
        return by_hand_and_by_autodiff(layers, inputs, targets, **options)[0]

    _, gradients = value_and_gradients(layers)
    for seed in range(3):
        direction = network(2, seed=10 + seed)
        up, down = (
            value_and_gradients(jax.tree.map(lambda w, d, e=e: w + e * d, layers, direction)) for e in (1e-5, -1e-5)
        )
        slope = sum(np.vdot(g, d) for g, d in zip(jax.tree.leaves(gradients), jax.tree.leaves(direction), strict=True))
        assert abs(slope) > 0.01 and float(up[0] - down[0]) / 2e-5 == pytest.approx(slope, abs=1e-6)


def test_forward_keeps_inputs_and_pre_activations() -> None:
    layers, (inputs, _) = network(3), batch("squared_error")

    @jax.jit
    def forward_and_activate() -> tuple[list[Array], list[Array], list[Array]]:
        layer_inputs, pre_activations = forward(layers, inputs, "tanh")
        return layer_inputs, pre_activations, [jnp.tanh(z) for z in pre_activations]

    layer_inputs, pre_activations, activations = jax.device_get(forward_and_activate())
    assert [h.shape for h in layer_inputs] == [(17, 5), (17, 7), (17, 2)]
    assert [z.shape for z in pre_activations] == [(17, 7), (17, 2), (17, 3)]
    for h, activation in zip(layer_inputs[1:], activations, strict=False):
        assert np.array_equal(h, activation)


def test_cross_entropy_has_no_slope_of_the_output() -> None:
    """S1b: the printed delta (y - y^) f'(z) is that of the squared error: it stops learning from a sure mistake."""
    layers = (Layer(np.array([[8.0]]), np.array([0.0])),)
    inputs, targets = np.array([[1.0]]), np.array([[0.0]])
    _, entropy = by_hand(layers, inputs, targets, loss="binary_cross_entropy")
    _, squared = by_hand(layers, inputs, targets, loss="squared_error")
    residual = 1 / (1 + math.exp(-8.0))
    assert entropy[0].bias[0] == pytest.approx(residual, abs=1e-12)
    assert squared[0].bias[0] == pytest.approx(residual * residual * (1 - residual), abs=1e-12)
    assert entropy[0].bias[0] > 2900 * squared[0].bias[0]


def test_slope_is_taken_at_the_pre_activation() -> None:
    """S15b: the notes print f'(a_k); at the activation it is another number, and not the gradient."""
    layers, (inputs, targets) = network(2), batch("squared_error")

    @jax.jit
    def right_and_wrong() -> tuple[Array, Array]:
        _, gradients = backpropagate(layers, inputs, targets)
        layer_inputs, (_, z_out) = forward(layers, inputs)
        prediction = sigmoid(z_out)
        wrong = layer_inputs[1].T @ ((prediction - targets) * sigmoid_derivative(prediction)) / len(inputs)
        return gradients[1].kernel, wrong

    right, wrong = jax.device_get(right_and_wrong())
    assert np.max(np.abs(wrong - right)) > 0.01


compiled_example = jax.jit(worked_example)


def example(**changed: object) -> WorkedExample:
    inputs = {**WORKED_EXAMPLE_INPUTS, **changed}
    return jax.device_get(compiled_example(**{name: np.asarray(value) for name, value in inputs.items()}))


def test_worked_example_has_the_exact_numbers() -> None:
    """F039, S16b, S16c: in Python's own floats, and to more digits than the notes have."""
    h = 0.4 * 0.1 - 0.2 * 0.3
    a = 1 / (1 + math.exp(-h))
    prediction = 1 / (1 + math.exp(-0.1 * a))
    output_error = (1 - prediction) * prediction * (1 - prediction)
    hidden_error = 0.1 * output_error * a * (1 - a)
    steps = [0.5 * hidden_error * 0.1, 0.5 * hidden_error * 0.3]
    numbers = example()
    for value, expected in zip(
        numbers, (h, a, prediction, output_error, hidden_error, 0.5 * output_error * a), strict=False
    ):
        assert float(value) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(numbers.hidden_steps_D, steps, rtol=1e-14)
    assert f"{prediction:.6f} {output_error:.6f} {hidden_error:.8f}" == "0.512372 0.121832 0.00304550"
    assert f"{numbers.output_step:.7f} {steps[0]:.9f} {steps[1]:.9f}" == "0.0301535 0.000152275 0.000456825"


def test_worked_example_prints_as_in_the_notes() -> None:
    """S16c: the notes round before they reuse, so Dw = .00045682... is printed as .00045."""
    exact = example()._asdict()
    for name, printed in WORKED_EXAMPLE_PRINTED.items():
        texts = (printed,) if isinstance(printed, str) else printed
        for value, text in zip(np.atleast_1d(exact[name]), texts, strict=True):
            decimals = len(text.split(".")[1])
            rounded = f"{value:.{decimals}f}"
            assert rounded == ("0.00046" if text == "0.00045" else text)
    # With the rounded error term .003 the printed step follows.
    assert f"{0.5 * 0.003 * 0.3:.5f}" == "0.00045"


@jax.jit
@partial(jax.value_and_grad, argnums=(0, 1))
def half_square(w: Array, W: Array) -> Array:
    x, y = jnp.asarray(WORKED_EXAMPLE_INPUTS["x_D"]), WORKED_EXAMPLE_INPUTS["y"]
    return 0.5 * (y - sigmoid(W * sigmoid(w @ x))) ** 2


def test_worked_example_steps_are_autodiffs_steps() -> None:
    w, W, eta = (np.asarray(WORKED_EXAMPLE_INPUTS[name]) for name in ("w_D", "W", "learning_rate"))
    slope_w, slope_W = jax.device_get(half_square(w, W)[1])
    np.testing.assert_allclose(example().hidden_steps_D, -eta * slope_w, rtol=0, atol=1e-12)
    np.testing.assert_allclose(example().output_step, -eta * slope_W, rtol=0, atol=1e-12)


def test_adding_the_steps_descends_and_the_printed_sign_climbs() -> None:
    """S1, F032: (y - y^) with W_new = W_old - a (input x delta) is gradient ascent."""
    w, W = np.asarray(WORKED_EXAMPLE_INPUTS["w_D"]), np.asarray(WORKED_EXAMPLE_INPUTS["W"])
    steps = example()
    for sign, printed in ((0, "0.11889"), (1, "0.11708"), (-1, "0.12072")):
        value, _ = half_square(w + sign * steps.hidden_steps_D, W + sign * steps.output_step)
        assert f"{value:.5f}" == printed


def test_errors_shrink_by_the_slopes_times_the_weights() -> None:
    """S16: "at least 93.75 %" holds for weights up to 1 in size; a weight of 30 makes the hidden error the larger."""
    small, large = example(), example(W=30.0)
    residual = 1.0 - small.prediction
    assert small.output_error <= 0.25 * residual and small.hidden_error <= 0.0625 * residual
    assert large.hidden_error > 7 * large.output_error > 0


descend = jax.jit(two_layer_descent, static_argnames="num_epochs")


def records() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(13, 3))
    weights = rng.normal(size=(3, 5)), rng.normal(size=5)
    targets = rng.random(13)
    return *weights, inputs, targets


def test_algorithm_of_the_notes_is_gradient_descent_on_the_mean_squared_error() -> None:
    """F041: record by record it takes the steps of `backpropagate`, over three epochs."""
    w, W, inputs, targets = records()
    found = descend(w, W, inputs, targets, learning_rate=0.7, num_epochs=3)
    for _ in range(3):
        layers = (Layer(w, None), Layer(W[:, None], None))
        _, gradients = jax.device_get(by_hand(layers, inputs, targets[:, None]))
        w, W = w - 0.7 * gradients[0].kernel, W - 0.7 * gradients[1].kernel[:, 0]
    np.testing.assert_allclose(found[0], w, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[1], W, rtol=0, atol=1e-12)


def test_hidden_step_takes_the_input_not_the_activation() -> None:
    """S15: the notes print Dw_ij += delta_j a_i; with as many inputs as hidden units that runs, and is no gradient."""
    rng = np.random.default_rng(6)
    w, W = rng.normal(size=(3, 3)), rng.normal(size=3)
    x, y = rng.normal(size=3), np.asarray(0.9)

    @jax.jit
    def three_ways(w: Array) -> tuple[Array, Array, Array]:
        stepped, _ = two_layer_descent(w, jnp.asarray(W), x[None, :], y[None], learning_rate=1.0, num_epochs=1)
        slope = jax.grad(lambda w: 0.5 * (y - sigmoid(sigmoid(x @ w) @ W)) ** 2)(w)
        a = sigmoid(x @ w)
        z = a @ W
        printed = jnp.outer(a, (y - sigmoid(z)) * sigmoid_derivative(z) * W * sigmoid_derivative(x @ w))
        return stepped - w, slope, printed

    step, slope, printed = jax.device_get(three_ways(w))
    np.testing.assert_allclose(step, -slope, rtol=0, atol=1e-12)
    assert np.max(np.abs(printed + slope)) > 0.01


def test_biases_matter() -> None:
    """S13: the printed algorithm has none; a target that is constant at the input 0 cannot be learned without."""
    zero, target = np.zeros((1, 2)), np.array([[0.9]])
    without = (Layer(np.ones((2, 1)), None),)
    _, gradients = by_hand(without, zero, target)
    assert not np.any(gradients[0].kernel)
    _, gradients = by_hand((Layer(np.ones((2, 1)), np.zeros(1)),), zero, target)
    assert gradients[0].bias[0] == pytest.approx(-0.1, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"activation": "softplus"}, "activation 'softplus' is unknown"), ({"loss": "hinge"}, "loss='hinge' is unknown")],
)
def test_unknown_names_are_refused(options: dict[str, str], message: str) -> None:
    inputs, targets = batch("squared_error")
    with pytest.raises(ValueError, match=message):
        by_hand(network(2), inputs, targets, **options)
