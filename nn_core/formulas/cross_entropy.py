"""Ledger rows of log-loss and cross-entropy (F005, F006, F013, F016-F019)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.special
import scipy.stats

from nn_core.activations import sigmoid, softmax
from nn_core.formulas.ledger import Formula, Oracle, labels, normal, printed, rounded, uniform
from nn_core.losses import binary_cross_entropy, categorical_log_loss, cross_entropy, entropy, log_loss

PROBABILITIES_N = uniform(21, 0.05, 0.95, 11)
LABELS_N = labels(22, 11).astype(np.float64)
LOGITS_N = 2.0 * normal(23, 11)
LOGITS_NC = 2.0 * normal(24, 5, 3)
CLASSES_N = labels(25, 5, 3)
ONE_HOT_NC = np.eye(3)[CLASSES_N]
CLASS_WEIGHTS_C = np.array([0.5, 3.0, 1.5])
SMOOTHING = 0.1
# The probabilities of the notes' example (F016), and how sure a wrong model is in theirs (F006).
NOTES_P = np.array([0.6, 0.2, 0.1, 0.7])
WRONG_CONFIDENCE = np.array([0.99, 0.9, 0.51])
SOFT_C = np.array([0.7, 0.2, 0.1])


def _sklearn_log_loss(p: Any, y: Any) -> Any:
    from sklearn.metrics import log_loss as sklearn_log_loss

    return sklearn_log_loss(y, p)


def _sum_from_probabilities(p: Any, y: Any) -> Any:
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum()


def _weighted_gradient(z_NC: Any, classes_N: Any) -> Any:
    """w_y (p - one-hot) / sum of w_y: every example counts by the weight of its class."""
    weights_N = jnp.asarray(CLASS_WEIGHTS_C)[classes_N]
    return weights_N[:, None] * (softmax(z_NC) - jax.nn.one_hot(classes_N, 3)) / jnp.sum(weights_N)


def _weighted_numpy(z_NC: Any, classes_N: Any) -> Any:
    losses_N = -scipy.special.log_softmax(z_NC, axis=1)[np.arange(len(classes_N)), classes_N]
    return np.average(losses_N, weights=CLASS_WEIGHTS_C[classes_N])


def _smoothed_optax(z_NC: Any, classes_N: Any) -> Any:
    targets_NC = optax.smooth_labels(jax.nn.one_hot(classes_N, 3), SMOOTHING)
    return jnp.mean(optax.softmax_cross_entropy(z_NC, targets_NC))


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F005",
        "Log-loss",
        "−(1/N) Σᵢ[yᵢ ln pᵢ + (1 − yᵢ) ln(1 − pᵢ)]",
        "∂/∂pᵢ = −(1/N)(yᵢ/pᵢ − (1 − yᵢ)/(1 − pᵢ))",
        log_loss,
        (PROBABILITIES_N, LABELS_N),
        lambda p, y: -(y / p - (1 - y) / (1 - p)) / p.size,
        oracles=(Oracle("sklearn log_loss", _sklearn_log_loss),),
        slips=("S8b", "S8c"),
    ),
    Formula(
        "F006",
        "Penalty of a confident mistake",
        "−ln(1 − c) for a wrong answer of confidence c",
        "∂/∂c = 1/(1 − c)",
        lambda c: log_loss(c, jnp.zeros_like(c), reduction="none"),
        (WRONG_CONFIDENCE,),
        lambda c: 1.0 / (1.0 - c),
        "elementwise",
        (rounded("4.605", "2.303", "0.713"),),
    ),
    Formula(
        "F013a",
        "Multi-class loss of probabilities",
        "−Σᵢ yᵢ ln pᵢ",
        "∂/∂pᵢ = −yᵢ/pᵢ",
        lambda p, y: categorical_log_loss(p, y),
        (SOFT_C, np.array([0.0, 1.0, 0.0])),
        lambda p, y: -y / p,
        oracles=(Oracle("−ln p of the class", lambda p, y: -np.log(p[1])),),
    ),
    Formula(
        "F013b",
        "Multi-class loss of logits",
        "−Σᵢ yᵢ ln softmax(z)ᵢ",
        "∂/∂z = softmax(z) − y",
        lambda z, y: cross_entropy(z, y),
        (LOGITS_NC[0], ONE_HOT_NC[0]),
        lambda z, y: softmax(z) - y,
        oracles=(
            Oracle("optax", optax.softmax_cross_entropy, traced=True),
            Oracle("scipy log_softmax", lambda z, y: -y @ scipy.special.log_softmax(z)),
        ),
    ),
    Formula(
        "F016a",
        "Cross-entropy, the worked number",
        "−ln 0.6 − ln 0.2 − ln 0.1 − ln 0.7",
        "∂/∂pᵢ = −1/pᵢ",
        lambda p: log_loss(p, jnp.ones_like(p), reduction="sum"),
        (NOTES_P,),
        lambda p: -1.0 / p,
        oracles=(
            printed("4.8"),
            rounded("4.7795"),
            Oracle("−ln 0.0084", lambda _: -np.log(0.0084)),
        ),
        slips=("S8d",),
    ),
    Formula(
        "F016b",
        "Logarithm of a product",
        "ln(ab) = ln a + ln b",
        "∂/∂(a, b) = (1/a, 1/b)",
        lambda ab: jnp.log(ab[0] * ab[1]),
        (np.array([0.6, 0.2]),),
        lambda ab: 1.0 / ab,
        oracles=(Oracle("ln a + ln b", lambda ab: np.log(ab).sum()),),
    ),
    Formula(
        "F017a",
        "Binary cross-entropy of probabilities, summed",
        "−Σᵢ[yᵢ ln pᵢ + (1 − yᵢ) ln(1 − pᵢ)]",
        "∂/∂pᵢ = −(yᵢ − pᵢ)/(pᵢ(1 − pᵢ))",
        lambda p, y: log_loss(p, y, reduction="sum"),
        (PROBABILITIES_N, LABELS_N),
        lambda p, y: -(y - p) / (p * (1 - p)),
        oracles=(
            Oracle("NumPy", _sum_from_probabilities),
            Oracle("N × sklearn's mean", lambda p, y: len(y) * _sklearn_log_loss(p, y)),
        ),
        slips=("S8c",),
    ),
    Formula(
        "F017b",
        "Binary cross-entropy of logits, averaged",
        "−(1/m) Σᵢ[yᵢ ln σ(zᵢ) + (1 − yᵢ) ln(1 − σ(zᵢ))]",
        "∂/∂zᵢ = (σ(zᵢ) − yᵢ)/m",
        binary_cross_entropy,
        (LOGITS_N, LABELS_N),
        lambda z, y: (sigmoid(z) - y) / z.size,
        oracles=(
            Oracle("optax", lambda z, y: jnp.mean(optax.sigmoid_binary_cross_entropy(z, y)), traced=True),
            Oracle("sklearn log_loss", lambda z, y: _sklearn_log_loss(scipy.special.expit(z), y)),
        ),
    ),
    Formula(
        "F018a",
        "Multi-class cross-entropy, summed",
        "−Σᵢ Σⱼ yᵢⱼ ln pᵢⱼ, p = softmax(z)",
        "∂/∂zᵢⱼ = pᵢⱼ − yᵢⱼ",
        lambda z, y: cross_entropy(z, y, reduction="sum"),
        (LOGITS_NC, ONE_HOT_NC),
        lambda z, y: softmax(z) - y,
        oracles=(Oracle("optax", lambda z, y: jnp.sum(optax.softmax_cross_entropy(z, y)), traced=True),),
        slips=("S8c",),
    ),
    Formula(
        "F018b",
        "Multi-class cross-entropy, averaged",
        "−(1/m) Σᵢ ln pᵢ,cᵢ",
        "∂/∂zᵢⱼ = (pᵢⱼ − [j = cᵢ])/m",
        cross_entropy,
        (LOGITS_NC, CLASSES_N),
        lambda z, c: (softmax(z) - jax.nn.one_hot(c, 3)) / len(c),
        oracles=(
            Oracle("optax", lambda z, c: jnp.mean(optax.softmax_cross_entropy_with_integer_labels(z, c)), traced=True),
            Oracle("sklearn log_loss", lambda z, c: _sklearn_log_loss(scipy.special.softmax(z, axis=1), c)),
        ),
    ),
    Formula(
        "F018c",
        "Class weights, for imbalanced classes",
        "−Σᵢ w_cᵢ ln pᵢ,cᵢ / Σᵢ w_cᵢ",
        "∂/∂zᵢⱼ = w_cᵢ(pᵢⱼ − [j = cᵢ]) / Σᵢ w_cᵢ",
        lambda z, c: cross_entropy(z, c, class_weights=jnp.asarray(CLASS_WEIGHTS_C)),
        (LOGITS_NC, CLASSES_N),
        _weighted_gradient,
        oracles=(Oracle("np.average", _weighted_numpy),),
        slips=("S9",),
    ),
    Formula(
        "F018d",
        "Label smoothing: distributions as labels",
        "y′ = (1 − ε)y + ε/C",
        "∂/∂z = (softmax(z) − y′)/m",
        lambda z, c: cross_entropy(z, c, label_smoothing=SMOOTHING),
        (LOGITS_NC, CLASSES_N),
        lambda z, c: (softmax(z) - (1 - SMOOTHING) * jax.nn.one_hot(c, 3) - SMOOTHING / 3) / len(c),
        oracles=(Oracle("optax smooth_labels", _smoothed_optax, traced=True),),
    ),
    Formula(
        "F019a",
        "Limits of the cross-entropy",
        "−ln p: 0 at p = 1, 0.693 at p = 0.5, → ∞ for p → 0",
        "∂/∂p = −1/p",
        lambda p: log_loss(p, jnp.ones_like(p), reduction="none"),
        (np.array([1.0, 0.5, 0.01]),),
        lambda p: -1.0 / p,
        "elementwise",
        (Oracle("0", lambda _: 0.0, 0.0, entry=0), rounded("0.693", entry=1)),
    ),
    Formula(
        "F019b",
        "Entropy, what a cross-entropy cannot go below",
        "H(y) = −Σᵢ yᵢ ln yᵢ",
        "∂H/∂yᵢ = −ln yᵢ − 1",
        entropy,
        (SOFT_C,),
        lambda y: -jnp.log(y) - 1.0,
        oracles=(Oracle("scipy.stats.entropy", scipy.stats.entropy),),
        slips=("S8",),
    ),
    Formula(
        "F019c",
        "Cross-entropy of soft labels is least where p = y",
        "H(y, softmax(z)) at z = ln y",
        "∂H/∂z = softmax(z) − y = 0; the minimum is H(y)",
        lambda z, y: cross_entropy(z, y),
        (np.log(SOFT_C), SOFT_C),
        lambda z, y: jnp.zeros_like(z),
        oracles=(Oracle("scipy.stats.entropy", lambda z, y: scipy.stats.entropy(y)),),
        slips=("S8",),
    ),
)
