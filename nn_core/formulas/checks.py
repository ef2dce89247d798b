"""Checks of the formula ledger, in float64.

A row's hand-derived derivative is compared with automatic differentiation (`jax.grad`, `jax.jacfwd`) and with a central
finite difference; its value with every oracle. Measuring and judging are apart, so that a test can spoil a measured
hand form and see the row fail without compiling anything again.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from nn_core.formulas.ledger import Formula

AUTODIFF_TOLERANCE = 1e-10
DIFFERENCE_TOLERANCE = 1e-6
DIFFERENCE_STEP = 1e-5
# The programs are tiny and run once: compiling them well costs more than running them badly. Some of these options
# exist in some versions of XLA only.
_QUICK_OPTIONS: dict[str, str | bool] = {"xla_backend_optimization_level": "0"}
_QUICKEST_OPTIONS = _QUICK_OPTIONS | {"xla_cpu_use_fusion_emitters": False, "xla_llvm_disable_expensive_passes": True}


class Measurement(NamedTuple):
    """What a row evaluates to, as flat float64 arrays; `problem` says why there is nothing to judge, or is empty."""

    value: np.ndarray | None = None
    hand: np.ndarray | None = None
    autodiff: np.ndarray | None = None
    difference: np.ndarray | None = None
    oracles: tuple[np.ndarray, ...] = ()
    problem: str = ""


class Result(NamedTuple):
    """The largest errors of a row; None where it has no such check. `failure` is empty if the row passes."""

    formula: Formula
    autodiff: float | None
    difference: float | None
    oracles: tuple[float, ...]
    failure: str = ""


def check(formulas: Sequence[Formula]) -> list[Result]:
    """Measures and judges rows; one compilation for all of them.

    Args:
      formulas: the rows.

    Returns:
      A result per row, in order.
    """
    return [judge(row, measured) for row, measured in zip(formulas, measure(formulas), strict=True)]


def measure(formulas: Sequence[Formula]) -> list[Measurement]:
    """Evaluates rows in float64, compiled together as one program.

    Args:
      formulas: the rows, with unique ids. A row that cannot be evaluated does not disturb the others.

    Returns:
      A measurement per row, in order.
    """
    problems: dict[str, str] = {}

    def program(arguments: dict[str, tuple[Any, ...]]) -> dict[str, dict[str, Any]]:
        traced = {}
        for row in formulas:
            try:
                traced[row.id] = _evaluate(row, arguments[row.id])
            except Exception as error:  # whatever a row raises is its result
                traced[row.id], problems[row.id] = {}, _one_line(error)
        return traced

    with jax.enable_x64(True):
        # Arguments, not constants: XLA would otherwise fold the program away while it compiles.
        arguments = {row.id: row.arguments for row in formulas}
        evaluated = jax.device_get(_compiled(jax.jit(program).lower(arguments))(arguments))
        return [_measurement(row, evaluated[row.id], problems.get(row.id, "")) for row in formulas]


def judge(formula: Formula, measurement: Measurement) -> Result:
    """Compares what was measured with the row's tolerances.

    Args:
      formula: the row.
      measurement: its measurement.

    Returns:
      The largest errors, and a failure of one line where one of them is too large (NaN counts as too large).
    """
    if measurement.problem:
        return Result(formula, None, None, (), measurement.problem)
    autodiff = difference = None
    failures = []
    if measurement.hand is not None:
        autodiff = largest_error(measurement.hand, measurement.autodiff)
        difference = largest_error(measurement.hand, measurement.difference)
        failures += _excess("autodiff", autodiff, AUTODIFF_TOLERANCE)
        failures += _excess("finite difference", difference, DIFFERENCE_TOLERANCE)
    oracle_errors = []
    for oracle, expected in zip(formula.oracles, measurement.oracles, strict=True):
        value = np.asarray(measurement.hand if oracle.of_hand else measurement.value)
        value = value if oracle.entry is None else value[[oracle.entry]]
        if oracle.approximate and expected.size == 1:
            expected = np.broadcast_to(expected, value.shape)
        oracle_errors.append(largest_error(value, expected, relative=not oracle.approximate))
        failures += _excess(oracle.name, oracle_errors[-1], oracle.tolerance)
    return Result(formula, autodiff, difference, tuple(oracle_errors), "; ".join(failures))


def largest_error(actual: Any, expected: Any, relative: bool = True) -> float:
    """max |actual - expected| / max(1, |expected|), or without the division.

    Args:
      actual: array of any shape.
      expected: array with as many entries.
      relative: False for max |actual - expected|.

    Returns:
      The largest error; infinity for another size, NaN where either is NaN, 0 for infinities that agree.
    """
    a, b = np.ravel(np.asarray(actual, np.float64)), np.ravel(np.asarray(expected, np.float64))
    if a.size != b.size:
        return math.inf
    with np.errstate(invalid="ignore"):
        errors = np.where(a == b, 0.0, np.abs(a - b) / (np.maximum(1.0, np.abs(b)) if relative else 1.0))
    return float(np.max(errors, initial=0.0))


def _compiled(lowered: jax.stages.Lowered) -> jax.stages.Compiled:
    try:
        return lowered.compile(_QUICKEST_OPTIONS)
    except jax.errors.JaxRuntimeError as error:
        if "No such compile option" not in str(error):
            raise
        return lowered.compile(_QUICK_OPTIONS)


def _evaluate(row: Formula, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Value, traced oracles, hand form, autodiff and finite difference of a row, all flat."""
    evaluated: dict[str, Any] = {"value": _flat(row.function(*arguments))}
    for index, oracle in enumerate(row.oracles):
        if oracle.traced:
            evaluated[f"oracle {index}"] = _flat(oracle.function(*arguments))
    if row.derivative is not None:
        evaluated["hand"] = _flat(row.derivative(*arguments))
        evaluated["autodiff"], evaluated["difference"] = _derivatives(row, *arguments)
    return evaluated


