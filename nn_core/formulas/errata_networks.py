"""Errata of backpropagation, squared errors and of judging models (S1, S14-S17 of the course's list of slips)."""

import jax
import numpy as np
import scipy.special

from nn_core.by_hand.backpropagation import WORKED_EXAMPLE_INPUTS, worked_example
from nn_core.formulas.errata_classifiers import fitted
from nn_core.formulas.erratum import Erratum, Figures
from nn_core.formulas.ledger import normal
from nn_core.losses import binary_cross_entropy, half_mean_squared_error, mean_squared_error, sum_squared_error

_sigmoid = scipy.special.expit


def _slope(z: np.ndarray | float) -> np.ndarray:
    return _sigmoid(z) * _sigmoid(-np.asarray(z))


def _example_loss(w_D: np.ndarray, output_weight: float) -> float:
    """The worked example's loss (y - y^)^2 / 2 at other weights."""
    x_D, y = np.array(WORKED_EXAMPLE_INPUTS["x_D"]), np.float64(1.0)
    return 0.5 * (y - _sigmoid(output_weight * _sigmoid(w_D @ x_D))) ** 2


def _example() -> tuple[np.ndarray, float, np.ndarray, np.ndarray, float]:
    """Weights w and W, the inputs, and the library's steps for both."""
    x_D, w_D, output_weight, y, eta = (np.asarray(value, np.float64) for value in WORKED_EXAMPLE_INPUTS.values())
    steps = jax.jit(worked_example)(x_D, w_D, output_weight, y, eta)
    return w_D, float(output_weight), x_D, np.asarray(steps.hidden_steps_D), float(steps.output_step)


def sign_of_the_update() -> Figures:
    """S1: one step of the worked example with +alpha and, as the notes print it, with -alpha."""
    w_D, output_weight, _, step_D, step = _example()
    return {
        "before": _example_loss(w_D, output_weight),
        "right": _example_loss(w_D + step_D, output_weight + step),
        "printed": _example_loss(w_D - step_D, output_weight - step),
    }


def slope_with_cross_entropy() -> Figures:
    """S1b: the output's error term for the cross-entropy at z = -4, label 1."""
    z, y = np.float64(-4.0), np.float64(1.0)
    return {
        "printed": (y - _sigmoid(z)) * _slope(z),
        "right": y - _sigmoid(z),
        "autodiff": -jax.jit(jax.grad(binary_cross_entropy))(z, y),
    }


def same_result_averaged() -> Figures:
    """S14: slopes of the three squared errors by one prediction, 64 records."""
    residual_N = normal(211, 64)
    forms = {"mean": mean_squared_error, "sum": sum_squared_error, "half_mean": half_mean_squared_error}
    slopes = jax.jit(lambda y_N: {name: jax.grad(form)(y_N, np.zeros(64)) for name, form in forms.items()})(residual_N)
    return {name: np.linalg.norm(slope_N) for name, slope_N in slopes.items()}


def step_of_the_input_weights() -> Figures:
    """S15: delta_h a, as the notes print it, and delta_h x in the worked example."""
    _, _, x_D, step_D, _ = _example()
    hidden_output = _sigmoid(-0.02)
    delta_times_rate = step_D[0] / x_D[0]
    return {
        "printed": delta_times_rate * hidden_output,
        "right_1": step_D[0],
        "right_2": step_D[1],
    }


def slope_at_the_activation() -> Figures:
    """S15b: f'(a) and f'(z) for an output unit at z = 4."""
    return {"printed": _slope(_sigmoid(4.0)), "right": _slope(4.0)}


def large_weights() -> Figures:
    """S16: the largest factor |d y^ / d h| of two sigmoid layers for |W| = 1 and 20, over a grid of h."""
    h = np.linspace(-10, 10, 4001)
    one, twenty = (np.max(_slope(w * _sigmoid(h)) * w * _slope(h)) for w in (1.0, 20.0))
    return {"one": 100 * (1 - one), "twenty": 100 * (1 - twenty)}


def early_stopping_on_the_test_set() -> Figures:
    """S17: 200 equally good models (error .30), the best of them chosen on 100 test points and judged on new ones."""
    errors = np.random.default_rng(212).binomial(100, 0.30, (400, 200)) / 100
    fresh = np.random.default_rng(213).binomial(100, 0.30, 400) / 100
    return {"reported": errors.min(axis=1).mean(), "fresh": fresh.mean()}


