"""Errata of the perceptron, probabilities and logistic regression (S3-S11 of the course's list of slips)."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from nn_core.activations import log_softmax, sigmoid, softmax, tanh
from nn_core.by_hand.gradient_descent import log_loss, logistic_regression
from nn_core.formulas.erratum import Erratum, Figures
from nn_core.formulas.ledger import normal
from nn_core.losses import binary_cross_entropy, cross_entropy
from nn_core.models.linear import binary_confidence, signed_distance
from nn_core.models.perceptron import margin, train_perceptron, widest_boundary

SCORES_C = np.array([1.0, 2.0, 3.0])
NOTES_P = np.array([0.6, 0.2, 0.1, 0.7])


def not_the_best_boundary() -> Figures:
    """S3: the perceptron's margin for two orders of the same points against the largest; XOR never settles."""
    x_ND = normal(201, 60, 2)
    x_ND = x_ND[np.abs(x_ND @ np.array([1.0, -0.5])) > 0.5]
    y_N = (x_ND @ np.array([1.0, -0.5]) > 0).astype(np.int32)
    train = jax.jit(partial(train_perceptron, learning_rate=1.0, max_epochs=200))
    width = jax.jit(margin)
    corners_ND, xor_N = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0], np.int32)
    return {
        "forward": width(train(x_ND, y_N).boundary_D, x_ND, y_N),
        "backward": width(train(x_ND[::-1], y_N[::-1]).boundary_D, x_ND, y_N),
        "best": width(jax.jit(partial(widest_boundary, num_steps=2000))(x_ND, y_N), x_ND, y_N),
        "xor_mistakes": np.asarray(train(corners_ND, xor_N).mistakes_E)[-1],
    }


def distance_and_probability() -> Figures:
    """S4: three units from the line on the negative side."""
    weights_D, point_D = jnp.array([0.6, 0.8]), jnp.array([-1.8, -2.4])
    z = signed_distance(weights_D, 0.0, point_D)
    return {"distance": z, "prediction": sigmoid(z), "confidence": binary_confidence(z)}


def scale_invariance() -> Figures:
    """S6: softmax after a shift and after a scaling of its scores."""
    plain, shifted, scaled = np.asarray(jax.jit(softmax)(np.array([SCORES_C, SCORES_C + 5.0, 2.0 * SCORES_C])))
    return {"shift": np.abs(shifted - plain).max(), "before": plain[2], "scaled": scaled[2]}


def unstable_log_softmax() -> Figures:
    """S7: the printed form against the one that subtracts the maximum, in float32."""
    z = np.array([1000, 1001, 1002], np.float32)
    with np.errstate(over="ignore"):
        printed = z[2] - np.log(np.sum(np.exp(z)))
    return {"printed": printed, "right": np.asarray(jax.jit(log_softmax)(z))[2]}


def unstable_tanh() -> Figures:
    """S7b: the quotient of exponentials at x = 100 in float32."""
    x = np.float32(100)
    with np.errstate(over="ignore", invalid="ignore"):
        printed = (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))
    return {"printed": printed, "right": tanh(jnp.float32(100))}


def always_positive() -> Figures:
    """S8: the cross-entropy of perfect predictions, for hard and for soft labels."""
    soft_C = np.array([0.7, 0.2, 0.1])
    labels_2C = np.stack([[1.0, 0.0, 0.0], soft_C])
    perfect_2C = np.stack([[1000.0, 0.0, 0.0], np.log(soft_C)])
    hard, soft = jax.jit(partial(cross_entropy, reduction="none"))(perfect_2C, labels_2C)
    return {"hard": hard, "soft": soft, "entropy": scipy.stats.entropy(soft_C)}


