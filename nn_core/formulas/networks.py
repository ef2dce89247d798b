"""Ledger rows of networks and backpropagation (F027-F032, F038, F041)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from nn_core.activations import sigmoid, sigmoid_derivative
from nn_core.by_hand.backpropagation import Layer, backpropagate, forward, two_layer_descent
from nn_core.formulas.ledger import Formula, Oracle, labels, normal
from nn_core.losses import half_mean_squared_error
from nn_core.models.mlp import MLP, count_parameters, parameter_formula

SIZES = (3, 5, 4, 2)
INPUTS_BD = normal(41, 7, 3)
TARGETS_BK = (normal(42, 7, 2) > 0).astype(np.float64)
ONE_HOT_BK = np.eye(2)[labels(47, 7)]
LAYERS = tuple(
    Layer._make((normal(43 + i, fan_in, fan_out), normal(53 + i, fan_out)))
    for i, (fan_in, fan_out) in enumerate(zip(SIZES[:-1], SIZES[1:], strict=True))
)
KERNEL_1, KERNEL_2 = normal(61, 3, 4), normal(62, 4, 2)
# A network of two layers without biases, as the notes draw it: D inputs, H hidden units, one output.
HIDDEN_DH, OUTPUT_H = normal(63, 3, 4), normal(64, 4)
TARGETS_B = TARGETS_BK[:, 0]
ETA = 0.5


def feed_forward(x_D: Any, kernel_1: Any, kernel_2: Any) -> Any:
    """y^ = sigma . W2 . sigma . W1 (x), no biases (F030), through the library's forward pass."""
    _, pre_activations = forward((Layer(kernel_1, None), Layer(kernel_2, None)), x_D[None])
    return sigmoid(pre_activations[-1][0])


def _feed_forward_jacobian(x_D: Any, kernel_1: Any, kernel_2: Any) -> Any:
    h = x_D @ kernel_1
    z = sigmoid(h) @ kernel_2
    return sigmoid_derivative(z)[:, None] * (kernel_2.T @ (sigmoid_derivative(h)[:, None] * kernel_1.T))


def network_error(layers: Any, x_BD: Any, y_BK: Any, hidden: str, loss: str) -> Any:
    """The mean error of a network, as JAX differentiates it: only the forward pass is the library's by hand."""
    z_BK = forward(layers, x_BD, hidden)[1][-1]
    if loss == "cross_entropy":
        return -jnp.mean(jnp.sum(y_BK * jax.nn.log_softmax(z_BK), axis=1))
    if loss == "binary_cross_entropy":
        return jnp.mean(jnp.sum(jax.nn.softplus(z_BK) - y_BK * z_BK, axis=1))
    return 0.5 * jnp.mean(jnp.sum((y_BK - sigmoid(z_BK)) ** 2, axis=1))


def _backpropagation_row(id: str, title: str, hand: str, hidden: str, loss: str, y: Any, slips: Any) -> Formula:
    """A row that checks every gradient of a three-layer network."""
    return Formula(
        id,
        title,
        "E(W₁, b₁, …, W_L, b_L), L = 3",
        hand,
        lambda layers, x_BD, y_BK: network_error(layers, x_BD, y_BK, hidden, loss),
        (LAYERS, INPUTS_BD, y),
        lambda layers, x_BD, y_BK: backpropagate(layers, x_BD, y_BK, activation=hidden, loss=loss)[1],
        oracles=(
            Oracle(
                "its own loss", lambda w, x, t: backpropagate(w, x, t, activation=hidden, loss=loss)[0], traced=True
            ),
        ),
        slips=slips,
    )


def two_layer_error(weights: Any, x_BD: Any, y_B: Any) -> Any:
    """E = 1/(2m) sum (y - f(W . f(w x)))^2, weights = (w (D, H), W (H,))."""
    hidden_DH, output_H = weights
    return half_mean_squared_error(sigmoid(sigmoid(x_BD @ hidden_DH) @ output_H), y_B)


def hidden_error_term(h_H: Any, output_HK: Any, y_K: Any) -> Any:
    """delta_j = sum_k W_jk delta_k f'(h_j), with delta_k = (y_k - y^_k) f'(z_k) (F038)."""
    z_K = sigmoid(h_H) @ output_HK
    delta_K = (y_K - sigmoid(z_K)) * sigmoid_derivative(z_K)
    return jnp.sum(output_HK * delta_K[None, :], axis=1) * sigmoid_derivative(h_H)


