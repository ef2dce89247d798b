"""Ledger rows of training practice: minima, restarts, momentum, decay (F061-F064)."""

from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.signal

from nn_core.by_hand.restarts import best_of, expected_best, perturbed_starts
from nn_core.by_hand.surfaces import quadratic, saddle, two_minima
from nn_core.formulas.ledger import FLOAT32_TOLERANCE, Formula, Oracle, about, normal, rounded
from nn_core.optimizers import make_optimizer
from nn_core.schedules import make_schedule

TILT = np.float64(0.3)
# Where 4x(x^2 - 1) + tilt = 0: the deep minimum, the ridge between the valleys, the shallow minimum.
CRITICAL_X = np.sort(np.roots([4.0, 0.0, -4.0, 0.3]).real)
CURVATURES_D = np.array([1.0, 10.0])
START_D = np.array([1.0, -0.5])
ETA, MU = 0.02, 0.9
STEPS_N = normal(91, 8)
# Validation losses of restarts, one of them diverged.
LOSSES_N = np.array([0.7, np.nan, 0.3, 0.9, 0.31])
RUNS_N = np.array([0.9, 0.4, 0.6, 0.5, 1.1, 0.45])


def two_minima_gradient(x_2: Any, tilt: Any) -> Any:
    """(4x(x^2 - 1) + tilt, 2y)."""
    return jnp.stack([4.0 * x_2[0] * (x_2[0] ** 2 - 1.0) + tilt, 2.0 * x_2[1]])


def critical_eigenvalues(x_N: Any) -> Any:
    """Eigenvalues of the Hessian at the critical points of `two_minima`, then at the saddle of x^2 - y^2."""
    hessians = jax.vmap(lambda x: jax.hessian(two_minima)(jnp.stack([x, 0.0])))(x_N)
    return jnp.concatenate(
        [jnp.linalg.eigvalsh(hessians), jnp.linalg.eigvalsh(jax.hessian(saddle)(jnp.zeros(2)))[None]]
    )


def _descend(optimizer: optax.GradientTransformation, start_D: Any) -> Any:
    """Five updates on the bowl: the point after each."""
    state, point_D, path = optimizer.init(start_D), start_D, []
    for _ in range(5):
        updates_D, state = optimizer.update(CURVATURES_D * point_D, state, point_D)
        point_D = point_D + updates_D
        path.append(point_D)
    return jnp.stack(path)


def _library(name: str) -> Any:
    hparams = {"learning_rate": ETA, "momentum": MU}
    return lambda start_D: _descend(make_optimizer(name, hparams, make_schedule("constant", total_steps=5)), start_D)


def _momentum_by_hand(start_D: Any) -> Any:
    """v_t = mu v_(t-1) - eta grad, w_t = w_(t-1) + v_t (F063)."""
    w, v, path = start_D, np.zeros(2), []
    for _ in range(5):
        v = MU * v - ETA * CURVATURES_D * w
        w = w + v
        path.append(w)
    return np.stack(path)


def _nesterov_by_hand(start_D: Any) -> Any:
    """v_t = mu v_(t-1) - eta grad, w_t = w_(t-1) + mu v_t - eta grad."""
    w, v, path = start_D, np.zeros(2), []
    for _ in range(5):
        slope = CURVATURES_D * w
        v = MU * v - ETA * slope
        w = w + MU * v - ETA * slope
        path.append(w)
    return np.stack(path)


def velocity(steps_N: Any, beta: Any) -> Any:
    """step(n) + beta step(n-1) + beta^2 step(n-2) + ..., the newest step last in `steps_N` (F063)."""
    return jnp.sum(beta ** jnp.arange(steps_N.size)[::-1] * steps_N)


def _expected_best(values_N: Any) -> Any:
    return [np.mean([min(group) for group in combinations(values_N, k + 1)]) for k in range(len(values_N))]


