"""Errata of regularization and optimization (S18-S28 of the course's list of slips)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.stats

from nn_core.activations import relu
from nn_core.by_hand.surfaces import descend, quartic, two_minima
from nn_core.data.sampling import steps_per_epoch
from nn_core.formulas.erratum import Erratum, Figures
from nn_core.formulas.ledger import normal
from nn_core.optimizers import make_optimizer
from nn_core.regularizers import dropout, penalty
from nn_core.schedules import make_schedule


def _trained(
    name: str, hparams: dict[str, float], penalties: dict[str, float], targets: Any, steps: int, proximal: bool = False
) -> np.ndarray:
    """Weights after some steps on |w - targets|^2 / 2 plus penalties, from 1, by an optimizer of the library."""

    def run(targets: Any) -> Any:
        optimizer = make_optimizer(name, hparams | penalties, make_schedule("constant", total_steps=steps), proximal)

        def step(carry: Any, _: None) -> tuple[Any, None]:
            params, state = carry
            slope = jax.grad(
                lambda p: 0.5 * jnp.sum((p["kernel"] - targets) ** 2) + penalty(p, penalties, proximal=proximal)
            )(params)
            updates, state = optimizer.update(slope, state, params)
            return (optax.apply_updates(params, updates), state), None

        params = {"kernel": jnp.ones_like(targets)}
        return jax.lax.scan(step, (params, optimizer.init(params)), None, length=steps)[0][0]["kernel"]

    return np.asarray(jax.jit(run)(targets))


def exact_zeros() -> Figures:
    """S18: L1 of strength .3 by subgradient steps and by proximal steps; 7 of 10 targets lie below it."""
    targets = np.array([2.0, -1.0, 0.9, 0.2, -0.1, 0.25, 0.0, -0.28, 0.05, 0.15])
    rate, l1 = {"learning_rate": 0.1}, {"l1": 0.3}
    printed, right = (_trained("sgd", rate, l1, targets, 200, proximal) for proximal in (False, True))
    return {
        "printed": np.sum(printed == 0),
        "right": np.sum(right == 0),
        "hover": np.abs(printed[3:]).max(),
    }


def decay_and_penalty() -> Figures:
    """S19: the largest difference between w(1 - 2 lambda eta) and the penalty after ten steps, by optimizer."""
    targets, gaps = normal(221, 6), {}
    for name, extra in (("sgd", {}), ("momentum", {"momentum": 0.9}), ("adam", {})):
        rate = {"learning_rate": 0.1} | extra
        by_penalty = _trained(name, rate, {"l2": 0.05}, targets, 10)
        by_decay = _trained(name, rate | {"weight_decay": 0.1}, {}, targets, 10)
        gaps[name] = np.abs(by_penalty - by_decay).max()
    return gaps


def keep_or_drop() -> Figures:
    """S21: what p = .2 means: the share of units kept and the noise that it puts on an output of 1."""
    ones = np.ones(100_000)
    draw = jax.jit(dropout)
    drop, keep = np.asarray(draw(jax.random.key(1), ones, 0.2)), np.asarray(draw(jax.random.key(1), ones, 0.8))
    return {
        "keep_share": np.mean(keep > 0),
        "drop_share": np.mean(drop > 0),
        "keep_noise": keep.std(),
        "drop_noise": drop.std(),
    }


def mask_per_epoch() -> Figures:
    """S21b: over an epoch of 50 steps, how unequally units take part (rate .5, 10,000 units)."""
    keys = jax.random.split(jax.random.key(222), 50)
    kept = np.asarray(jax.jit(jax.vmap(lambda key: dropout(key, jnp.ones(10_000), 0.5)))(keys) > 0)
    return {"epoch": kept[0].std(), "step": kept.mean(axis=0).std()}


def fixed_percentage() -> Figures:
    """S21c: how often a layer of 10 units at rate .2 loses exactly 2."""
    dropped = np.asarray(jax.jit(dropout)(jax.random.key(2), np.ones((20_000, 10)), 0.2) == 0).sum(axis=1)
    return {"share": np.mean(dropped == 2), "exact": scipy.stats.binom.pmf(2, 10, 0.2), "most": dropped.max()}


def slope_at_zero() -> Figures:
    """S23: the derivative of ReLU at 0, written as a maximum and in the library."""
    forms = {"maximum": lambda x: jnp.maximum(0.0, x), "library": relu}
    return jax.jit(lambda x: {name: jax.grad(form)(x) for name, form in forms.items()})(0.0)


def positive_definite() -> Figures:
    """S24: the Hessian of x^4 at its minimum, and the two minima of a surface without tilt."""
    height = jax.jit(lambda x: two_minima(x, 0.0))
    return {
        "curvature": np.asarray(jax.jit(jax.hessian(quartic))(np.zeros(1)))[0, 0],
        "around": min(map(jax.jit(quartic), (np.array([-0.1]), np.array([0.1])))),
        "left": height(np.array([-1.0, 0.0])),
        "right": height(np.array([1.0, 0.0])),
    }


def many_steps() -> Figures:
    """S24b: 500 steps down a surface with two minima from x = 1.5 and from x = -1.5."""
    go = jax.jit(partial(descend, two_minima, transformation=optax.sgd(0.05), num_steps=500))
    ends = {name: go(start_D=np.array([x, 0.5]))[-1] for name, x in (("found", 1.5), ("global", -1.5))}
    return {name: two_minima(point_2) for name, point_2 in ends.items()}


def weighted_average() -> Figures:
    """S26: the weights that momentum .9 gives to the newest step, the one before, and all of them: the steps of the
    library's optimizer after a single gradient of -1 at rate 1."""
    hparams = {"learning_rate": 1.0, "momentum": 0.9}
    optimizer = make_optimizer("momentum", hparams, make_schedule("constant", total_steps=400))
    gradients = -(np.arange(400) == 0).astype(np.float64)

    def step(state: Any, gradient: Any) -> tuple[Any, Any]:
        updates, state = optimizer.update({"w": gradient}, state, {"w": jnp.zeros(())})
        return state, updates["w"]

    weights = np.asarray(jax.jit(lambda: jax.lax.scan(step, optimizer.init({"w": jnp.zeros(())}), gradients)[1])())
    return {"newest": weights[0], "previous": weights[1], "sum": weights.sum()}


