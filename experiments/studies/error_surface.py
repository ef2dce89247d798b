"""Error surfaces of two weights: descents from many starts, and where they end (F036, F061)."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, keys_of, make_rows, seeds_of
from nn_core.activations import sigmoid
from nn_core.by_hand import surfaces

GRID = 121  # points along each side of a drawn surface
STARTS = 0.75  # share of the square's side from which starts are drawn, so that paths stay inside
NEWTON_GRID, NEWTON_STEPS = 15, 30  # starts along each side, steps, of the search for critical points
TOLERANCE = 1e-4  # gradients up to this length, and eigenvalues up to this size, count as 0
SAME_POINT = 1e-2  # critical points nearer than this are one
SAME_HEIGHT = 1e-4  # minima that differ less are equally deep


class View(NamedTuple):
    """A surface and the square on which it is shown.

    Attributes:
        surface: (2,) -> scalar.
        centre, reach: the square is centre - reach to centre + reach along both weights.
    """

    surface: surfaces.Surface
    centre: tuple[float, float]
    reach: float


def neuron(seed: int, num_points: int, noise: float) -> View:
    """One sigmoid unit without bias; its targets come from such a unit with noise on its input (F036)."""
    rng = np.random.default_rng(seed)
    inputs_N2 = rng.normal(size=(num_points, 2))
    sums_N = inputs_N2 @ np.array([1.5, -1.0]) + noise * rng.normal(size=num_points)
    inputs, targets = jnp.asarray(inputs_N2, jnp.float32), sigmoid(jnp.asarray(sums_N, jnp.float32))
    return View(partial(surfaces.neuron_error, inputs_ND=inputs, targets_N=targets), (0.0, 0.0), 4.0)


def chain(seed: int, num_points: int, noise: float) -> View:
    """A hidden tanh unit and a linear output: two equal minima, mirror images (F036)."""
    inputs_N = np.linspace(-2.0, 2.0, num_points)
    targets_N = np.tanh(inputs_N) + noise * np.random.default_rng(seed).normal(size=num_points)
    inputs, targets = jnp.asarray(inputs_N, jnp.float32), jnp.asarray(targets_N, jnp.float32)
    return View(partial(surfaces.chain_error, inputs_N=inputs, targets_N=targets), (0.0, 0.0), 2.5)


def valleys(seed: int, num_points: int, noise: float) -> View:
    """Two valleys of different depth: a local minimum that is not the global one (F036)."""
    return View(surfaces.two_minima, (0.0, 0.0), 1.6)


VIEWS: dict[str, Callable[[int, int, float], View]] = {"neuron": neuron, "chain": chain, "valleys": valleys}


class Place(NamedTuple):
    """A point of a surface; leaves have a leading axis where there are several.

    Attributes:
        point_2: the weights.
        height: the error there.
        what: its kind according to gradient and Hessian.
    """

    point_2: Array
    height: Array
    what: surfaces.CriticalPoint


def look(surface: surfaces.Surface, point_2: Array) -> Place:
    """The record of a point."""
    what = surfaces.classify_critical_point(
        surface, point_2, gradient_tolerance=TOLERANCE, eigenvalue_tolerance=TOLERANCE
    )
    return Place(point_2, surface(point_2), what)


def square(view: View, size: int) -> np.ndarray:
    """A grid of points over the square, (size, size, 2); the first weight runs along the second axis."""
    side = np.linspace(-view.reach, view.reach, size, dtype=np.float32)
    return np.stack(np.meshgrid(side, side), axis=-1) + np.array(view.centre, np.float32)


def survey(view: View, steps: int, keys_S: Array, learning_rate: Array) -> dict[str, Any]:
    """Everything about a surface, in one program: Newton from a grid, descents from random starts, a map.

    Starts of descents are drawn from the inner part of the square.
    """
    surface = view.surface

    def search(start_2: Array) -> Place:
        return look(surface, surfaces.find_critical_point(surface, start_2, NEWTON_STEPS))

    def descend(start_key: Array) -> Array:
        reach = STARTS * view.reach
        start_2 = jax.random.uniform(start_key, (2,), minval=-reach, maxval=reach) + jnp.array(view.centre)
        return surfaces.descend(surface, start_2, optax.sgd(learning_rate), steps)

    paths_SK2 = jax.vmap(descend)(keys_S)
    return {
        "searched": jax.vmap(search)(jnp.asarray(square(view, NEWTON_GRID)).reshape(-1, 2)),
        "ends": jax.vmap(partial(look, surface))(paths_SK2[:, -1]),
        "heights": jax.vmap(jax.vmap(surface))(jnp.asarray(square(view, GRID))),
        "paths": paths_SK2,
        "path_heights": jax.vmap(jax.vmap(surface))(paths_SK2),
    }


def critical_points(view: View, searched: Place) -> Place:
    """The different critical points in the square among the ends of Newton's iteration, lowest first."""
    points_G2 = searched.point_2
    # Newton runs off where the surface is flat: such ends are NaN, outside, or not critical.
    inside_G = np.all(np.abs(points_G2 - np.array(view.centre)) < view.reach, axis=1)
    inside_G &= searched.what.kind != surfaces.CRITICAL_POINT_KINDS.index("not critical")
    kept: list[int] = []
    for index in sorted(np.flatnonzero(inside_G), key=lambda index: (round(float(searched.height[index]), 5), index)):
        if all(np.linalg.norm(points_G2[index] - points_G2[other]) > SAME_POINT for other in kept):
            kept.append(int(index))
    return jax.tree.map(lambda leaf: leaf[kept], searched)