def _error_after_hidden(h_H: Any, output_HK: Any, y_K: Any) -> Any:
    return 0.5 * jnp.sum((y_K - sigmoid(sigmoid(h_H) @ output_HK)) ** 2)


def _weight_step(kernel: Any, v_in: Any, y_K: Any) -> Any:
    """eta delta_output V_in (F038) for one layer of sigmoids."""
    z_K = v_in @ kernel
    return ETA * v_in[:, None] * ((y_K - sigmoid(z_K)) * sigmoid_derivative(z_K))[None, :]


def _steps_by_records(weights: Any, x_BD: Any, y_B: Any) -> Any:
    """The general algorithm (F041) in plain NumPy loops, one epoch from `weights`."""
    w, w_out = (np.asarray(part) for part in weights)
    step_in, step_out = np.zeros_like(w), np.zeros_like(w_out)
    for x, y in zip(x_BD, y_B, strict=True):
        a = scipy.special.expit(x @ w)
        y_hat = scipy.special.expit(a @ w_out)
        delta_out = (y - y_hat) * y_hat * (1 - y_hat)
        for j in range(len(w_out)):
            delta_hidden = delta_out * w_out[j] * a[j] * (1 - a[j])
            step_out[j] += delta_out * a[j]
            for i in range(len(x)):
                step_in[i, j] += delta_hidden * x[i]
    return w + ETA * step_in / len(y_B), w_out + ETA * step_out / len(y_B)


def _sklearn_forward(x_D: Any, kernel_1: Any, kernel_2: Any) -> Any:
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier((4,), activation="logistic", max_iter=1)
    model.out_activation_, model.n_layers_, model.n_outputs_ = "logistic", 3, 2
    model.coefs_, model.intercepts_ = [kernel_1, kernel_2], [np.zeros(4), np.zeros(2)]
    return model._forward_pass_fast(x_D[None], check_input=False)[0]


def _counted(inputs: Any) -> Any:
    """Parameters of the library's own network of sizes 3-5-4-2."""
    params = jax.eval_shape(MLP((5, 4), 2).init, jax.random.key(0), inputs)
    return jnp.asarray(count_parameters(params))


_SQUARED = "δ_L = (ŷ − y)σ′(z), δₗ = (δₗ₊₁Wₗ₊₁ᵀ)⊙f′(zₗ), ∂E/∂Wₗ = hₗ₋₁ᵀδₗ"
_CROSS = "δ_L = ŷ − y (no σ′), δₗ = (δₗ₊₁Wₗ₊₁ᵀ)⊙f′(zₗ), ∂E/∂Wₗ = hₗ₋₁ᵀδₗ"

FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F027",
        "Combining two linear models",
        "σ(w₁p₁ + w₂p₂ + b)",
        "∂/∂pᵢ = ŷ(1 − ŷ)wᵢ",
        lambda p, w, b: sigmoid(p @ w + b),
        (np.array([0.7, 0.8]), np.array([7.0, 5.0]), np.float64(-6.0)),
        lambda p, w, b: sigmoid_derivative(p @ w + b) * w,
        oracles=(Oracle("scipy expit(2.9)", lambda *_: scipy.special.expit(2.9)),),
        slips=("S13",),
    ),
    Formula(
        "F028",
        "Parameters of an architecture",
        "Σₗ (nₗ + 1)nₗ₊₁ for n = 3, 5, 4, 2",
        "4·5 + 6·4 + 5·2 = 54",
        lambda x: jnp.asarray(parameter_formula(SIZES)),
        (INPUTS_BD,),
        oracles=(Oracle("leaves of the MLP", _counted, 0.0, traced=True), Oracle("54", lambda _: 54.0, 0.0)),
    ),
    Formula(
        "F030",
        "Feed-forward network",
        "ŷ = σ∘W⁽²⁾∘σ∘W⁽¹⁾(x)",
        "∂ŷ/∂x = diag σ′(z) W⁽²⁾ diag σ′(h) W⁽¹⁾",
        feed_forward,
        (INPUTS_BD[0], KERNEL_1, KERNEL_2),
        _feed_forward_jacobian,
        "jacobian",
        (
            Oracle("NumPy", lambda x, w1, w2: scipy.special.expit(scipy.special.expit(x @ w1) @ w2)),
            Oracle("sklearn MLP", _sklearn_forward),
        ),
        ("S13",),
    ),
    Formula(
        "F031a",
        "Error gradient = local × upstream gradient",
        "σ(g(x)), g(x) = x²",
        "∂/∂x = 2x (local) · σ′(x²) (upstream)",
        lambda x: sigmoid(x**2),
        (np.linspace(-2.0, 2.0, 9),),
        lambda x: 2 * x * sigmoid_derivative(x**2),
        "elementwise",
    ),
    _backpropagation_row(
        "F031b",
        "Backpropagation, squared error, sigmoids",
        _SQUARED,
        "sigmoid",
        "squared_error",
        TARGETS_BK,
        ("S1", "S1c"),
    ),
    _backpropagation_row(
        "F031c",
        "Backpropagation, squared error, tanh",
        _SQUARED,
        "tanh",
        "squared_error",
        TARGETS_BK,
        ("S1",),
    ),
    _backpropagation_row(
        "F031d",
        "Backpropagation, binary cross-entropy",
        _CROSS,
        "sigmoid",
        "binary_cross_entropy",
        TARGETS_BK,
        ("S1b",),
    ),
    _backpropagation_row(
        "F031e",
        "Backpropagation, softmax cross-entropy, ReLU",
        _CROSS,
        "relu",
        "cross_entropy",
        ONE_HOT_BK,
        ("S1b",),
    ),
    Formula(
        "F032",
        "Backpropagation update, the sign that goes down",
        "W_new = W − α·(input ⊗ δ), δ = (ŷ − y)σ′(z)",
        "W − α ∂E/∂W",
        lambda w, x, y: w - ETA * jnp.outer(x, (sigmoid(x @ w) - y) * sigmoid_derivative(x @ w)),
        (KERNEL_1, INPUTS_BD[0], ONE_HOT_BK[0].repeat(2)),
        oracles=(
            Oracle(
                "W − α·jax.grad",
                lambda w, x, y: w - ETA * jax.grad(lambda v: 0.5 * jnp.sum((y - sigmoid(x @ v)) ** 2))(w),
                traced=True,
            ),
        ),
        slips=("S1",),
    ),
    Formula(
        "F038a",
        "Error term of a hidden unit",
        "δʰⱼ = Σₖ Wⱼₖδᵒₖf′(hⱼ)",
        "δʰⱼ = −∂E/∂hⱼ",
        lambda h, w, y: -_error_after_hidden(h, w, y),
        (INPUTS_BD[0] @ KERNEL_1, KERNEL_2, TARGETS_BK[0]),
        hidden_error_term,
        slips=("S15b",),
    ),
    Formula(
        "F038b",
        "Weight step of any layer",
        "Δw_pq = ηδ_output V_in",
        "Δw = −η ∂E/∂w",
        lambda w, v, y: -ETA * 0.5 * jnp.sum((y - sigmoid(v @ w)) ** 2),
        (KERNEL_1, INPUTS_BD[0], ONE_HOT_BK[0].repeat(2)),
        _weight_step,
    ),
    Formula(
        "F041",
        "Backpropagation algorithm, one epoch",
        "ΔWⱼ += δᵒaⱼ, Δwᵢⱼ += δʰⱼxᵢ; w ← w + ηΔw/m",
        "w − η∂E/∂w of E = 1/(2m)Σ(y − ŷ)²",
        lambda w, x, y: two_layer_descent(w[0], w[1], x, y, learning_rate=ETA, num_epochs=1),
        ((HIDDEN_DH, OUTPUT_H), INPUTS_BD, TARGETS_B),
        oracles=(
            Oracle(
                "w − η·jax.grad",
                lambda w, x, y: jax.tree.map(lambda v, g: v - ETA * g, w, jax.grad(two_layer_error)(w, x, y)),
                traced=True,
            ),
            Oracle("NumPy loops", _steps_by_records),
        ),
        slips=("S15", "S15b"),
    ),
)
