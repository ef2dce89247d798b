"""How rows are measured and judged: wrong hand forms, oracles, shapes and functions fail, and only they."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.formulas.checks import check, judge, largest_error, measure
from nn_core.formulas.ledger import Formula, Oracle, rounded

X_D = np.array([0.3, -1.2, 2.0])


def row(**changes: object) -> Formula:
    """sum x^3 with its gradient 3x^2, or something else."""
    good = Formula(
        "F000",
        "cube",
        "Σx³",
        "3x²",
        lambda x: jnp.sum(x**3),
        (X_D,),
        lambda x: 3.0 * x**2,
        oracles=(Oracle("NumPy", lambda x: (x**3).sum()),),
    )
    return good._replace(**changes)


def failure(formula: Formula) -> str:
    return check([formula])[0].failure


def test_right_row_passes_with_tiny_errors() -> None:
    result = check([row()])[0]
    assert result.failure == ""
    assert result.autodiff is not None and result.autodiff < 1e-15
    assert result.difference is not None and 0 < result.difference < 1e-8
    assert result.oracles[0] < 1e-15


@pytest.mark.parametrize(
    "changes",
    [
        {"derivative": lambda x: 3.0 * x**2 * (1 + 1e-4)},
        {"derivative": lambda x: -3.0 * x**2},
        {"derivative": lambda x: 3.0 * x**2 + jnp.array([0.0, 0.0, 1e-4])},
        {"derivative": lambda x: (3.0 * x**2)[::-1]},
    ],
)
def test_wrong_hand_form_fails_both_checks(changes: dict[str, object]) -> None:
    failed = failure(row(**changes))
    assert "autodiff" in failed and "finite difference" in failed


def test_function_that_does_not_differentiate_as_it_computes_fails_the_finite_difference_only() -> None:
    wrong_gradient = jax.custom_vjp(lambda x: jnp.sum(x**3))
    wrong_gradient.defvjp(lambda x: (jnp.sum(x**3), x), lambda x, g: (g * x,))
    formula = row(function=wrong_gradient, derivative=lambda x: x)
    assert failure(formula).startswith("finite difference")


def test_hand_form_of_another_size_fails_instead_of_broadcasting() -> None:
    constant = row(function=lambda x: jnp.sum(2.0 * x), derivative=lambda x: jnp.asarray(2.0), oracles=())
    assert "error inf" in failure(constant)


def test_nan_is_never_small() -> None:
    assert "nan" in failure(row(derivative=lambda x: (x - x) / (x - x)))
    assert "nan" in failure(row(oracles=(Oracle("NaN", lambda x: np.nan),)))


def test_wrong_oracle_is_named() -> None:
    assert failure(row(oracles=(Oracle("off", lambda x: (x**3).sum() + 1e-6),))).startswith("off: error")


def test_oracle_of_the_hand_form_and_of_one_entry() -> None:
    assert failure(row(oracles=(Oracle("3x²", lambda x: 3 * x**2, of_hand=True),))) == ""
    assert failure(row(oracles=(rounded("12.0", entry=2, of_hand=True),))) == ""
    assert failure(row(oracles=(rounded("12.1", entry=2, of_hand=True),)))


def test_row_that_raises_is_reported_and_leaves_the_others_alone() -> None:
    broken = row(id="F001", function=lambda x: x[7, 7])
    unbroken = row(id="F002")
    unmeasurable = row(id="F003", oracles=(Oracle("broken", lambda x: {}["missing"]),))
    results = check([broken, unbroken, unmeasurable])
    assert "IndexError" in results[0].failure and "\n" not in results[0].failure
    assert results[1].failure == ""
    assert "broken: KeyError" in results[2].failure


def test_unknown_kind_is_refused() -> None:
    assert "kind='tensor'" in failure(row(kind="tensor"))


def test_elementwise_and_jacobian_layouts() -> None:
    elementwise = row(function=lambda x: x**3, kind="elementwise", oracles=())
    assert failure(elementwise) == ""
    matrix_23 = np.arange(6.0).reshape(2, 3)
    linear = row(
        function=lambda x, m: m @ x, arguments=(X_D, matrix_23), derivative=lambda x, m: m, kind="jacobian", oracles=()
    )
    assert failure(linear) == ""
    transposed = linear._replace(derivative=lambda x, m: m.T)
    assert "autodiff" in failure(transposed)


def test_trees_are_differentiated_leaf_by_leaf() -> None:
    tree = {"a": X_D, "b": np.float64(2.0)}
    formula = row(
        function=lambda t: jnp.sum(t["a"] ** 2) * t["b"],
        arguments=(tree,),
        derivative=lambda t: {"a": 2 * t["a"] * t["b"], "b": jnp.sum(t["a"] ** 2)},
        oracles=(),
    )
    assert failure(formula) == ""


def test_double_precision_ends_with_the_check() -> None:
    check([row()])
    assert jnp.zeros(1).dtype == jnp.float32


def test_a_measurement_can_be_judged_again() -> None:
    measurement = measure([row()])[0]
    assert judge(row(), measurement).failure == ""
    assert judge(row(), measurement._replace(hand=-measurement.hand)).failure  # type: ignore[operator]


def test_largest_error_is_relative_above_one() -> None:
    assert largest_error([1001.0, 0.5], [1000.0, 0.5]) == pytest.approx(1e-3)
    assert largest_error([1001.0], [1000.0], relative=False) == 1.0
    assert largest_error([np.inf], [np.inf]) == 0.0
    assert largest_error([1.0, 2.0], [1.0]) == np.inf
    assert np.isnan(largest_error([np.nan], [1.0]))