def run(config: ConfigDict) -> Outcome:
    """Critical points of each surface, and descents on it."""
    task = config.task
    rows: list[Row] = []
    arrays = {"labels": np.array(list(VIEWS))}
    for (name, make_view), rate in zip(VIEWS.items(), task.learning_rates, strict=True):
        view = make_view(config.seed, task.num_points, task.noise)
        found = jax.device_get(compiled(partial(survey, view, task.steps))(keys_of(config), rate))
        points = critical_points(view, found["searched"])
        rows += point_rows(name, points)
        rows += path_rows(name, points, found["ends"], seeds_of(config))
        arrays |= {
            f"{name}_plane": square(view, GRID),
            f"{name}_heights": found["heights"],
            f"{name}_points": np.asarray(points.point_2),
            f"{name}_kinds": np.asarray(points.what.kind),
            f"{name}_eigenvalues": np.asarray(points.what.eigenvalues_D),
            f"{name}_paths": found["paths"],
            f"{name}_path_heights": found["path_heights"],
        }
    # S24: its origin is a minimum, but all second derivatives are 0 there and do not show it.
    origin = jax.device_get(compiled(jax.vmap(partial(look, surfaces.quartic)))(np.zeros((1, 2), np.float32)))
    return Outcome(rows + point_rows("quartic", origin), arrays)


def point_rows(name: str, points: Place) -> list[Row]:
    """A row per critical point."""
    rows: list[Row] = []
    for index, (w1, w2) in enumerate(points.point_2):
        # Adding 0 turns -0 into 0.
        place = f"({round(float(w1), 2) + 0.0:g}, {round(float(w2), 2) + 0.0:g})"
        one = jax.tree.map(lambda leaf, index=index: leaf[index : index + 1], points)
        rows += make_rows(f"{name}: {surfaces.CRITICAL_POINT_KINDS[int(one.what.kind[0])]} {place}", **columns(one))
    return rows


def path_rows(name: str, points: Place, ends: Place, seeds: range) -> list[Row]:
    """A row per descent: where it ended, its distance from a minimum, and whether that is (as low as) the lowest."""
    is_minimum_M = np.asarray(points.what.kind) == surfaces.CRITICAL_POINT_KINDS.index("minimum")
    distance_S, lowest_S = np.full((2, len(seeds)), np.nan)
    if is_minimum_M.any():
        depths_M = np.asarray(points.height)[is_minimum_M]
        distances_SM = np.linalg.norm(ends.point_2[:, None] - points.point_2[is_minimum_M][None], axis=-1)
        distance_S = distances_SM.min(axis=1)
        lowest_S = (depths_M[distances_SM.argmin(axis=1)] < depths_M.min() + SAME_HEIGHT).astype(float)
    label = f"{name}: descent from a random start"
    return make_rows(label, seeds, **columns(ends), distance=distance_S, lowest=lowest_S)


def columns(places: Place) -> dict[str, Any]:
    """The numbers that points have in the table."""
    return {
        "error": places.height,
        "gradient_norm": places.what.gradient_norm,
        "smallest_eigenvalue": places.what.eigenvalues_D[:, 0],
        "largest_eigenvalue": places.what.eigenvalues_D[:, -1],
    }


def check(config: ConfigDict) -> None:
    """Raises ValueError unless there is a learning rate for each surface."""
    if len(config.task.learning_rates) != len(VIEWS):
        rates = config.task.learning_rates
        raise ValueError(f"config.task.learning_rates={rates} must hold {len(VIEWS)} numbers, for {', '.join(VIEWS)}")


STUDY = Study(
    run,
    settings={
        "num_points": "[2, 100000]",
        "noise": "[0, 100]",
        "learning_rates": "(0, inf)",
        "steps": "[1, 100000]",
    },
    columns=("error", "gradient_norm", "smallest_eigenvalue", "largest_eigenvalue", "distance", "lowest"),
    figures=("error_surface", "two_minima"),
    check=check,
)
