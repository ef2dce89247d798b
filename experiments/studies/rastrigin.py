"""Searches for the lowest of many minima at equal work: descent restarts, annealing, random points (F066).

A search is a function (key, mask_D) -> what it found. The mask is 1 for the coordinates that count and 0 for the
others, which change nothing: so all dimensions are members of one program.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import optax
from jax import Array
from ml_collections import ConfigDict

from nn_core.by_hand.annealing import anneal, geometric_temperatures
from nn_core.by_hand.surfaces import descend, rastrigin

REACH = 5.12  # starts are uniform in [-REACH, REACH] along each axis
BASIN = 0.5  # a point belongs to the global minimum if no coordinate is farther from it

Search = Callable[[Array, Array], dict[str, Array]]


def searches(task: ConfigDict) -> dict[str, tuple[Search, float]]:
    """Every search by name, with the number of its evaluations: as many as fit into task.evaluations.

    A gradient counts as task.gradient_cost evaluations, the judgement of an end point as one.
    """
    per_start = task.gradient_cost * task.descent_steps + 1
    num_starts = int(task.evaluations // per_start)
    descent = partial(restarted_descent, num_starts=num_starts, steps=task.descent_steps, rate=task.descent_rate)
    found: dict[str, tuple[Search, float]] = {
        "descent restarts": (descent, num_starts * per_start),
        "random points": (partial(random_points, num_points=task.evaluations), float(task.evaluations)),
    }
    for chains in task.chains:
        steps = task.evaluations // chains - 1
        cooling = geometric_temperatures(task.hottest, task.coldest, steps)
        search = partial(annealed, num_chains=chains, temperatures_K=cooling, scale=task.proposal_scale)
        found[f"annealing, {chains} chain{'s' * (chains > 1)}"] = (search, float(chains * (steps + 1)))
    return found


def check_work(task: ConfigDict) -> None:
    """Raises ValueError if the evaluations do not suffice for a search."""
    per_start = task.gradient_cost * task.descent_steps + 1
    if task.evaluations < per_start:
        raise ValueError(
            f"config.task.evaluations={task.evaluations} does not pay for one descent of {per_start:g} evaluations; "
            f"raise it, or lower config.task.descent_steps={task.descent_steps}"
        )
    if task.evaluations // max(task.chains) < 3:
        raise ValueError(
            f"config.task.chains={task.chains} leaves a chain fewer than 3 of the {task.evaluations} evaluations"
        )


def uniform(key: Array, count: int, mask_D: Array) -> Array:
    """Points of the cube, (count, D)."""
    return mask_D[None] * jax.random.uniform(key, (count, len(mask_D)), minval=-REACH, maxval=REACH)


def energy(point_D: Array, mask_D: Array) -> Array:
    """Rastrigin's function of the coordinates that count: each of the others is 0 and adds 0."""
    return rastrigin(point_D * mask_D)


def judge(ends_ND: Array, mask_D: Array) -> dict[str, Array]:
    """The best of some end points: whether it lies in the global basin, its energy, and the share of ends that do."""
    energies_N = jax.vmap(energy, in_axes=(0, None))(ends_ND, mask_D)
    inside_N = jnp.max(jnp.abs(ends_ND * mask_D[None]), axis=1) < BASIN
    best = jnp.argmin(energies_N)
    return {
        "found": inside_N[best].astype(jnp.float32),
        "energy": energies_N[best],
        "hits": jnp.mean(inside_N.astype(jnp.float32)),
    }


def restarted_descent(key: Array, mask_D: Array, *, num_starts: int, steps: int, rate: float) -> dict[str, Array]:
    """Gradient descent from independent starts; the best end counts."""
    surface = partial(energy, mask_D=mask_D)
    walk = jax.vmap(lambda start_D: descend(surface, start_D, optax.sgd(rate), steps)[-1])
    return judge(walk(uniform(key, num_starts, mask_D)), mask_D)


def random_points(key: Array, mask_D: Array, *, num_points: int) -> dict[str, Array]:
    """The best of equally many random points, which a search must beat."""
    return judge(uniform(key, num_points, mask_D), mask_D)


def annealed(key: Array, mask_D: Array, *, num_chains: int, temperatures_K: Array, scale: float) -> dict[str, Array]:
    """Independent chains of simulated annealing; the best point that any of them visited counts."""
    start_key, chain_key = jax.random.split(key)
    surface = partial(energy, mask_D=mask_D)
    chains = jax.vmap(lambda start_D, one_key: anneal(surface, start_D, temperatures_K, scale, one_key))
    keys = jax.random.split(chain_key, num_chains)
    return judge(chains(uniform(start_key, num_chains, mask_D), keys).best_D, mask_D)
