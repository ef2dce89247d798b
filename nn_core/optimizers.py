"""Optimizers by name, as optax transformations. Each of their numbers is an hparam and may be a tracer.

An optimizer is built inside the traced function, so a population of runs can differ in any of its numbers:

    optimizer = make_optimizer("adamw", hparams, schedule)
    updates, opt_state = optimizer.update(grads, opt_state, params)

Sources: F047-F049, F063-F069, S18, S19, S26.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from nn_core.floats import like
from nn_core.regularizers import penalised_mask, proximal_strength, soft_threshold

Hparams = Mapping[str, Array | float]
Schedule = Callable[[Array], Array]

# Values of unset hparams: those of the papers, which torch and optax share.
BETA1 = 0.9
BETA2 = 0.999
RMSPROP_DECAY = 0.99
EPSILON = 1e-8


class Rule(NamedTuple):
    """How a gradient becomes a direction.

    Attributes:
      transformation: gradient -> direction to subtract (optax, no learning rate, no sign).
      scales_gradient: True: the learning rate multiplies the gradient *before* the transformation (v = mu v - eta g);
        False: it multiplies the direction after it. They differ only when the learning rate changes over time.
      gain: the step per update for a constant gradient of 1 in the long run, in learning rates, if the rule is linear.
      root: state of the transformation -> the divisor of each gradient, ~ sqrt(mean g^2), a tree like the
        parameters; None for a linear rule.
    """

    transformation: optax.GradientTransformation
    scales_gradient: bool
    gain: Array | float = 1.0
    root: Callable[[Any], Any] | None = None


class OptimizerState(NamedTuple):
    """State of `make_optimizer`.

    Attributes:
      step: updates done, int32: the schedule's argument.
      rule: state of the rule's transformation.
    """

    step: Array
    rule: Any


def sgd(hparams: Hparams) -> Rule:
    """Gradient descent, w <- w - eta g (F067, F068); batch, mini-batch or single-example descent, depending on the batches."""
    del hparams
    return Rule(optax.identity(), scales_gradient=True)


def momentum(hparams: Hparams) -> Rule:
    """Heavy ball, v <- mu v - eta g; w <- w + v (F063). A constant gradient moves by eta / (1 - mu) (S26)."""
    decay = _required(hparams, "momentum", "momentum")
    return Rule(optax.trace(decay), scales_gradient=True, gain=1.0 / (1.0 - decay))


def nesterov(hparams: Hparams) -> Rule:
    """Nesterov's momentum, v <- mu v - eta g; w <- w + mu v - eta g (Sutskever et al. 2013, torch's form)."""
    decay = _required(hparams, "momentum", "nesterov")
    return Rule(optax.trace(decay, nesterov=True), scales_gradient=True, gain=1.0 / (1.0 - decay))


def rmsprop(hparams: Hparams) -> Rule:
    """RMSProp, s <- beta2 s + (1 - beta2) g^2; w <- w - eta g / (sqrt(s) + epsilon) (Tieleman & Hinton 2012, torch)."""
    decay, epsilon = _value(hparams, "beta2", RMSPROP_DECAY), _value(hparams, "epsilon", EPSILON)
    transformation = optax.scale_by_rms(decay=decay, eps=epsilon, eps_in_sqrt=False)

    def root(state: Any) -> Any:
        return jax.tree.map(lambda nu: jnp.sqrt(nu) + epsilon, state.nu)

    return Rule(transformation, scales_gradient=False, root=root)


def adam(hparams: Hparams) -> Rule:
    """Adam, w <- w - eta m / (sqrt(s) + epsilon) with bias-corrected moments m and s (Kingma & Ba 2015)."""
    beta1, beta2 = _value(hparams, "beta1", BETA1), _value(hparams, "beta2", BETA2)
    epsilon = _value(hparams, "epsilon", EPSILON)

    transformation = optax.scale_by_adam(b1=beta1, b2=beta2, eps=epsilon)

    def root(state: Any) -> Any:
        correction = 1.0 - beta2**state.count
        return jax.tree.map(lambda nu: jnp.sqrt(nu / like(correction, nu)) + epsilon, state.nu)

    return Rule(transformation, scales_gradient=False, root=root)


def adamw(hparams: Hparams) -> Rule:
    """Adam with decoupled decay, w <- (1 - eta lambda) w - eta m / (sqrt(s) + epsilon) (F049).

    Raises ValueError if hparams.weight_decay is not set: without it this is "adam".
    """
    _required(hparams, "weight_decay", "adamw")
    return adam(hparams)


def adagrad(hparams: Hparams) -> Rule:
    """AdaGrad, s <- s + g^2 from s = 0; w <- w - eta g / sqrt(s + epsilon) (Duchi et al. 2011)."""
    epsilon = _value(hparams, "epsilon", EPSILON)
    transformation = optax.scale_by_rss(initial_accumulator_value=0.0, eps=epsilon)

    def root(state: Any) -> Any:
        return jax.tree.map(lambda total: jnp.sqrt(total + epsilon), state.sum_of_squares)

    return Rule(transformation, scales_gradient=False, root=root)


OPTIMIZERS: dict[str, Callable[[Hparams], Rule]] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
    "adagrad": adagrad,
}


def make_optimizer(
    name: str,
    hparams: Hparams,
    schedule: Schedule,
    proximal: bool = False,
    rules: Mapping[str, Callable[[Hparams], Rule]] = OPTIMIZERS,
) -> optax.GradientTransformation:
    """An optimizer from its name and numbers.

        g <- g min(1, clip_norm / ||g||)                         where hparams.clip_norm is set
        w <- w - eta_t direction(g) - eta_t weight_decay w       eta_t = learning_rate schedule(t), t = 0, 1, ...
        w <- soft_threshold(w, eta_t l1 / metric)                where `proximal`

    Weight decay is decoupled (AdamW's form, whatever the rule) and, like the proximal step, leaves biases and
    normalisation parameters alone. The penalty form 2 lambda w equals weight_decay = 2 lambda for "sgd" only (S19).

    The proximal step makes weights exactly zero where a penalty leaves them hovering (S18); the strength is
    hparams.l1 + hparams.elastic_net hparams.l1_ratio, and the task must leave that part out of its loss
    (`penalty(..., proximal=True)`). It is taken in the rule's own metric, so that its fixed points minimise
    loss + l1 |w| whatever the rule: see `proximal_metric`.

    Args:
      name: one of the rules.
      hparams: learning_rate, and what the rule reads: momentum ("momentum", "nesterov"; required), weight_decay
        (required by "adamw", optional elsewhere), beta1, beta2, epsilon, clip_norm. Values may be tracers.
      schedule: step (int32, from 0) -> factor of the learning rate.
      proximal: static; apply L1 by its proximal step.

    Returns:
      An optax transformation; its `update` needs the parameters.

    Raises:
      ValueError: an unknown name, or a required hparam that is not set.
    """
    if name not in rules:
        raise ValueError(f"optimizer {name!r} is unknown; use one of {', '.join(rules)}")
    learning_rate = _required(hparams, "learning_rate", name)
    rule = rules[name](hparams)
    decay = hparams["weight_decay"] if "weight_decay" in hparams else None
    max_norm = hparams["clip_norm"] if "clip_norm" in hparams else None
    strength = proximal_strength(hparams) if proximal else None

    def init(params: Any) -> OptimizerState:
        return OptimizerState(step=jnp.zeros((), jnp.int32), rule=rule.transformation.init(params))

    def update(grads: Any, state: OptimizerState, params: Any = None) -> tuple[Any, OptimizerState]:
        step_size = learning_rate * schedule(state.step)
        if max_norm is not None:
            grads = clip_by_global_norm(grads, max_norm)
        if rule.scales_gradient:
            grads = _scale(grads, -step_size)
        updates, rule_state = rule.transformation.update(grads, state.rule, params)
        if strength is not None:
            updates, shrinkage = proximal_metric(rule, rule_state, updates, params, strength)
        if not rule.scales_gradient:
            updates = _scale(updates, -step_size)
        if decay is not None:
            updates = decay_weights(updates, params, step_size * decay)
        if strength is not None:
            updates = proximal_l1(updates, params, _scale(shrinkage, step_size))
        return updates, OptimizerState(optax.safe_increment(state.step), rule_state)

    return optax.GradientTransformation(init, update)


def clip_by_global_norm(grads: Any, max_norm: Array | float) -> Any:
    """Scales all gradients by min(1, max_norm / ||g||), with one norm over the whole tree (Pascanu et al. 2013).

    Args:
      grads: pytree of gradients.
      max_norm: > 0; may be a tracer.

    Returns:
      The gradients, of norm at most max_norm.
    """
    return _scale(grads, jnp.minimum(1.0, max_norm / optax.tree.norm(grads)))


def decay_weights(updates: Any, params: Any, shrink: Array | float) -> Any:
    """Adds -shrink w to the updates of the penalised leaves: w <- (1 - shrink) w + update (S19).

    Args:
      updates: pytree of updates.
      params: pytree of parameters of the same structure.
      shrink: eta_t times weight decay.

    Returns:
      The updates with decay.
    """
    return jax.tree.map(
        lambda update, param, penalised: update - like(shrink, param) * param if penalised else update,
        updates,
        params,
        penalised_mask(params),
    )


def proximal_metric(
    rule: Rule, rule_state: Any, direction: Any, params: Any, strength: Array | float
) -> tuple[Any, Any]:
    """The direction and the shrinkage, in learning rates, whose difference vanishes exactly where |g| = strength.

    A linear rule moves by gain g, so the shrinkage is gain strength. An adaptive rule moves by g / root; dividing the
    strength by the root too would throw a weight of tiny gradients to zero in one step, so both are divided by
    max(root, strength): the shrinkage is at most 1, as an adaptive rule's own steps are.

    Args:
      rule, rule_state: the rule and its state after the step.
      direction: pytree, what the transformation returned.
      params: pytree of parameters of the same structure.
      strength: L1 strength >= 0.

    Returns:
      The direction, changed on the penalised leaves only, and the shrinkage, a tree of the same structure.
    """
    if rule.root is None:
        return direction, jax.tree.map(lambda _: jnp.asarray(rule.gain * strength), params)
    root = rule.root(rule_state)
    floor = jax.tree.map(lambda d: jnp.maximum(d, like(strength, d)), root)
    direction = jax.tree.map(
        lambda update, d, least, penalised: update * (d / least) if penalised else update,
        direction,
        root,
        floor,
        penalised_mask(params),
    )
    return direction, jax.tree.map(lambda least: like(strength, least) / least, floor)


def proximal_l1(updates: Any, params: Any, thresholds: Any) -> Any:
    """Replaces updates u by prox(w + u) - w on the penalised leaves, so that w + update ends exactly at 0.

        prox(x) = sign(x) max(|x| - threshold, 0)

    Args:
      updates: pytree of updates, everything else included: this is the last step.
      params: pytree of parameters of the same structure.
      thresholds: pytree of the same structure, of scalars or arrays >= 0.

    Returns:
      The updates, ending on exact zeros.
    """
    return jax.tree.map(
        lambda update, param, threshold, penalised: (
            soft_threshold(param + update, like(threshold, param)) - param if penalised else update
        ),
        updates,
        params,
        thresholds,
        penalised_mask(params),
    )


def _scale(tree: Any, factor: Array | float) -> Any:
    return jax.tree.map(lambda leaf: leaf * like(factor, leaf), tree)


def _value(hparams: Hparams, name: str, default: float) -> Array | float:
    return hparams[name] if name in hparams else default


def _required(hparams: Hparams, name: str, optimizer: str) -> Array | float:
    if name not in hparams:
        raise ValueError(f"hparams.{name} is not set and optimizer {optimizer!r} needs it; set hparams.{name}")
    return hparams[name]
