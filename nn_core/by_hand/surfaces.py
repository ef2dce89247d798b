"""Functions of one or two weights to descend on and to look at, and their critical points (F036, F061).

Every surface maps a point (D,) to a scalar: draw it with `jax.vmap`, descend it with `descend` and any optax
transformation.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from nn_core.activations import sigmoid

Surface = Callable[[Array], Array]


def quadratic(x_D: Array, curvatures_D: Array) -> Array:
    """A bowl, 1/2 sum c_i x_i^2: its minimum is 0 at the origin; unequal curvatures make a long valley.

    Args:
      x_D: (D,) point.
      curvatures_D: (D,) eigenvalues of the Hessian.

    Returns:
      The scalar height.
    """
    return 0.5 * jnp.sum(curvatures_D * x_D**2)


def saddle(x_2: Array) -> Array:
    """x^2 - y^2: a critical point at the origin that is neither minimum nor maximum (F061)."""
    return x_2[0] ** 2 - x_2[1] ** 2


def quartic(x_D: Array) -> Array:
    """sum x_i^4: a minimum whose Hessian is 0, so a positive definite Hessian is sufficient but not necessary (S24)."""
    return jnp.sum(x_D**4)


def two_minima(x_2: Array, tilt: Array | float = 0.3) -> Array:
    """(x^2 - 1)^2 + y^2 + tilt x: two valleys, the left one deeper for tilt > 0 (F036, F061).

    Args:
      x_2: (2,) point.
      tilt: difference in height, in (-1.5, 1.5) for two minima to exist; 0 makes them equal (L_local >= L_global: S24).

    Returns:
      The scalar height.
    """
    x, y = x_2
    return (x**2 - 1) ** 2 + y**2 + tilt * x


def hump(x_1: Array, height: Array | float = 0.2) -> Array:
    """A bowl with a hump on the way down, in one dimension: x^2/20 + height exp(-4 (x + 2)^2) (F063).

    From x = -5 plain descent halts in the hollow before the hump at x = -2; momentum .9 rolls over it.

    Args:
      x_1: (1,) point.
      height: height of the hump; at .1 there is no hollow yet.

    Returns:
      The scalar height; the global minimum is nearly 0 at the origin.
    """
    x = x_1[0]
    return x**2 / 20 + height * jnp.exp(-4 * (x + 2) ** 2)


def rastrigin(x_D: Array, amplitude: float = 10.0) -> Array:
    """A D + sum x_i^2 - A cos(2 pi x_i): minima near every whole-numbered point, the global one 0 at the origin (F066).

    Args:
      x_D: (D,) point, usually within [-5.12, 5.12].
      amplitude: A, 10 by custom.

    Returns:
      The scalar height (Rastrigin 1974).
    """
    return amplitude * x_D.size + jnp.sum(x_D**2 - amplitude * jnp.cos(2 * jnp.pi * x_D))


def neuron_error(weights_D: Array, inputs_ND: Array, targets_N: Array) -> Array:
    """The error of one sigmoid unit as a function of its weights, 1/(2m) sum (y - sigma(w . x))^2 (F036).

    Args:
      weights_D: (D,) weights; two for a contour plot.
      inputs_ND: (N, D) records.
      targets_N: (N,) targets.

    Returns:
      The scalar error.
    """
    return 0.5 * jnp.mean((targets_N - sigmoid(inputs_ND @ weights_D)) ** 2)


def chain_error(weights_2: Array, inputs_N: Array, targets_N: Array) -> Array:
    """The error of the smallest network with a hidden unit, y^ = v tanh(w x), over its two weights (w, v).

    (w, v) and (-w, -v) are the same function, so a minimum always has a mirror image, with the saddle at the origin
    between them: the two minima of real networks (F036).

    Args:
      weights_2: (w, v).
      inputs_N: (N,) inputs.
      targets_N: (N,) targets.

    Returns:
      The scalar error 1/(2m) sum (y - y^)^2.
    """
    w, v = weights_2
    return 0.5 * jnp.mean((targets_N - v * jnp.tanh(w * inputs_N)) ** 2)


def descend(surface: Surface, start_D: Array, transformation: optax.GradientTransformation, num_steps: int) -> Array:
    """The path of an optimizer on a surface.

    Args:
      surface: (D,) -> scalar, differentiable.
      start_D: (D,) start.
      transformation: any optax transformation; its numbers may be tracers.
      num_steps: updates (static).

    Returns:
      (num_steps + 1, D) points, the start first.
    """

    def step(carry: tuple[Array, optax.OptState], _: None) -> tuple[tuple[Array, optax.OptState], Array]:
        x_D, state = carry
        updates_D, state = transformation.update(jax.grad(surface)(x_D), state, x_D)
        x_D = x_D + updates_D
        return (x_D, state), x_D

    _, path = lax.scan(step, (start_D, transformation.init(start_D)), None, length=num_steps)
    return jnp.concatenate([start_D[None, :], path])


CRITICAL_POINT_KINDS = ("minimum", "saddle", "maximum", "degenerate", "not critical")


class CriticalPoint(NamedTuple):
    """The kind of a point of a surface.

    Attributes:
      kind: index into CRITICAL_POINT_KINDS.
      gradient_norm: length of the gradient.
      eigenvalues_D: eigenvalues of the Hessian, ascending.
    """

    kind: Array
    gradient_norm: Array
    eigenvalues_D: Array


def classify_critical_point(
    surface: Surface, x_D: Array, *, gradient_tolerance: float = 1e-3, eigenvalue_tolerance: float = 1e-3
) -> CriticalPoint:
    """Minimum, saddle or maximum by the signs of the Hessian's eigenvalues (F061).

    A gradient of 0 and a positive definite Hessian make a local minimum; the converse fails (S24): a minimum may have a
    Hessian with eigenvalues 0, and then the second derivatives cannot tell ("degenerate").

    Args:
      surface: (D,) -> scalar, twice differentiable.
      x_D: (D,) point.
      gradient_tolerance: gradients up to this length count as 0.
      eigenvalue_tolerance: eigenvalues up to this size count as 0.

    Returns:
      A `CriticalPoint`.
    """
    gradient_norm = jnp.linalg.norm(jax.grad(surface)(x_D))
    eigenvalues_D = jnp.linalg.eigvalsh(jax.hessian(surface)(x_D))
    up, down = eigenvalues_D > eigenvalue_tolerance, eigenvalues_D < -eigenvalue_tolerance
    cases = [gradient_norm > gradient_tolerance, jnp.all(up), jnp.any(up) & jnp.any(down), jnp.all(down)]
    names = ("not critical", "minimum", "saddle", "maximum")
    kind = jnp.select(
        cases, [CRITICAL_POINT_KINDS.index(name) for name in names], CRITICAL_POINT_KINDS.index("degenerate")
    )
    return CriticalPoint(kind, gradient_norm, eigenvalues_D)


def find_critical_point(surface: Surface, x_D: Array, num_steps: int) -> Array:
    """Newton's iteration x <- x - H^-1 grad: to the critical point nearby, whatever its kind.

    Args:
      surface: (D,) -> scalar, twice differentiable.
      x_D: (D,) start, near a critical point with a regular Hessian.
      num_steps: iterations (static); 5 to 10 are plenty from nearby.

    Returns:
      (D,) point.
    """

    def step(x_D: Array, _: None) -> tuple[Array, None]:
        return x_D - jnp.linalg.solve(jax.hessian(surface)(x_D), jax.grad(surface)(x_D)), None

    return lax.scan(step, x_D, None, length=num_steps)[0]
