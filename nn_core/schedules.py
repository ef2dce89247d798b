"""Learning-rate schedules: step -> factor of the learning rate, pure in the step (which may be a tracer).

A factor, not a rate: the learning rate itself is an hparam and may differ between the members of a sweep.
Sources: F064, F065, S27.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

Schedule = Callable[[ArrayLike], Array]


class ScheduleOptions(NamedTuple):
    """Structure of a schedule; every member is static, and None if it is not set.

    Attributes:
      decay_horizon: steps after the warm-up, >= 1; where "linear" and "cosine" end.
      warmup_steps: steps of linear warm-up, >= 0.
      decay_steps: "step", "exponential": steps over which the factor is multiplied by decay_rate once, >= 1.
      decay_rate: "step", "exponential": factor in (0, 1].
      final_factor: "linear", "cosine": factor at the end, in [0, 1].
    """

    decay_horizon: int
    warmup_steps: int
    decay_steps: int | None
    decay_rate: float | None
    final_factor: float | None


def constant(t: Array, options: ScheduleOptions) -> Array:
    """1 at every step."""
    del options
    return jnp.ones_like(t)


def inverse_sqrt(t: Array, options: ScheduleOptions) -> Array:
    """1 / sqrt(t + 1): 1, .7071, .5774, .5, ... (F064, counted from 1: S27).

    After a warm-up of W steps it is sqrt(W / (t + W)), the same curve of the *whole* run scaled to start at 1 (Vaswani
    et al. 2017), not a second sharp fall.
    """
    origin = max(options.warmup_steps, 1)
    return jnp.sqrt(origin / (t + origin))


def step(t: Array, options: ScheduleOptions) -> Array:
    """decay_rate ^ floor(t / decay_steps): a staircase."""
    decay_steps, decay_rate = _decay(options)
    return decay_rate ** jnp.floor(t / decay_steps)


def exponential(t: Array, options: ScheduleOptions) -> Array:
    """decay_rate ^ (t / decay_steps)."""
    decay_steps, decay_rate = _decay(options)
    return decay_rate ** (t / decay_steps)


def linear(t: Array, options: ScheduleOptions) -> Array:
    """A straight line from 1 to final_factor at the end of training, constant after it."""
    final = options.final_factor or 0.0
    return 1.0 - (1.0 - final) * _progress(t, options)


def cosine(t: Array, options: ScheduleOptions) -> Array:
    """Half a cosine from 1 to final_factor at the end of training, constant after it (Loshchilov & Hutter 2017)."""
    final = options.final_factor or 0.0
    return final + (1.0 - final) * 0.5 * (1.0 + jnp.cos(jnp.pi * _progress(t, options)))


SCHEDULES: dict[str, Callable[[Array, ScheduleOptions], Array]] = {
    "constant": constant,
    "inverse_sqrt": inverse_sqrt,
    "step": step,
    "exponential": exponential,
    "linear": linear,
    "cosine": cosine,
}

# The options that a schedule reads; every other one must stay None.
_READS: dict[str, tuple[str, ...]] = {
    "constant": (),
    "inverse_sqrt": (),
    "step": ("decay_steps", "decay_rate"),
    "exponential": ("decay_steps", "decay_rate"),
    "linear": ("final_factor",),
    "cosine": ("final_factor",),
}


def make_schedule(
    name: str,
    *,
    total_steps: int,
    warmup_steps: int = 0,
    decay_steps: int | None = None,
    decay_rate: float | None = None,
    final_factor: float | None = None,
) -> Schedule:
    """A schedule from its name: the factor of update number `step` = 0, 1, ..., total_steps - 1.

    With warmup_steps = W > 0 the factor rises as (step + 1) / (W + 1) for W steps, so that no step is wasted at 0 and
    the full rate, of step W, comes once; the schedule proper starts there, at t = step - W = 0.

    Args:
      name: one of SCHEDULES.
      total_steps: updates of the whole run, >= 1; where "linear" and "cosine" reach final_factor.
      warmup_steps: in [0, total_steps).
      decay_steps: "step" and "exponential" only, and needed there: >= 1.
      decay_rate: "step" and "exponential" only, and needed there: in (0, 1].
      final_factor: "linear" and "cosine" only: in [0, 1]; None is 0.

    Returns:
      A function of the step (integer scalar or array) to float32 factors in [0, 1] of the same shape.

    Raises:
      ValueError: an unknown name, or an option that is out of range, missing, or not read by the schedule.
    """
    if name not in SCHEDULES:
        raise ValueError(f"schedule {name!r} is unknown; use one of {', '.join(SCHEDULES)}")
    given = {"decay_steps": decay_steps, "decay_rate": decay_rate, "final_factor": final_factor}
    _check_options(name, given)
    _check_ranges(total_steps, warmup_steps, decay_steps, decay_rate, final_factor)
    options = ScheduleOptions(total_steps - warmup_steps, warmup_steps, decay_steps, decay_rate, final_factor)

    def schedule(step: ArrayLike) -> Array:
        position = jnp.asarray(step, jnp.float32)
        factor = SCHEDULES[name](jnp.maximum(position - warmup_steps, 0.0), options)
        if warmup_steps:
            factor = jnp.where(position < warmup_steps, (position + 1.0) / (warmup_steps + 1.0), factor)
        return factor

    return schedule


def _progress(t: Array, options: ScheduleOptions) -> Array:
    return jnp.minimum(t / options.decay_horizon, 1.0)


def _decay(options: ScheduleOptions) -> tuple[int, float]:
    assert options.decay_steps is not None and options.decay_rate is not None  # make_schedule checked them
    return options.decay_steps, options.decay_rate


def _check_options(name: str, given: dict[str, int | float | None]) -> None:
    reads = _READS[name]
    for option, value in given.items():
        if option not in reads and value is not None:
            told = ", ".join(reads) or "none of these options"
            raise ValueError(f"schedule {name!r} does not read {option}={value}; leave it unset (it reads {told})")
    for option in ("decay_steps", "decay_rate"):
        if option in reads and given[option] is None:
            raise ValueError(f"schedule {name!r} needs {option}; set it")


def _check_ranges(
    total_steps: int, warmup_steps: int, decay_steps: int | None, decay_rate: float | None, final_factor: float | None
) -> None:
    if total_steps < 1:
        raise ValueError(f"total_steps={total_steps} is below 1; use at least 1")
    if not 0 <= warmup_steps < total_steps:
        raise ValueError(f"warmup_steps={warmup_steps} is outside [0, {total_steps}); use less than total_steps")
    if decay_steps is not None and decay_steps < 1:
        raise ValueError(f"decay_steps={decay_steps} is below 1; use at least 1")
    if decay_rate is not None and not 0.0 < decay_rate <= 1.0:
        raise ValueError(f"decay_rate={decay_rate} is outside (0, 1]; use for example 0.5")
    if final_factor is not None and not 0.0 <= final_factor <= 1.0:
        raise ValueError(f"final_factor={final_factor} is outside [0, 1]; use for example 0.1")
