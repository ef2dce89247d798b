"""Ledger rows of the worked example of backpropagation (F039, F040), and its table.

The example itself is `nn_core.by_hand.backpropagation.worked_example`; here every one of its quantities is held against the
automatic derivative of E = (y - y^)^2 / 2 and against the number that the notes print.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from nn_core.activations import sigmoid, sigmoid_derivative
from nn_core.by_hand.backpropagation import WORKED_EXAMPLE_INPUTS, WORKED_EXAMPLE_PRINTED, WorkedExample, worked_example
from nn_core.formulas.ledger import Formula, Oracle, printed, rounded

X_D, W_D, W, Y, ETA = (np.asarray(value, np.float64) for value in WORKED_EXAMPLE_INPUTS.values())
HIDDEN_INPUT = np.float64(-0.02)
HIDDEN_OUTPUT = 1 / (1 + np.exp(0.02))

# Symbol, field of WorkedExample, entry of it.
_QUANTITIES: tuple[tuple[str, str, int | None], ...] = (
    ("h = Σ wᵢxᵢ", "hidden_input", None),
    ("a = f(h)", "hidden_output", None),
    ("ŷ = f(W·a)", "prediction", None),
    ("δᵒ = (y − ŷ)f′(W·a)", "output_error", None),
    ("δʰ = Wδᵒf′(h)", "hidden_error", None),
    ("ΔW = ηδᵒa", "output_step", None),
    ("Δw₁ = ηδʰx₁", "hidden_steps_D", 0),
    ("Δw₂ = ηδʰx₂", "hidden_steps_D", 1),
)


class PrintedNumber(NamedTuple):
    """A number of the example.

    Attributes:
      symbol: what it is.
      printed: as the notes print it, after rounding every intermediate result.
      exact: without rounding.
      slip: the erratum that explains a printed number which is not the exact one, rounded; else empty.
    """

    symbol: str
    printed: str
    exact: float
    slip: str


def printed_numbers() -> tuple[PrintedNumber, ...]:
    """The numbers that the notes print beside the exact ones, in the order of the notes.

    The notes round before they go on: the last number, .00045, is .5 x .003 x .3 with the rounded .003 (S16c).

    Returns:
      A record per printed number.
    """
    with jax.enable_x64(True):
        exact: WorkedExample = jax.device_get(jax.jit(worked_example)(X_D, W_D, W, Y, ETA))
    numbers = []
    for symbol, field, entry in _QUANTITIES:
        text, value = WORKED_EXAMPLE_PRINTED[field], exact._asdict()[field]
        if entry is not None:
            text, value = text[entry], value[entry]
        decimals = len(str(text).partition(".")[2])
        slip = "" if round(float(value), decimals) == float(str(text)) else "S16c"
        numbers.append(PrintedNumber(symbol, str(text), float(value), slip))
    return tuple(numbers)


def error(w_D: Any, output_weight: Any, x_D: Any, y: Any) -> Any:
    """E = (y - f(W f(w . x)))^2 / 2 with f the sigmoid: the error that the example's steps descend."""
    return 0.5 * (y - sigmoid(output_weight * sigmoid(jnp.sum(w_D * x_D)))) ** 2


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F039a",
        "Worked example: input to the hidden unit",
        "h = Σᵢ wᵢxᵢ",
        "∂h/∂wᵢ = xᵢ",
        lambda w, x: jnp.sum(w * x),
        (W_D, X_D),
        lambda w, x: x,
        oracles=(printed("-0.02"),),
        slips=("S16b",),
    ),
    Formula(
        "F039b",
        "Worked example: output of the hidden unit",
        "a = f(h) = sigmoid(h)",
        "∂a/∂wᵢ = a(1 − a)xᵢ",
        lambda w, x: sigmoid(jnp.sum(w * x)),
        (W_D, X_D),
        lambda w, x: sigmoid_derivative(jnp.sum(w * x)) * x,
        oracles=(printed("0.495"),),
    ),
    Formula(
        "F039c",
        "Worked example: output of the network",
        "ŷ = f(W·a)",
        "∂ŷ/∂W = ŷ(1 − ŷ)a",
        lambda output_weight, a: sigmoid(output_weight * a),
        (W, HIDDEN_OUTPUT),
        lambda output_weight, a: sigmoid_derivative(output_weight * a) * a,
        oracles=(printed("0.512"), rounded("0.512372")),
    ),
    Formula(
        "F039d",
        "Worked example: error term of the output unit",
        "δᵒ = (y − ŷ)f′(W·a)",
        "δᵒ = −∂E/∂z at z = W·a, of E = ½(y − f(z))²",
        lambda z, y: -0.5 * (y - sigmoid(z)) ** 2,
        (W * HIDDEN_OUTPUT, Y),
        lambda z, y: (y - sigmoid(z)) * sigmoid(z) * (1 - sigmoid(z)),
        oracles=(
            printed("0.122", of_hand=True),
            rounded("0.121832", of_hand=True),
        ),
    ),
    Formula(
        "F039e",
        "Worked example: error term of the hidden unit",
        "δʰ = Wδᵒf′(h)",
        "δʰ = −∂E/∂h, of E = ½(y − f(W·f(h)))²",
        lambda h, output_weight, y: -0.5 * (y - sigmoid(output_weight * sigmoid(h))) ** 2,
        (HIDDEN_INPUT, W, Y),
        lambda h, output_weight, y: worked_example(jnp.ones(1), h[None], output_weight, y, 1.0).hidden_error,
        oracles=(
            printed("0.003", of_hand=True),
            rounded("0.0030455", of_hand=True),
        ),
    ),
    Formula(
        "F039f",
        "Worked example: hidden-to-output weight step",
        "ΔW = ηδᵒa",
        "ΔW = −η ∂E/∂W",
        lambda output_weight, w, x, y, eta: -eta * error(w, output_weight, x, y),
        (W, W_D, X_D, Y, ETA),
        lambda output_weight, w, x, y, eta: worked_example(x, w, output_weight, y, eta).output_step,
        oracles=(printed("0.0302", of_hand=True),),
    ),
    Formula(
        "F039g",
        "Worked example: input-to-hidden weight steps",
        "Δwᵢ = ηδʰxᵢ",
        "Δwᵢ = −η ∂E/∂wᵢ",
        lambda w, output_weight, x, y, eta: -eta * error(w, output_weight, x, y),
        (W_D, W, X_D, Y, ETA),
        lambda w, output_weight, x, y, eta: worked_example(x, w, output_weight, y, eta).hidden_steps_D,
        oracles=(
            printed("0.00015", 0, of_hand=True),
            # Not half a unit but one: the notes multiply by the rounded .003.
            Oracle("notes 0.00045", lambda *_: 0.00045, 1e-5, entry=1, of_hand=True, approximate=True),
        ),
        slips=("S16c",),
    ),
    Formula(
        "F040a",
        "An output sigmoid loses 75 % of the error or more",
        "max σ′ = σ′(0) = 0.25",
        "σ″(0) = σ′(0)(1 − 2σ(0)) = 0, so 100(1 − σ′(0)) %",
        lambda x: 100 * (1 - sigmoid_derivative(x)),
        (np.float64(0.0),),
        lambda x: -100 * sigmoid_derivative(x) * (1 - 2 * sigmoid(x)),
        oracles=(printed("75"), Oracle("max on a grid", lambda _: 100 * (1 - _largest_sigmoid_slope()), 1e-9)),
    ),
    Formula(
        "F040b",
        "Error factor of two sigmoid layers",
        "∂σ(Wσ(h))/∂h = σ′(Wa)Wσ′(h) ≤ 0.0625|W|",
        "ŷ(1 − ŷ)·W·a(1 − a)",
        lambda h, weight: sigmoid(weight * sigmoid(h)),
        (np.linspace(-5.0, 5.0, 21), np.float64(-1.7)),
        lambda h, weight: sigmoid_derivative(weight * sigmoid(h)) * weight * sigmoid_derivative(h),
        kind="elementwise",
        slips=("S16",),
    ),
    Formula(
        "F040c",
        "Two sigmoids lose at least 93.75 % where |W| ≤ 1",
        "100(1 − 0.25²|W|) %",
        "∂/∂W = −6.25 sign W",
        lambda weight: 100 * (1 - 0.25**2 * jnp.abs(weight)),
        (np.float64(1.0),),
        lambda weight: -6.25 * jnp.sign(weight),
        oracles=(printed("93.75"),),
        slips=("S16",),
    ),
)


def _largest_sigmoid_slope() -> float:
    """max of the sigmoid's slope on a fine grid, in NumPy."""
    p = 1 / (1 + np.exp(-np.linspace(-3, 3, 6001)))
    return float(np.max(p * (1 - p)))
