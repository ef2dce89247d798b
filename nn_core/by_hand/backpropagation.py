"""Backpropagation by hand, on plain pytrees: the course's derivation as code (F031-F041).

A network is a sequence of `Layer(kernel, bias)`, input side first. Kernels are (fan_in, fan_out), so the notes'
W^T delta is `delta @ kernel.T` and their "input x delta" is an outer product (S1c).

Sign (S1): `backpropagate` returns gradients, built from (y^ - y), to be *subtracted*. `two_layer_descent` and
`worked_example` keep the notes' steps, built from (y - y^), to be *added*. Their update rule, as printed, mixes the two
and climbs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from nn_core.activations import (
    log_softmax,
    make_activation,
    make_activation_derivative,
    sigmoid,
    sigmoid_derivative,
    softmax,
)


class Layer(NamedTuple):
    """Parameters of one dense layer: kernel (fan_in, fan_out), bias (fan_out,) or None."""

    kernel: Array
    bias: Array | None


LOSSES = ("squared_error", "binary_cross_entropy", "cross_entropy")


def forward(layers: Sequence[Layer], inputs_BD: Array, activation: str = "sigmoid") -> tuple[list[Array], list[Array]]:
    """The feed-forward pass y = W2 . f . W1 (F030), keeping what the backward pass needs.

    Args:
      layers: L layers, input side first.
      inputs_BD: (B, D) inputs.
      activation: a name in ACTIVATIONS, after every layer but the last.

    Returns:
      (layer inputs, pre-activations): L arrays (B, fan_in) and L arrays (B, fan_out); the last is the output's z.

    Raises:
      ValueError: an unknown activation.
    """
    function = make_activation(activation, {})
    layer_inputs, pre_activations = [inputs_BD], []
    for layer in layers:
        z = layer_inputs[-1] @ layer.kernel
        pre_activations.append(z if layer.bias is None else z + layer.bias[None, :])
        layer_inputs.append(function(pre_activations[-1]))
    return layer_inputs[:-1], pre_activations


def backpropagate(
    layers: Sequence[Layer],
    inputs_BD: Array,
    targets_BK: Array,
    *,
    activation: str = "sigmoid",
    output: str = "sigmoid",
    loss: str = "squared_error",
) -> tuple[Array, tuple[Layer, ...]]:
    """Loss and gradients of a network of any depth, by the chain rule alone (F031); equal to `jax.value_and_grad`.

        output   squared error:  delta_L = (y^ - y) * f'(z_L) / B
                 cross-entropy:  delta_L = (y^ - y) / B            (no f': S1b)
        hidden   delta_l = (delta_{l+1} W_{l+1}^T) * f'(z_l)
        weights  dE/dW_l = h_{l-1}^T delta_l,   dE/db_l = sum_B delta_l

    Args:
      layers: L >= 1 layers, input side first.
      inputs_BD: (B, D) inputs.
      targets_BK: (B, K) targets: values for the squared error, probabilities (one-hot or in {0, 1}) otherwise.
      activation: name of the hidden activation, in ACTIVATIONS.
      output: name of the output activation for the squared error; the cross-entropies bring their own.
      loss: "squared_error", E = 1/(2B) sum (y - y^)^2; "binary_cross_entropy", sigmoid outputs, or "cross_entropy",
        softmax outputs: both summed over outputs and averaged over the batch.

    Returns:
      (E, gradients): a scalar and a tuple of `Layer` like `layers`.

    Raises:
      ValueError: an unknown activation or loss.
    """
    derivative = make_activation_derivative(activation, {})
    layer_inputs, pre_activations = forward(layers, inputs_BD, activation)
    value, delta = _output_error(pre_activations[-1], targets_BK, output, loss)
    gradients: list[Layer] = []
    for index in reversed(range(len(layers))):
        bias = None if layers[index].bias is None else jnp.sum(delta, axis=0)
        gradients.append(Layer(layer_inputs[index].T @ delta, bias))
        if index > 0:
            # f' is taken at the pre-activation z; the notes print it once at the activation a (S15b).
            delta = (delta @ layers[index].kernel.T) * derivative(pre_activations[index - 1])
    return value, tuple(reversed(gradients))


def _output_error(z_BK: Array, targets_BK: Array, output: str, loss: str) -> tuple[Array, Array]:
    """The mean loss of a batch and its derivative by the output's pre-activation."""
    if loss == "squared_error":
        residual_BK = make_activation(output, {})(z_BK) - targets_BK
        delta_BK = residual_BK * make_activation_derivative(output, {})(z_BK)
        value = 0.5 * jnp.sum(residual_BK**2)
    elif loss == "binary_cross_entropy":
        delta_BK = sigmoid(z_BK) - targets_BK
        value = jnp.sum(jnp.logaddexp(0.0, z_BK) - targets_BK * z_BK)
    elif loss == "cross_entropy":
        delta_BK = softmax(z_BK) * jnp.sum(targets_BK, axis=-1, keepdims=True) - targets_BK
        value = -jnp.sum(targets_BK * log_softmax(z_BK))
    else:
        raise ValueError(f"loss={loss!r} is unknown; use one of {', '.join(LOSSES)}")
    return value / len(z_BK), delta_BK / len(z_BK)


def two_layer_descent(
    hidden_DH: Array,
    output_H: Array,
    inputs_ND: Array,
    targets_N: Array,
    *,
    learning_rate: Array | float,
    num_epochs: int,
) -> tuple[Array, Array]:
    """The general algorithm as the notes list it: steps summed over records, weights moved once an epoch (F041).

        delta_o = (y - y^) f'(z),  delta_h = delta_o W f'(h);   DW += delta_o a,  Dw += delta_h x
        W += eta DW / m,  w += eta Dw / m

    One hidden layer, one output unit, sigmoids, no biases (S13). The hidden step takes the input x, where the notes print
    the activation a (S15).

    Args:
      hidden_DH: (D, H) input-to-hidden weights w.
      output_H: (H,) hidden-to-output weights W.
      inputs_ND: (N, D) records.
      targets_N: (N,) targets.
      learning_rate: eta > 0.
      num_epochs: e (static).

    Returns:
      The new (hidden_DH, output_H).
    """

    def epoch(weights: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        w_DH, W_H = weights

        def record(steps: tuple[Array, Array], example: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
            x_D, y = example
            h_H = x_D @ w_DH
            a_H = sigmoid(h_H)
            z = a_H @ W_H
            delta_o = (y - sigmoid(z)) * sigmoid_derivative(z)
            delta_h_H = delta_o * W_H * sigmoid_derivative(h_H)
            return (steps[0] + jnp.outer(x_D, delta_h_H), steps[1] + delta_o * a_H), None

        zero = (jnp.zeros_like(w_DH), jnp.zeros_like(W_H))
        (step_DH, step_H), _ = lax.scan(record, zero, (inputs_ND, targets_N))
        scale = learning_rate / len(inputs_ND)
        return (w_DH + scale * step_DH, W_H + scale * step_H), None

    return lax.scan(epoch, (hidden_DH, output_H), None, length=num_epochs)[0]


class WorkedExample(NamedTuple):
    """Every quantity of the notes' example (F039), in the order in which they compute it.

    Attributes:
      hidden_input: h = w . x.
      hidden_output: a = f(h).
      prediction: y^ = f(W a).
      output_error: delta_o = (y - y^) f'(W a).
      hidden_error: delta_h = W delta_o f'(h).
      output_step: DW = eta delta_o a, to be added to W.
      hidden_steps_D: Dw = eta delta_h x, to be added to w.
    """

    hidden_input: Array
    hidden_output: Array
    prediction: Array
    output_error: Array
    hidden_error: Array
    output_step: Array
    hidden_steps_D: Array


def worked_example(
    x_D: Array, w_D: Array, W: Array | float, y: Array | float, learning_rate: Array | float
) -> WorkedExample:
    """One backward pass through two inputs, one hidden and one output unit, all sigmoid, no biases (F039).

    The notes' numbers are `WORKED_EXAMPLE_INPUTS`: 0.1 x 0.4 - 0.2 x 0.3 reads x = (0.1, 0.3), w = (0.4, -0.2), as
    the last printed numbers confirm (S16b). The notes round before they reuse; this does not (S16c): see
    `WORKED_EXAMPLE_PRINTED`.

    Args:
      x_D: (D,) inputs.
      w_D: (D,) input-to-hidden weights.
      W: hidden-to-output weight.
      y: target.
      learning_rate: eta.

    Returns:
      A `WorkedExample`.
    """
    h = w_D @ x_D
    a = sigmoid(h)
    z = W * a
    prediction = sigmoid(z)
    output_error = (y - prediction) * sigmoid_derivative(z)
    hidden_error = W * output_error * sigmoid_derivative(h)
    return WorkedExample(
        h,
        a,
        prediction,
        output_error,
        hidden_error,
        learning_rate * output_error * a,
        learning_rate * hidden_error * x_D,
    )


# Arguments of `worked_example` in the notes.
WORKED_EXAMPLE_INPUTS = {"x_D": (0.1, 0.3), "w_D": (0.4, -0.2), "W": 0.1, "y": 1.0, "learning_rate": 0.5}
# What the notes print for each quantity.
WORKED_EXAMPLE_PRINTED = {
    "hidden_input": "-0.02",
    "hidden_output": "0.495",
    "prediction": "0.512",
    "output_error": "0.122",
    "hidden_error": "0.003",
    "output_step": "0.0302",
    "hidden_steps_D": ("0.00015", "0.00045"),
}
