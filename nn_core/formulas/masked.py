"""Ledger rows of masked and distilled losses (F098, F147)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.special

from nn_core.activations import log_softmax, softmax
from nn_core.formulas.ledger import Formula, Oracle, labels, normal
from nn_core.losses import cross_entropy
from nn_core.transfer.distillation import distillation_loss, soft_and_hard

STUDENT_NC, TEACHER_NC = normal(181, 3, 5), normal(182, 3, 5)
TEMPERATURE, ALPHA, CLASSES_N = np.float64(3.0), np.float64(0.7), labels(188, 3, 5)
LOGITS_TV, TARGETS_T = normal(186, 6, 4), labels(187, 6, 4)
MASK_T = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])


def _kl_scipy(student_NC: Any, teacher_NC: Any, temperature: Any) -> Any:
    p, q = (scipy.special.softmax(z / temperature, axis=1) for z in (teacher_NC, student_NC))
    return temperature**2 * scipy.special.rel_entr(p, q).sum(1).mean()


def _soft_and_hard_slope(z_NC: Any, t_NC: Any, y_N: Any, tau: Any, alpha: Any) -> Any:
    soft_NC = tau * (softmax(z_NC / tau) - softmax(t_NC / tau))
    hard_NC = softmax(z_NC) - jax.nn.one_hot(y_N, z_NC.shape[1], dtype=z_NC.dtype)
    return (alpha * soft_NC + (1 - alpha) * hard_NC) / len(z_NC)


def _soft_and_hard_scipy(z_NC: Any, t_NC: Any, y_N: Any, tau: Any, alpha: Any) -> Any:
    hard = -scipy.special.log_softmax(z_NC, axis=1)[np.arange(len(y_N)), y_N].mean()
    return alpha * _kl_scipy(z_NC, t_NC, tau) + (1 - alpha) * hard


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F098",
        "Masked language modelling",
        "−Σₜ mₜ ln pₜ,yₜ / Σₜ mₜ",
        "∂/∂zₜ = mₜ(softmax(zₜ) − onehot(yₜ))/Σm, 0 elsewhere",
        lambda z, y, m: cross_entropy(z, y, weights=m),
        (LOGITS_TV, TARGETS_T, MASK_T),
        lambda z, y, m: m[:, None] * (softmax(z) - jax.nn.one_hot(y, 4, dtype=z.dtype)) / jnp.sum(m),
        oracles=(
            Oracle(
                "the masked subset",
                lambda z, y, m: -scipy.special.log_softmax(z, axis=1)[np.arange(6), y][m > 0].mean(),
            ),
        ),
    ),
    Formula(
        "F147a",
        "Knowledge distillation",
        "T²·KL(softmax(t/T) ‖ softmax(z/T))",
        "∂/∂z = T(softmax(z/T) − softmax(t/T))/N",
        distillation_loss,
        (STUDENT_NC, TEACHER_NC, TEMPERATURE),
        lambda z, t, temperature: temperature * (softmax(z / temperature) - softmax(t / temperature)) / len(z),
        oracles=(
            Oracle("scipy rel_entr", _kl_scipy),
            Oracle(
                "optax",
                lambda z, t, tau: tau**2 * jnp.mean(optax.kl_divergence(log_softmax(z / tau), softmax(t / tau))),
                traced=True,
            ),
        ),
    ),
    Formula(
        "F147b",
        "Soft targets and labels together",
        "αT²·KL(softmax(t/T) ‖ softmax(z/T)) − (1 − α) ln softmax(z)_y",
        "∂/∂z = [αT(softmax(z/T) − softmax(t/T)) + (1 − α)(softmax(z) − onehot(y))]/N",
        soft_and_hard,
        (STUDENT_NC, TEACHER_NC, CLASSES_N, TEMPERATURE, ALPHA),
        _soft_and_hard_slope,
        oracles=(Oracle("SciPy", _soft_and_hard_scipy),),
    ),
)
