"""Ledger rows of regularization (F047-F051)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.optimize

from nn_core.formulas.ledger import FLOAT32_TOLERANCE, Formula, Oracle, about, normal, uniform
from nn_core.optimizers import make_optimizer
from nn_core.regularizers import dropout, penalty, soft_threshold
from nn_core.schedules import make_schedule

# A bias that no penalty may touch, and kernel entries that are not zero, where |w| has no derivative.
WEIGHTS = {"bias": np.array([5.0, -7.0]), "kernel": normal(81, 3, 2)}
STRENGTH, RATIO = np.float64(0.3), np.float64(0.4)
POINTS = np.array([-2.0, -0.31, -0.1, 0.0, 0.2, 0.9, 3.0])
TARGETS_K = {"bias": normal(82, 2), "kernel": normal(83, 3, 2)}
ETA, LAMBDA = 0.1, 0.05
DROPPED = 0.2
ROW = uniform(84, 0.5, 1.5, 40)


def _penalty(*names: str) -> Any:
    """The library's penalty of a tree of weights, with its strengths as further arguments."""
    return lambda weights, *strengths: penalty(weights, dict(zip(names, strengths, strict=True)))


def _kernel_only(weights: Any, gradient: Any) -> Any:
    return {"bias": jnp.zeros_like(weights["bias"]), "kernel": gradient}


def _sklearn_objective(weights: Any, strength: Any, ratio: Any) -> Any:
    """alpha [r |w| + (1 - r)/2 w^2] with alpha = strength (2 - r), r = l1_ratio / (2 - l1_ratio)."""
    alpha, r = strength * (2 - ratio), ratio / (2 - ratio)
    w = weights["kernel"]
    return alpha * (r * np.abs(w).sum() + (1 - r) / 2 * (w**2).sum())


def _proximal_search(points: Any, threshold: Any) -> Any:
    """argmin_u (u - x)^2 / 2 + threshold |u|, by search on both sides of 0."""

    def search(x: float) -> float:
        def objective(u: float) -> float:
            return (u - x) ** 2 / 2 + threshold * abs(u)

        sides = ((-5.0, 0.0), (0.0, 5.0))
        found = [scipy.optimize.minimize_scalar(objective, bounds=side, options={"xatol": 1e-12}).x for side in sides]
        return min([0.0, *found], key=objective)

    return np.array([search(x) for x in points])


def _toy_loss(weights: Any, targets: Any) -> Any:
    """A loss without any penalty: half the squared distance from the targets."""
    return 0.5 * sum(jnp.sum((w - t) ** 2) for w, t in zip(weights.values(), targets.values(), strict=True))


def _library_steps(name: str, hparams: dict[str, float], penalties: dict[str, float], count: int) -> Any:
    """Some steps of a library optimizer on the toy loss plus penalties."""

    def run(weights: Any, targets: Any) -> Any:
        optimizer = make_optimizer(name, hparams, make_schedule("constant", total_steps=count))
        state = optimizer.init(weights)
        for _ in range(count):
            slope = jax.grad(lambda w: _toy_loss(w, targets) + penalty(w, penalties))(weights)
            updates, state = optimizer.update(slope, state, weights)
            weights = optax.apply_updates(weights, updates)
        return weights

    return run


def decay_step(weights: Any, targets: Any) -> Any:
    """w <- w (1 - 2 lambda eta) - eta dL/dw for kernels, w <- w - eta dL/dw for biases (F048)."""
    slope = jax.grad(_toy_loss)(weights, targets)
    return {
        "bias": weights["bias"] - ETA * slope["bias"],
        "kernel": weights["kernel"] * (1 - 2 * LAMBDA * ETA) - ETA * slope["kernel"],
    }


def _adamw_by_hand(weights: Any, targets: Any) -> Any:
    """Three steps of AdamW in NumPy: m, v, bias corrections, and the decay apart from the gradient."""
    result = {}
    for name, start in weights.items():
        w, m, v = np.array(start), 0.0, 0.0
        for t in (1, 2, 3):
            g = w - targets[name]
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            w = w - ETA * (step + (LAMBDA * w if name == "kernel" else 0.0))
        result[name] = w
    return result


def _adamw_optax(weights: Any, targets: Any) -> Any:
    optimizer = optax.adamw(ETA, weight_decay=LAMBDA, mask={"bias": False, "kernel": True})
    state = optimizer.init(weights)
    for _ in range(3):
        updates, state = optimizer.update(jax.grad(_toy_loss)(weights, targets), state, weights)
        weights = optax.apply_updates(weights, updates)
    return weights


def _dropped(x: Any) -> Any:
    return dropout(jax.random.key(5), x, DROPPED)