def _derivatives(row: Formula, x: Any, *rest: Any) -> tuple[Any, Any]:
    """Automatic and central-difference derivative by x, flat, in the layout of the row's kind."""
    h = DIFFERENCE_STEP
    # Both sides in one call: half as much to compile.
    if row.kind == "elementwise":
        above, below = jnp.split(row.function(jnp.concatenate([x + h, x - h]), *rest), 2)
        return jax.vmap(jax.grad(lambda entry: row.function(entry, *rest)))(x), (above - below) / (2 * h)
    x_flat, unravel = ravel_pytree(x)
    steps = jnp.concatenate([h * jnp.eye(x_flat.size), -h * jnp.eye(x_flat.size)])
    value_of_flat = jax.vmap(lambda flat: _flat(row.function(unravel(flat), *rest)))
    above, below = jnp.split(value_of_flat(x_flat[None, :] + steps), 2)
    slopes = (above - below) / (2 * h)
    if row.kind == "gradient":
        return _flat(jax.grad(lambda tree: row.function(tree, *rest))(x)), _flat(slopes)
    if row.kind == "jacobian":
        jacobian = jax.jacfwd(lambda flat: _flat(row.function(unravel(flat), *rest)))(x_flat)
        return _flat(jacobian), _flat(slopes.T)
    raise ValueError(f"kind={row.kind!r} of row {row.id} is unknown; use elementwise, gradient or jacobian")


def _measurement(row: Formula, evaluated: dict[str, Any], problem: str) -> Measurement:
    """Adds the oracles that are not JAX functions: they run here, outside the compiled program."""
    if problem:
        return Measurement(problem=problem)
    expected = []
    for index, oracle in enumerate(row.oracles):
        try:
            value = evaluated[f"oracle {index}"] if oracle.traced else oracle.function(*row.arguments)
            expected.append(np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(value)]).astype(np.float64))
        except Exception as error:  # an oracle that breaks is a failed check of its row, not of the ledger
            return Measurement(problem=f"{oracle.name}: {_one_line(error)}")
    value, hand, autodiff, difference = (evaluated.get(name) for name in ("value", "hand", "autodiff", "difference"))
    return Measurement(value, hand, autodiff, difference, tuple(expected))


def _flat(tree: Any) -> Any:
    """All numbers of a tree as one float vector, in the order of its leaves."""
    return jnp.concatenate([jnp.ravel(jnp.asarray(leaf)).astype(float) for leaf in jax.tree.leaves(tree)])


def _excess(name: str, error: float, tolerance: float) -> list[str]:
    """A failure, unless the error is small enough; NaN never is."""
    return [] if error <= tolerance else [f"{name}: error {error:.2g} > {tolerance:.2g}"]


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
