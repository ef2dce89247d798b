"""Pictures of learning: the error over two weights, and the model-complexity graph."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from experiments.figures.style import COLOURS, band, below, label, subplots
from nn_core.by_hand.surfaces import descend, neuron_error

SIDE, REACH = 81, 6.0
RATE, STEPS = 8.0, 150
DEGREES, NUM_DRAWS, NUM_TRAIN, NUM_TEST, NOISE = tuple(range(13)), 40, 20, 200, 0.25


def error_surface() -> Figure:
    """The error of one sigmoid unit as a mountain and as a map, with a descent (F036)."""
    random = np.random.default_rng(0)
    inputs_N2 = random.normal(size=(60, 2)).astype(np.float32)
    targets_N = (inputs_N2 @ np.array([1.5, -1.0]) + 0.6 * random.normal(size=60) > 0).astype(np.float32)

    def error(weights_2: jax.Array) -> jax.Array:
        return neuron_error(weights_2, jnp.asarray(inputs_N2), jnp.asarray(targets_N))

    side = np.linspace(-REACH, REACH, SIDE, dtype=np.float32)
    x, y = np.meshgrid(side, side)
    heights = np.asarray(jax.jit(jax.vmap(jax.vmap(error)))(jnp.stack([x, y], axis=-1)))
    path_K2 = np.asarray(jax.jit(lambda start: descend(error, start, optax.sgd(RATE), STEPS))(jnp.array([-5.0, 4.0])))
    along_K = np.asarray(jax.vmap(error)(jnp.asarray(path_K2)))
    figure = subplots(1, 2, width=5.2, height=4.4)[0]
    figure.clear()
    mountain = figure.add_subplot(1, 2, 1, projection="3d", computed_zorder=False)  # the path is on the mountain
    mountain.plot_surface(x, y, heights, cmap="Greys", alpha=0.75, linewidth=0, rcount=40, ccount=40)
    mountain.plot(*path_K2.T, along_K + 0.004, color=COLOURS[1], linewidth=2.5)
    mountain.set(xlabel="$w_1$", ylabel="$w_2$", zlabel="error")
    mountain.view_init(elev=35, azim=-60)
    plane = figure.add_subplot(1, 2, 2)
    shades = plane.contourf(x, y, heights, levels=18, cmap="Greys")
    figure.colorbar(shades, ax=plane, label="error", shrink=0.8)
    plane.plot(*path_K2.T, "-", color=COLOURS[1], linewidth=2, label=f"gradient descent, {STEPS} steps")
    plane.plot(*path_K2[0], "^", color=COLOURS[1], markersize=9, markeredgecolor="white")
    plane.plot(*path_K2[-1], "o", color=COLOURS[0], markersize=9, markeredgecolor="white", label="where it ends")
    label(plane, "$w_1$", "$w_2$", "the same from above")
    plane.grid(False)
    plane.set_aspect("equal")
    below(plane, columns=2)
    return figure


def model_complexity() -> Figure:
    """Polynomials of rising degree fitted to noisy points: training error falls, testing error turns (F045)."""
    train_SN, test_SN = np.array([errors(seed) for seed in range(NUM_DRAWS)]).transpose(1, 0, 2)
    figure, axes = subplots(1, 1, width=6.4, height=4.2)
    axis = axes[0][0]
    band(axis, DEGREES, np.log10(train_SN), "training error", 0)
    band(axis, DEGREES, np.log10(test_SN), "testing error", 1)
    best = int(np.argmin(np.log10(test_SN).mean(axis=0)))
    axis.axvline(DEGREES[best], color="black", linestyle=":", linewidth=1.2)
    top = axis.get_ylim()[1]
    axis.text(DEGREES[best], top, " just right", va="top")
    axis.text(DEGREES[0], top, "underfitting", va="top")
    axis.text(DEGREES[-1], top, "overfitting", va="top", ha="right")
    name = f"degree of a polynomial through {NUM_TRAIN} points (model complexity)"
    label(axis, name, "mean squared error", f"mean and 95 % interval over {NUM_DRAWS} draws of the points")
    axis.yaxis.set_major_locator(MultipleLocator(1))
    axis.yaxis.set_major_formatter(lambda exponent, _: f"{10.0**exponent:g}")
    axis.legend(frameon=False, loc="center left")
    return figure


def errors(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and testing error of the least-squares polynomial of each degree, on one draw of the points."""
    random = np.random.default_rng(seed)
    x_N = random.uniform(-1, 1, NUM_TRAIN + NUM_TEST)
    y_N = np.sin(4 * x_N) + NOISE * random.normal(size=x_N.size)
    train, test = slice(0, NUM_TRAIN), slice(NUM_TRAIN, None)
    found = []
    for degree in DEGREES:
        fitted = np.polynomial.Legendre.fit(x_N[train], y_N[train], degree, domain=[-1, 1])
        residuals_N = (fitted(x_N) - y_N) ** 2
        found.append((residuals_N[train].mean(), residuals_N[test].mean()))
    losses = np.array(found)
    return losses[:, 0], losses[:, 1]