def _mask_over_keep(x: Any) -> Any:
    """mask / (1 - rate): what every input is multiplied by. The mask is read off the library's own draw."""
    return jnp.diag(jnp.where(_dropped(jnp.ones_like(x)) > 0, 1.0 / (1.0 - DROPPED), 0.0))


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F047a",
        "L1 regularization",
        "λ(|w₁| + … + |wₙ|)",
        "∂/∂w = λ sign(w); biases are not penalised",
        _penalty("l1"),
        (WEIGHTS, STRENGTH),
        lambda w, lam: _kernel_only(w, lam * jnp.sign(w["kernel"])),
        oracles=(Oracle("NumPy norm", lambda w, lam: lam * np.linalg.norm(w["kernel"].ravel(), 1)),),
        slips=("S18b",),
    ),
    Formula(
        "F047b",
        "Proximal step of L1: exact zeros",
        "argmin_u ½(u − x)² + λ|u| = sign(x) max(|x| − λ, 0)",
        "∂/∂x = 1 if |x| > λ, else 0",
        lambda x, lam: soft_threshold(x, lam),
        (POINTS, STRENGTH),
        lambda x, lam: (jnp.abs(x) > lam).astype(x.dtype),
        "elementwise",
        (Oracle("scipy minimize_scalar", _proximal_search, 1e-6),),
        ("S18",),
    ),
    Formula(
        "F048a",
        "L2 regularization",
        "λ(w₁² + … + wₙ²)",
        "∂/∂w = 2λw; biases are not penalised",
        _penalty("l2"),
        (WEIGHTS, STRENGTH),
        lambda w, lam: _kernel_only(w, 2.0 * lam * w["kernel"]),
        oracles=(Oracle("NumPy norm²", lambda w, lam: lam * np.linalg.norm(w["kernel"]) ** 2),),
        slips=("S18b",),
    ),
    Formula(
        "F048b",
        "L2 as weight decay, plain gradient descent",
        "w ← w(1 − 2λη) − η∂L/∂w",
        "w − η∂(L + λΣw²)/∂w",
        decay_step,
        (WEIGHTS, TARGETS_K),
        oracles=(
            Oracle(
                "penalty, library sgd",
                _library_steps("sgd", {"learning_rate": ETA}, {"l2": LAMBDA}, 1),
                FLOAT32_TOLERANCE,
                traced=True,
            ),
            Oracle(
                "weight_decay = 2λ",
                _library_steps("sgd", {"learning_rate": ETA, "weight_decay": 2 * LAMBDA}, {}, 1),
                FLOAT32_TOLERANCE,
                traced=True,
            ),
        ),
        slips=("S19",),
    ),
    Formula(
        "F049",
        "AdamW, three steps",
        "w ← w − η(m̂/(√v̂ + ε) + λw)",
        "the library's adamw",
        _library_steps("adamw", {"learning_rate": ETA, "weight_decay": LAMBDA}, {}, 3),
        (WEIGHTS, TARGETS_K),
        oracles=(
            Oracle("NumPy", _adamw_by_hand, FLOAT32_TOLERANCE),
            Oracle("optax.adamw", _adamw_optax, FLOAT32_TOLERANCE, traced=True),
        ),
        slips=("S19",),
    ),
    Formula(
        "F050",
        "Elastic net",
        "λ[α Σ|wᵢ| + (1 − α) Σwᵢ²]",
        "∂/∂w = λ[α sign(w) + 2(1 − α)w]",
        _penalty("elastic_net", "l1_ratio"),
        (WEIGHTS, STRENGTH, RATIO),
        lambda w, lam, r: _kernel_only(w, lam * (r * jnp.sign(w["kernel"]) + 2.0 * (1.0 - r) * w["kernel"])),
        oracles=(
            Oracle("sklearn's objective", _sklearn_objective),
            Oracle(
                "α·L1 + (1 − α)·L2",
                lambda w, lam, r: r * _penalty("l1")(w, lam) + (1 - r) * _penalty("l2")(w, lam),
                traced=True,
            ),
        ),
        slips=("S20",),
    ),
    Formula(
        "F051a",
        "Dropout in training",
        "y = x·mask/(1 − rate), rate = probability of dropping",
        "∂yᵢ/∂xⱼ = δᵢⱼ maskᵢ/(1 − rate)",
        _dropped,
        (ROW,),
        _mask_over_keep,
        "jacobian",
        (Oracle("Jacobian · x", lambda x: _mask_over_keep(x) @ x, FLOAT32_TOLERANCE, traced=True),),
        ("S21", "S21d"),
    ),
    Formula(
        "F051b",
        "Dropout preserves the mean; 20 % are dropped",
        "E[mask]/(1 − rate) = 1, P(dropped) = 0.2",
        "mean over 40,000 draws, four standard errors",
        lambda x: (
            jnp.mean(dropout(jax.random.key(6), x, DROPPED)),
            jnp.mean(dropout(jax.random.key(6), x, DROPPED) == 0),
        ),
        (np.ones((200, 200)),),
        oracles=(
            about(1.0, 4 * 0.5 / 200, entry=0),
            about(0.2, 4 * 0.4 / 200, entry=1),
        ),
        slips=("S21", "S21c"),
    ),
)