def stochastic_descent() -> Figures:
    """S28: updates in one pass over 1,000 examples, by what is called SGD."""
    return {name: steps_per_epoch(1000, batch) for name, batch in (("single", 1), ("mini", 64), ("full", 1000))}


def gradient_or_error() -> Figures:
    """S28b: E = w^2 and its gradient at w = 3; updates in an epoch of 1,000 examples in batches of 64."""
    square: Callable[[Any], Any] = jnp.square
    return {"error": square(3.0), "gradient": jax.grad(square)(3.0), "steps": steps_per_epoch(1000, 64)}


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "S18",
        "M",
        "L1 turns the rest of the weights into zeroes",
        "its minimiser has zeros; (sub)gradient steps hover, a proximal step reaches them",
        exact_zeros,
        "7 of 10 weights should be 0: {printed:.0f} are by gradient steps (they hover up to {hover:.4f}), "
        "{right:.0f} by proximal ones",
        lambda f: f["printed"] == 0 and f["right"] == 7 and f["hover"] > 1e-4,
    ),
    Erratum(
        "S19",
        "M",
        "L2 is weight decay: w ← w(1 − 2λη) − η∂L/∂w",
        "for plain gradient descent only; AdamW decays on purpose",
        decay_and_penalty,
        "largest difference after ten steps: sgd {sgd:.0e}, momentum {momentum:.3f}, Adam {adam:.3f}",
        lambda f: f["sgd"] < 1e-7 and f["momentum"] > 1e-3 and f["adam"] > 1e-3,
    ),
    Erratum(
        "S21",
        "C",
        "p is the probability to keep a unit, and the probability to drop it",
        "rate is the probability to drop; outputs are divided by 1 − rate",
        keep_or_drop,
        "p = .2 keeps {keep_share:.2f} or {drop_share:.2f} of the units, with noise {keep_noise:.2f} or "
        "{drop_noise:.2f} on an output of 1",
        lambda f: (
            abs(f["keep_share"] - 0.2) < 0.01
            and abs(f["drop_share"] - 0.8) < 0.01
            and f["keep_noise"] > 3 * f["drop_noise"]
        ),
    ),
    Erratum(
        "S21b",
        "C",
        "nodes are turned off during each epoch",
        "a new mask for every step and example",
        mask_per_epoch,
        "after an epoch of 50 steps the share of steps a unit took part in varies by {step:.2f}; with one mask "
        "an epoch by {epoch:.2f}",
        lambda f: f["epoch"] > 5 * f["step"],
    ),
    Erratum(
        "S21c",
        "M",
        "a certain percentage of the inputs is set to zero",
        "each unit on its own; the percentage holds on average",
        fixed_percentage,
        "of 10 units at rate .2 exactly 2 are dropped in {share:.2f} of the draws ({exact:.3f} by the binomial "
        "law), up to {most:.0f}",
        lambda f: abs(f["share"] - f["exact"]) < 0.015 and f["most"] >= 6,
    ),
    Erratum(
        "S23",
        "C,A",
        "relu(x) = max(0, x); its slope at 0 is left open",
        "f′(0) := 0",
        slope_at_zero,
        "written as a maximum its derivative at 0 is {maximum}; the library's is {library:.0f}",
        lambda f: f["maximum"] == 0.5 and f["library"] == 0.0,
    ),
    Erratum(
        "S24",
        "M",
        "local minimum ⇔ ∇²L positive definite; L(local) > L(global)",
        "positive definite is sufficient, semi-definite necessary; ≥",
        positive_definite,
        "x⁴ has its minimum at 0 with curvature {curvature:.0f}; (x² − 1)² + y² has two minima of height "
        "{left:.0f} and {right:.0f}",
        lambda f: f["curvature"] == 0.0 and f["around"] > 0 and f["left"] == f["right"] == 0.0,
    ),
    Erratum(
        "S24b",
        "M",
        "many steps will find the minimum of the error function",
        "a stationary point, which may be a local minimum",
        many_steps,
        "500 steps end at height {found:.3f}; the minimum is {global:.3f}",
        lambda f: f["found"] > f["global"] + 0.5,
    ),
    Erratum(
        "S26",
        "C",
        "a weighted average in which the previous step is multiplied by 1",
        "the current step has weight 1, the previous β; the weights sum to 1/(1 − β)",
        weighted_average,
        "β = .9: newest step {newest:.1f}, previous {previous:.1f}, sum {sum:.2f}: ten times an average",
        lambda f: f["newest"] == 1.0 and abs(f["previous"] - 0.9) < 1e-12 and abs(f["sum"] - 10) < 1e-9,
    ),
    Erratum(
        "S28",
        "C",
        "stochastic gradient descent takes small batches, and one sample",
        "three names: single-sample, mini-batch, full batch",
        stochastic_descent,
        "1,000 examples are {single:.0f} updates a pass with single samples, {mini:.0f} with batches of 64, "
        "{full:.0f} with all",
        lambda f: (f["single"], f["mini"], f["full"]) == (1000, 16, 1),
    ),
    Erratum(
        "S28b",
        "M",
        "the negative of the gradient, which is the error function; each step is called an epoch",
        "the gradient of the error function; an epoch is a pass over the data",
        gradient_or_error,
        "E = w² at w = 3 is {error:.0f}, its gradient {gradient:.0f}; 1,000 examples in batches of 64 are "
        "{steps:.0f} steps an epoch",
        lambda f: f["error"] != f["gradient"] and f["steps"] == 16,
    ),
)
