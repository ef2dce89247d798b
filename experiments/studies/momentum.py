"""Momentum on a bowl behind a hump: who gets over, who is thrown out again (F063, S26)."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, keys_of, make_rows, seeds_of
from nn_core.by_hand.surfaces import descend, hump

NEAR = 0.1  # within this distance of the global minimum a path has reached it
METHODS = {"heavy ball": False, "Nesterov": True}
CURVE = np.linspace(-7.0, 7.0, 561, dtype=np.float32)  # where the surface is drawn


def slope(x_1: Array) -> Array:
    """A surface whose gradient is 1 everywhere."""
    return x_1[0]


def walk(start: Array, momentum: Array, learning_rate: Array, *, surface, nesterov: bool, steps: int) -> Array:
    """The path of one start under one momentum, (steps + 1,)."""
    rule = optax.sgd(learning_rate, momentum=momentum, nesterov=nesterov)
    return descend(surface, jnp.reshape(start, (1,)), rule, steps)[:, 0]


def settled(paths_SK: np.ndarray) -> np.ndarray:
    """The step, one gradient each, from which on a path stays near the global minimum; infinite if it does not end there."""
    away_SK = np.abs(paths_SK) > NEAR
    last_S = paths_SK.shape[1] - 1 - np.argmax(away_SK[:, ::-1], axis=1)  # the last step away
    first_S = np.where(away_SK.any(axis=1), last_S + 1.0, 0.0)
    return np.where(away_SK[:, -1], np.inf, first_S)


def draw_starts(config: ConfigDict) -> dict[str, np.ndarray]:
    """Starts before the hump, and starts on the side without it, uniform in their intervals."""
    shares_S2 = np.asarray(jax.vmap(lambda key: jax.random.uniform(key, (2,)))(keys_of(config)))
    starts = {}
    for place, name in enumerate(("left", "right")):
        low, high = config.task[f"starts_{name}"]
        starts[name] = (low + (high - low) * shares_S2[:, place]).astype(np.float32)
    return starts


def run(config: ConfigDict) -> Outcome:
    """Plain descent, then both kinds of momentum at every strength; from the left, from the right, down a slope."""
    task, seeds = config.task, seeds_of(config)
    starts, momenta_J = draw_starts(config), np.array((0.0, *task.momenta), np.float32)
    rows: list[Row] = []
    arrays: dict[str, np.ndarray] = {
        "momenta": momenta_J,
        "curve": CURVE,
        "learning_rate": np.array(task.learning_rate),
    }
    arrays["heights"] = np.asarray(jax.vmap(hump)(jnp.asarray(CURVE)[:, None]))
    for method, nesterov in METHODS.items():
        go = partial(walk, surface=hump, nesterov=nesterov, steps=task.steps)
        over = compiled(jax.vmap(jax.vmap(go, in_axes=(0, None, None)), in_axes=(None, 0, None)))
        left_JSK, right_JSK = (np.asarray(over(starts[side], momenta_J, task.learning_rate)) for side in starts)
        down = compiled(
            jax.vmap(partial(walk, surface=slope, nesterov=nesterov, steps=task.steps), in_axes=(None, 0, None))
        )
        steps_JK = -np.diff(np.asarray(down(0.0, momenta_J, task.learning_rate)), axis=1) / task.learning_rate
        drawn_JK = np.asarray(over(np.array([task.drawn_start], np.float32), momenta_J, task.learning_rate))[:, 0]
        reached_JS, kept_JS = np.abs(left_JSK[..., -1]) < NEAR, np.abs(right_JSK[..., -1]) < NEAR
        for index, momentum in enumerate((0.0, *task.momenta)):
            if momentum == 0 and nesterov:
                continue  # both are plain descent
            rows += make_rows(
                f"{method} {momentum:g}" if momentum else "plain descent",
                seeds,
                reached=reached_JS[index].astype(float),
                kept=kept_JS[index].astype(float),
                gradients_needed=settled(left_JSK[index]),
                overshoot=np.where(reached_JS[index], np.maximum(left_JSK[index].max(axis=1), 0.0), np.nan),
                step_ratio=steps_JK[index, -1],
                limit=1 / (1 - momentum),
            )
        name = method.replace(" ", "_")
        arrays |= {f"{name}_path": drawn_JK, f"{name}_steps": steps_JK, f"{name}_reached": reached_JS}
        arrays[f"{name}_kept"] = kept_JS
    return Outcome(rows, arrays)


def check(config: ConfigDict) -> None:
    """Raises ValueError for starts that are not an interval."""
    for name in ("starts_left", "starts_right"):
        ends = config.task[name]
        if len(ends) != 2 or ends[0] >= ends[1]:
            raise ValueError(f"config.task.{name}={ends} must be the two ends of an interval, the lower one first")


STUDY = Study(
    run,
    settings={
        "learning_rate": "(0, inf)",
        "momenta": "[0, 1)",
        "drawn_start": "[-20, 20]",
        "starts_left": "[-20, 20]",
        "starts_right": "[-20, 20]",
        "steps": "[1, 100000]",
    },
    columns=("reached", "kept", "gradients_needed", "overshoot", "step_ratio", "limit"),
    figures=("momentum",),
    check=check,
)