def _perturbation(start_D: Any) -> Any:
    """Mean and standard deviation of 20,000 starts around one point."""
    starts = perturbed_starts(start_D, 0.5, jax.random.key(7), 20_000)
    return jnp.mean(starts - start_D[None], axis=0), jnp.std(starts, axis=0)


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F061a",
        "Gradient of a surface with two minima",
        "L(x, y) = (x² − 1)² + y² + τx; ∇L = 0 at a minimum",
        "∇L = (4x(x² − 1) + τ, 2y)",
        two_minima,
        (np.array([CRITICAL_X[0], 0.0]), TILT),
        two_minima_gradient,
        oracles=(Oracle("0 at the root", lambda *_: np.zeros(2), of_hand=True),),
        slips=("S24",),
    ),
    Formula(
        "F061b",
        "Hessian of that surface",
        "∇L = (4x(x² − 1) + τ, 2y)",
        "∇²L = diag(12x² − 4, 2)",
        two_minima_gradient,
        (np.array([0.7, -0.4]), TILT),
        lambda x, tilt: jnp.diag(jnp.stack([12.0 * x[0] ** 2 - 4.0, jnp.asarray(2.0)])),
        "jacobian",
        (Oracle("jax.hessian", jax.hessian(two_minima), traced=True, of_hand=True),),
    ),
    Formula(
        "F061c",
        "Second-order test of critical points",
        "minimum if all eigenvalues of ∇²L > 0; saddle if signs differ",
        "signs of eig ∇²L at two minima, the ridge and a saddle",
        lambda x: jnp.sign(critical_eigenvalues(x)),
        (CRITICAL_X,),
        oracles=(Oracle("++, −+, ++, −+", lambda _: [[1, 1], [-1, 1], [1, 1], [-1, 1]], 0.0),),
        slips=("S24",),
    ),
    Formula(
        "F062a",
        "Random restart: perturbed starts",
        "w_new = w₀ + ε, ε ~ N(0, σ²)",
        "mean 0, deviation σ = 0.5; five standard errors",
        _perturbation,
        (START_D,),
        oracles=(
            about(0.0, 5 * 0.5 / 141, entry=0),
            about(0.5, 5 * 0.5 / 200, entry=2),
        ),
        slips=("S25",),
    ),
    Formula(
        "F062b",
        "Random restart: keep the best",
        "w* = argmin_w L(w)",
        "the finite minimum; NaN never wins",
        lambda losses: best_of({"loss": losses}, losses)[0]["loss"],
        (LOSSES_N,),
        oracles=(Oracle("np.nanmin", np.nanmin),),
        slips=("S25",),
    ),
    Formula(
        "F062c",
        "Expected best of k restarts",
        "E[min of k] = Σᵢ v₍ᵢ₎ C(N − i, k − 1)/C(N, k)",
        "mean over all subsets of size k",
        expected_best,
        (RUNS_N,),
        oracles=(Oracle("itertools.combinations", _expected_best),),
    ),
    Formula(
        "F063a",
        "Momentum",
        "v_t = μv_{t−1} − η∇L(w), w_t = w_{t−1} + v_t",
        "five updates on a bowl",
        _library("momentum"),
        (START_D,),
        oracles=(
            Oracle("NumPy", _momentum_by_hand, FLOAT32_TOLERANCE),
            Oracle("optax.sgd", lambda w: _descend(optax.sgd(ETA, momentum=MU), w), FLOAT32_TOLERANCE, traced=True),
        ),
        slips=("S26b",),
    ),
    Formula(
        "F063b",
        "Momentum, unrolled",
        "step(n) + β step(n−1) + β² step(n−2) + …",
        "∂/∂step(n−k) = βᵏ: the newest step has weight 1",
        velocity,
        (STEPS_N, np.float64(MU)),
        lambda steps, beta: beta ** jnp.arange(steps.size)[::-1],
        oracles=(Oracle("scipy lfilter", lambda s, beta: scipy.signal.lfilter([1], [1, -beta], s)[-1]),),
        slips=("S26",),
    ),
    Formula(
        "F063c",
        "Momentum under a constant gradient",
        "1 + β + β² + … = 1/(1 − β): 10 times the step at β = 0.9",
        "∂/∂β = 1/(1 − β)²",
        lambda beta: 1.0 / (1.0 - beta),
        (np.array([0.9, 0.5]),),
        lambda beta: 1.0 / (1.0 - beta) ** 2,
        "elementwise",
        (
            Oracle("400 terms", lambda beta: velocity(jnp.ones(400), beta[0]), entry=0, traced=True),
            Oracle("10", lambda _: 10.0, 1e-14, entry=0),
        ),
        ("S26",),
    ),
    Formula(
        "F063d",
        "Nesterov's momentum",
        "w_t = w_{t−1} + μv_t − η∇L(w_{t−1})",
        "five updates on a bowl",
        _library("nesterov"),
        (START_D,),
        oracles=(
            Oracle("NumPy", _nesterov_by_hand, FLOAT32_TOLERANCE),
            Oracle(
                "optax.sgd",
                lambda w: _descend(optax.sgd(ETA, momentum=MU, nesterov=True), w),
                FLOAT32_TOLERANCE,
                traced=True,
            ),
        ),
    ),
    Formula(
        "F063e",
        "Gradient of the bowl that the descent rows use",
        "L(w) = ½Σᵢ cᵢwᵢ²",
        "∇L = c⊙w",
        lambda w, c: quadratic(w, c),
        (START_D, CURVATURES_D),
        lambda w, c: c * w,
    ),
    Formula(
        "F064",
        "Learning rate decay",
        "η_t = η₀/√t, t = 1, 2, …",
        "∂η/∂t = −½η₀t^(−3/2)",
        lambda t, eta: eta / jnp.sqrt(t),
        (np.arange(1.0, 5.0), np.float64(1.0)),
        lambda t, eta: -0.5 * eta * t**-1.5,
        "elementwise",
        (
            Oracle(
                "library schedule",
                lambda t, eta: eta * make_schedule("inverse_sqrt", total_steps=9)(t - 1),
                FLOAT32_TOLERANCE,
                traced=True,
            ),
            rounded("1", "0.7071", "0.5774", "0.5"),
        ),
        ("S27",),
    ),
)