def underfitting_or_bias() -> Figures:
    """S17b: a data set of dogs only, and a line through XOR: training and test errors of logistic regression."""
    dogs_ND, cats_ND = normal(214, 100, 2), normal(215, 100, 2) + 1.0
    only_dogs = fitted(dogs_ND, np.ones(100), np.ones(100), ridge=1e-3)
    corners_ND, xor_N = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0.0, 1.0, 1.0, 0.0])
    line = fitted(corners_ND, xor_N, np.ones(4))
    return {
        "dogs_train": _error(only_dogs, dogs_ND, np.ones(100)),
        "dogs_test": _error(only_dogs, np.concatenate([dogs_ND, cats_ND]), np.repeat([1.0, 0.0], 100)),
        "xor_train": _error(line, corners_ND, xor_N),
    }


def _error(theta_D: np.ndarray, x_ND: np.ndarray, y_N: np.ndarray) -> float:
    return float(np.mean((x_ND @ theta_D[:-1] + theta_D[-1] >= 0) != y_N))


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "S1",
        "M,C",
        "δ = (y − ŷ)σ′(z) together with W_new = W_old − α(input × δ)",
        "(y − ŷ) is added, or (ŷ − y) subtracted; the printed pair climbs",
        sign_of_the_update,
        "the worked example's loss {before:.5f} becomes {printed:.5f} instead of {right:.5f}",
        lambda f: f["right"] < f["before"] < f["printed"],
    ),
    Erratum(
        "S1b",
        "C",
        "δ contains σ′(z), right after the cross-entropy",
        "σ′ belongs to the squared error; with the cross-entropy δ = ŷ − y",
        slope_with_cross_entropy,
        "a confident mistake (z = −4, label 1) is corrected by {printed:.4f} instead of {right:.4f}",
        lambda f: abs(f["right"] - f["autodiff"]) < 1e-12 and f["printed"] < f["right"] / 50,
    ),
    Erratum(
        "S14",
        "C",
        "MSE is 1/n, SSE has ½, MSE has 1/2m; the result is the same",
        "three named losses: the factor is in every gradient, so the learning rate means something else",
        same_result_averaged,
        "64 records: the same residuals give slopes of length {mean:.3f} (1/n), {sum:.3f} (½ sum) and "
        "{half_mean:.3f} (1/2m)",
        lambda f: abs(f["mean"] / f["half_mean"] - 2) < 1e-12 and abs(f["sum"] / f["half_mean"] - 64) < 1e-9,
    ),
    Erratum(
        "S15",
        "M",
        "Δwᵢⱼ = Δwᵢⱼ + δʰⱼaᵢ",
        "δʰⱼxᵢ: the inputs of the layer, as in the rule for the hidden layer's weights",
        step_of_the_input_weights,
        "worked example: both steps {printed:.6f} instead of {right_1:.6f} and {right_2:.6f}",
        lambda f: f["printed"] > 1.5 * f["right_2"] > 1.5 * f["right_1"],
    ),
    Erratum(
        "S15b",
        "C",
        "δₖ = (yₖ − ŷₖ)f′(aₖ)",
        "f′(zₖ), at the pre-activation",
        slope_at_the_activation,
        "a saturated unit (z = 4) learns with slope {printed:.4f} instead of {right:.4f}",
        lambda f: f["printed"] > 10 * f["right"],
    ),
    Erratum(
        "S16",
        "M",
        "errors in the hidden layer are scaled down by at least 93.75 %",
        "by a factor of at most .0625·|W|: true for |W| ≤ 1",
        large_weights,
        "at least {one:.1f} % are lost for W = 1, but only {twenty:.1f} % for W = 20",
        lambda f: f["one"] >= 93.75 > f["twenty"],
    ),
    Erratum(
        "S17",
        "C,M",
        "stop when the testing error starts to increase",
        "a validation set decides; the test set is touched once",
        early_stopping_on_the_test_set,
        "the best of 200 equal models on the test set shows an error of {reported:.2f}; on new data it is {fresh:.2f}",
        lambda f: f["reported"] < 0.2 and abs(f["fresh"] - 0.3) < 0.01,
    ),
    Erratum(
        "S17b",
        "M",
        "underfitting: a training set with dogs only",
        "that is biased sampling; underfitting shows in the training error",
        underfitting_or_bias,
        "dogs only: training error {dogs_train:.2f}, test {dogs_test:.2f}; a line through XOR: training error "
        "{xor_train:.2f}",
        lambda f: f["dogs_train"] == 0.0 and f["dogs_test"] == 0.5 and f["xor_train"] >= 0.25,
    ),
)
