"""Error surfaces of two weights: descents from many starts, and where they end (L954-L982, L1347-L1354; F036, F061)."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from ml_collections import ConfigDict

from experiments.loop import Row
from experiments.studies.base import Outcome, Study, keys_of, make_rows, seeds_of
from nn_core import surfaces
from nn_core.activations import sigmoid

GRID = 121  # points along each side of a drawn surface
STARTS = 0.75  # share of the square's side from which starts are drawn, so that paths stay inside
NEWTON_GRID, NEWTON_STEPS = 15, 30  # starts along each side, steps, of the search for critical points
TOLERANCE = 1e-4  # gradients up to this length, and eigenvalues up to this size, count as 0
SAME_POINT = 1e-2  # critical points nearer than this are one
SAME_HEIGHT = 1e-4  # minima that differ less are equally deep
MINIMUM = surfaces.CRITICAL_POINT_KINDS.index("minimum")


class View(NamedTuple):
    """A surface and the square of it that is looked at.

    Attributes:
        surface: (2,) -> scalar.
        centre, reach: the square is centre - reach to centre + reach along both weights.
    """

    surface: surfaces.Surface
    centre: tuple[float, float]
    reach: float


def neuron(seed: int, num_points: int, noise: float) -> View:
    """One sigmoid unit without bias; its targets come from such a unit with noise on its input (L954-L960)."""
    rng = np.random.default_rng(seed)
    inputs_N2 = rng.normal(size=(num_points, 2))
    sums_N = inputs_N2 @ np.array([1.5, -1.0]) + noise * rng.normal(size=num_points)
    inputs, targets = jnp.asarray(inputs_N2, jnp.float32), sigmoid(jnp.asarray(sums_N, jnp.float32))
    return View(partial(surfaces.neuron_error, inputs_ND=inputs, targets_N=targets), (0.0, 0.0), 4.0)


def chain(seed: int, num_points: int, noise: float) -> View:
    """A hidden tanh unit and a linear output: two equal minima, mirror images (L962)."""
    inputs_N = np.linspace(-2.0, 2.0, num_points)
    targets_N = np.tanh(inputs_N) + noise * np.random.default_rng(seed).normal(size=num_points)
    inputs, targets = jnp.asarray(inputs_N, jnp.float32), jnp.asarray(targets_N, jnp.float32)
    return View(partial(surfaces.chain_error, inputs_N=inputs, targets_N=targets), (0.0, 0.0), 2.5)


def valleys(seed: int, num_points: int, noise: float) -> View:
    """Two valleys of different depth: a local minimum that is not the global one (L962-L964)."""
    return View(surfaces.two_minima, (0.0, 0.0), 1.6)


VIEWS: dict[str, Callable[[int, int, float], View]] = {"neuron": neuron, "chain": chain, "valleys": valleys}


def critical_points(view: View) -> tuple[np.ndarray, surfaces.CriticalPoint]:
    """All critical points in the square that Newton's iteration finds from a grid of starts, lowest first.

    Returns:
        ((M, 2) points, what each of them is, (M,) leaves).
    """

    def search(start_2: Array) -> tuple[Array, surfaces.CriticalPoint, Array]:
        end_2 = surfaces.find_critical_point(view.surface, start_2, NEWTON_STEPS)
        return end_2, classify(view.surface, end_2), view.surface(end_2)

    starts_G2 = square(view, NEWTON_GRID).reshape(-1, 2)
    ends_G2, kinds, heights_G = jax.device_get(jax.jit(jax.vmap(search))(starts_G2))
    # Newton runs off where the surface is flat: such ends are NaN, outside, or not critical.
    inside_G = np.all(np.abs(ends_G2 - np.array(view.centre)) < view.reach, axis=1)
    inside_G &= kinds.kind != surfaces.CRITICAL_POINT_KINDS.index("not critical")
    kept: list[int] = []
    for index in sorted(np.flatnonzero(inside_G), key=lambda index: (round(float(heights_G[index]), 5), index)):
        if all(np.linalg.norm(ends_G2[index] - ends_G2[other]) > SAME_POINT for other in kept):
            kept.append(int(index))
    return ends_G2[kept], jax.tree.map(lambda leaf: leaf[kept], kinds)


def classify(surface: surfaces.Surface, point_2: Array) -> surfaces.CriticalPoint:
    """What a point is, by gradient and Hessian."""
    return surfaces.classify_critical_point(
        surface, point_2, gradient_tolerance=TOLERANCE, eigenvalue_tolerance=TOLERANCE
    )


def square(view: View, size: int) -> np.ndarray:
    """A grid of points over the square, (size, size, 2); the first weight runs along the second axis."""
    side = np.linspace(-view.reach, view.reach, size, dtype=np.float32)
    return np.stack(np.meshgrid(side, side), axis=-1) + np.array(view.centre, np.float32)


def descend(view: View, start_key: Array, learning_rate: Array | float, steps: int) -> Array:
    """The path of gradient descent from a start that is drawn from the inner part of the square."""
    reach = STARTS * view.reach
    start_2 = jax.random.uniform(start_key, (2,), minval=-reach, maxval=reach) + jnp.array(view.centre)
    return surfaces.descend(view.surface, start_2, optax.sgd(learning_rate), steps)


def run(config: ConfigDict) -> Outcome:
    """Critical points of each surface, and descents on it."""
    task = config.task
    rows: list[Row] = []
    arrays = {"labels": np.array(list(VIEWS))}
    for (name, make_view), rate in zip(VIEWS.items(), task.learning_rates, strict=True):
        view = make_view(config.seed, task.num_points, task.noise)
        points_M2, kinds = critical_points(view)
        walk = jax.jit(jax.vmap(partial(descend, view, steps=task.steps), in_axes=(0, None)))
        paths_SK2 = np.asarray(walk(keys_of(config), rate))
        rows += point_rows(name, view, points_M2, kinds)
        rows += path_rows(name, view, points_M2[kinds.kind == MINIMUM], paths_SK2, config)
        plane_GG2 = square(view, GRID)
        arrays |= {
            f"{name}_plane": plane_GG2,
            f"{name}_heights": heights(view, plane_GG2),
            f"{name}_points": points_M2,
            f"{name}_kinds": np.asarray(kinds.kind),
            f"{name}_eigenvalues": np.asarray(kinds.eigenvalues_D),
            f"{name}_paths": paths_SK2,
            f"{name}_path_heights": heights(view, paths_SK2),
        }
    # S24: its origin is a minimum, but all second derivatives are 0 there and cannot tell.
    flat = View(surfaces.quartic, (0.0, 0.0), 1.0)
    origin_12 = np.zeros((1, 2), np.float32)
    rows += point_rows("quartic", flat, origin_12, jax.jit(jax.vmap(partial(classify, flat.surface)))(origin_12))
    return Outcome(rows, arrays)


def heights(view: View, points: np.ndarray) -> np.ndarray:
    """The surface at points (..., 2)."""
    flat_N = jax.jit(jax.vmap(view.surface))(points.reshape(-1, 2))
    return np.asarray(flat_N).reshape(points.shape[:-1])


def point_rows(name: str, view: View, points_M2: np.ndarray, kinds: surfaces.CriticalPoint) -> list[Row]:
    """A row per critical point."""
    rows: list[Row] = []
    for index, (w1, w2) in enumerate(points_M2):
        # Adding 0 turns -0 into 0.
        place = f"({round(float(w1), 2) + 0.0:g}, {round(float(w2), 2) + 0.0:g})"
        rows += make_rows(
            f"{name}: {surfaces.CRITICAL_POINT_KINDS[int(kinds.kind[index])]} {place}",
            error=heights(view, points_M2)[index],
            gradient_norm=kinds.gradient_norm[index],
            smallest_eigenvalue=kinds.eigenvalues_D[index, 0],
            largest_eigenvalue=kinds.eigenvalues_D[index, -1],
        )
    return rows


def path_rows(name: str, view: View, minima_M2: np.ndarray, paths_SK2: np.ndarray, config: ConfigDict) -> list[Row]:
    """A row per descent: where it ended, and whether that is the lowest minimum (or as low)."""
    ends_S2 = paths_SK2[:, -1]
    found = jax.jit(jax.vmap(partial(classify, view.surface)))(ends_S2)
    distances_SM = np.linalg.norm(ends_S2[:, None] - minima_M2[None], axis=-1)
    depths_M = heights(view, minima_M2)
    return make_rows(
        f"{name}: descent from a random start",
        seeds_of(config),
        error=heights(view, ends_S2),
        gradient_norm=found.gradient_norm,
        smallest_eigenvalue=found.eigenvalues_D[:, 0],
        largest_eigenvalue=found.eigenvalues_D[:, -1],
        distance=distances_SM.min(axis=1),
        lowest=(depths_M[distances_SM.argmin(axis=1)] < depths_M.min() + SAME_HEIGHT).astype(float),
    )


def check(config: ConfigDict) -> None:
    """Raises ValueError unless there is a learning rate for each surface."""
    if len(config.task.learning_rates) != len(VIEWS):
        rates = config.task.learning_rates
        raise ValueError(f"config.task.learning_rates={rates} must hold {len(VIEWS)} numbers, for {', '.join(VIEWS)}")


STUDY = Study(
    run,
    settings=("num_points", "noise", "learning_rates", "steps"),
    columns=("error", "gradient_norm", "smallest_eigenvalue", "largest_eigenvalue", "distance", "lowest"),
    figures=("error_surface", "two_minima"),
    check=check,
)