def logarithm_of_zero() -> Figures:
    """S8b: the printed sum at p = 0 for a point of label 0, and the loss from logits at z = -800."""
    p, y = np.float64(0.0), np.float64(0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        printed = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    right, wrong_label = jax.jit(partial(binary_cross_entropy, reduction="none"))(np.full(2, -800.0), np.arange(2.0))
    return {"printed": printed, "right": right, "wrong_label": wrong_label}


def sum_or_mean() -> Figures:
    """S8c: the same 64 predictions, summed and averaged."""
    z_N, y_N = normal(202, 64), (normal(203, 64) > 0).astype(np.float64)
    total, mean = (jax.jit(partial(binary_cross_entropy, reduction=name))(z_N, y_N) for name in ("sum", "mean"))
    return {"sum": total, "mean": mean}


def base_of_the_logarithm() -> Figures:
    """S8d: the worked number (F016) in both bases."""
    return {"ln": -np.log(NOTES_P).sum(), "log10": -np.log10(NOTES_P).sum()}


def fitted(x_ND: np.ndarray, y_N: np.ndarray, weights_N: np.ndarray, ridge: float = 1e-6) -> np.ndarray:
    """Weighted logistic regression with a bias by 30 Newton steps, (D + 1,); a tiny ridge keeps it finite."""
    points_ND = np.column_stack([x_ND, np.ones(len(x_ND))])
    theta_D = np.zeros(points_ND.shape[1])
    for _ in range(30):
        p_N = 1 / (1 + np.exp(-np.clip(points_ND @ theta_D, -30, 30)))
        curvature = (points_ND * (weights_N * p_N * (1 - p_N))[:, None]).T @ points_ND + ridge * np.eye(len(theta_D))
        theta_D = theta_D - np.linalg.solve(curvature, points_ND.T @ (weights_N * (p_N - y_N)) + ridge * theta_D)
    return theta_D


def _answers(theta_D: np.ndarray, x_ND: np.ndarray) -> np.ndarray:
    return x_ND @ theta_D[:-1] + theta_D[-1] >= 0


def class_imbalance() -> Figures:
    """S9: recall of the minority in data 9 : 1, with the plain loss and with class weights."""
    y_N = np.repeat([0.0, 1.0], [1800, 200])
    x_ND = normal(204, 2000, 1) + 1.5 * y_N[:, None]
    plain, weighted = fitted(x_ND, y_N, np.ones(2000)), fitted(x_ND, y_N, np.where(y_N == 1, 9.0, 1.0))
    minority = x_ND[y_N == 1]
    return {"plain": _answers(plain, minority).mean(), "weighted": _answers(weighted, minority).mean()}


def bias_in_the_inner_loop() -> Figures:
    """S11: one pass over 40 points of 5 features, the bias moved once a point or, as printed, five times."""
    x_ND = normal(205, 40, 5)
    y_N = (x_ND[:, 0] + 1.0 + normal(206, 40) > 0).astype(float)
    weights_D, bias = np.zeros(5), 0.0
    for x_D, y in zip(x_ND, y_N, strict=True):
        step = 0.5 * (1 / (1 + np.exp(-(weights_D @ x_D + bias))) - y)
        for i in range(5):
            weights_D[i] -= step * x_D[i]
            bias -= step
    train = jax.jit(partial(logistic_regression, learning_rate=0.5, max_epochs=1))
    right = train(np.zeros(5), np.float64(0.0), x_ND, y_N)
    return {"printed": jax.jit(log_loss)(weights_D, bias, x_ND, y_N), "right": np.asarray(right.losses_E)[0]}


def less_prone_to_overfitting() -> Figures:
    """S11c: logistic regression on 40 points of pure noise with 50 features."""
    x_ND, y_N = normal(207, 40, 50), (normal(208, 40) > 0).astype(float)
    new_x_ND, new_y_N = normal(209, 2000, 50), normal(210, 2000) > 0
    theta_D = fitted(x_ND, y_N, np.ones(40))
    return {"train": (_answers(theta_D, x_ND) == y_N).mean(), "test": (_answers(theta_D, new_x_ND) == new_y_N).mean()}


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "S3",
        "M",
        "the perceptron finds the best, optimal boundary",
        "a separating boundary that depends on order and start; without one it never settles",
        not_the_best_boundary,
        "margin {forward:.3f} or {backward:.3f} by the order of the points, {best:.3f} is possible; XOR still makes "
        "{xor_mistakes:.0f} mistakes in pass 200",
        lambda f: (
            max(f["forward"], f["backward"]) < f["best"] and f["forward"] != f["backward"] and f["xor_mistakes"] > 0
        ),
    ),
    Erratum(
        "S4",
        "M",
        "the prediction is the probability of being classified correctly and grows with the distance",
        "it is P(y=1) and grows with the signed distance; the confidence is max(p, 1 − p)",
        distance_and_probability,
        "at distance {distance:.0f}: prediction {prediction:.3f}, confidence {confidence:.3f}",
        lambda f: f["prediction"] < 0.05 and abs(f["confidence"] - (1 - f["prediction"])) < 1e-12,
    ),
    Erratum(
        "S6",
        "M,C",
        "scale invariant: σ(z + c) = σ(z)",
        "shift invariant; scaling is a temperature and changes it",
        scale_invariance,
        "softmax of (1, 2, 3): a shift moves it by {shift:.0e}, doubling the scores moves its largest entry from "
        "{before:.4f} to {scaled:.4f}",
        lambda f: f["shift"] < 1e-15 and abs(f["scaled"] - f["before"]) > 0.1,
    ),
    Erratum(
        "S7",
        "M",
        "log softmax(z)ᵢ = zᵢ − ln Σ exp zⱼ, to prevent overflow",
        "zᵢ − m − ln Σ exp(zⱼ − m), m = max z",
        unstable_log_softmax,
        "at z = (1000, 1001, 1002) in float32: {printed} instead of {right:.4f}",
        lambda f: f["printed"] == -np.inf and abs(f["right"] + 0.4076) < 1e-4,
    ),
    Erratum(
        "S7b",
        "M",
        "tanh x = (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ)",
        "true on paper; computed so it overflows for |x| > 88 in float32: use tanh itself",
        unstable_tanh,
        "at x = 100 in float32: {printed} instead of {right:.0f}",
        lambda f: np.isnan(f["printed"]) and f["right"] == 1.0,
    ),
    Erratum(
        "S8",
        "C,M",
        "always positive; zero for perfect predictions",
        "non-negative; zero for hard labels only, else the labels' entropy",
        always_positive,
        "perfect predictions: {hard:.0f} for a hard label, {soft:.4f} for the label (.7, .2, .1)",
        lambda f: f["hard"] == 0.0 and f["soft"] > 0.5 and abs(f["soft"] - f["entropy"]) < 1e-12,
    ),
    Erratum(
        "S8b",
        "M",
        "y ln p + (1 − y) ln(1 − p), where p may be 0",
        "0 ln 0 := 0, and from logits: never clipped, never NaN",
        logarithm_of_zero,
        "a perfect p = 0 gives {printed} instead of 0; from logits {right:.0f}, or {wrong_label:.0f} for label 1",
        lambda f: np.isnan(f["printed"]) and f["right"] == 0.0 and f["wrong_label"] == 800.0,
    ),
    Erratum(
        "S8c",
        "C",
        "a mean in some places, a sum in others, under one name",
        "the reduction is an argument; the learning rate belongs to it",
        sum_or_mean,
        "the same 64 predictions: {sum:.2f} or {mean:.4f}, and every gradient 64 times as long",
        lambda f: abs(f["sum"] / f["mean"] - 64) < 1e-9,
    ),
    Erratum(
        "S8d",
        "C",
        "log and ln are used as one",
        "natural logarithm everywhere",
        base_of_the_logarithm,
        "the cross-entropy of the notes' example is {ln:.4f} in nats, {log10:.3f} in base 10; the notes print 4.8",
        lambda f: round(f["ln"], 1) == 4.8 and round(f["log10"], 3) == 2.076,
    ),
    Erratum(
        "S9",
        "M",
        "cross-entropy handles class imbalance naturally",
        "it does not: class weights, resampling or another threshold",
        class_imbalance,
        "data 9 : 1: the minority's recall is {plain:.2f}, with class weights {weighted:.2f}",
        lambda f: f["plain"] < 0.5 < f["weighted"],
    ),
    Erratum(
        "S11",
        "M",
        "the bias is updated inside the loop over the n weights",
        "once per point",
        bias_in_the_inner_loop,
        "loss after one pass {printed:.3f} instead of {right:.3f}",
        lambda f: f["printed"] > f["right"] + 0.05,
    ),
    Erratum(
        "S11c",
        "M",
        "logistic regression is less prone to overfitting",
        "only relatively: with as many features as points it learns noise by heart",
        less_prone_to_overfitting,
        "40 points of pure noise, 50 features: accuracy {train:.2f} on them, {test:.2f} on new ones",
        lambda f: f["train"] == 1.0 and abs(f["test"] - 0.5) < 0.05,
    ),
)
