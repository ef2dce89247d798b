"""What a row of the formula ledger is: an equation as a pure function, its hand-derived derivative, its witnesses.

Rows live in the literal tables of the chapter modules beside this one; nothing registers itself. `checks.py` evaluates
and judges them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

# For what the library computes in float32 on purpose: step sizes of schedules, dropout's scale, attention's softmax.
FLOAT32_TOLERANCE = 2e-7


class Oracle(NamedTuple):
    """An independent value of a formula.

    Attributes:
      name: who says so (`scipy`, `notes 4.8`, or the identity that is used).
      function: takes the row's arguments, returns what the row's function should return.
      tolerance: largest error allowed: relative for values above 1 in size, absolute below; absolute if approximate.
      traced: True for a JAX function, which is then compiled together with its row.
      entry: compare this entry of the flattened value only; None compares all of them.
      of_hand: True if it stands for the row's hand-derived derivative instead of its value.
      approximate: True for a rounded number or a statistic: it matches or not, the size of its error says nothing.
    """

    name: str
    function: Callable[..., Any]
    tolerance: float = 1e-10
    traced: bool = False
    entry: int | None = None
    of_hand: bool = False
    approximate: bool = False


class Formula(NamedTuple):
    """A row of the ledger.

    Attributes:
      id: row of the course map, with a letter where it holds several equations (`F009`, `F023b`).
      title: what it is.
      formula: the equation in plain text, in its corrected form where the notes slip.
      hand: the hand-derived form that is checked: the derivative, or a closed form.
      function: the pure function; the library's own where the library has one.
      arguments: NumPy arguments (float64, integer, or trees of them); derivatives are with respect to the first.
      derivative: the hand-derived derivative, a function of the same arguments; None where there is none.
      kind: `elementwise` (shape of the argument), `gradient` (of a scalar, structure of the argument) or `jacobian`
          (shape of the value followed by the shape of the argument).
      oracles: independent values.
      slips: errata that the row stands corrected for (`S7`).
    """

    id: str
    title: str
    formula: str
    hand: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    derivative: Callable[..., Any] | None = None
    kind: str = "gradient"
    oracles: tuple[Oracle, ...] = ()
    slips: tuple[str, ...] = ()


def normal(seed: int, *shape: int) -> np.ndarray:
    """Standard normal test points of a fixed seed, float64."""
    return np.random.default_rng(seed).normal(size=shape)


def uniform(seed: int, low: float, high: float, *shape: int) -> np.ndarray:
    """Uniform test points of a fixed seed in [low, high), float64."""
    return np.random.default_rng(seed).uniform(low, high, size=shape)


def labels(seed: int, count: int, classes: int = 2) -> np.ndarray:
    """Integer labels of a fixed seed in which every class occurs where count allows it, shape (count,)."""
    return np.random.default_rng(seed).permutation(np.arange(count) % classes)


def rounded(*numbers: str, entry: int | None = None, of_hand: bool = False, source: str = "") -> Oracle:
    """Known numbers as an oracle: exact to half a unit of their last digit.

    Args:
      numbers: as they are written (`4.7795`), all with the same number of decimals.
      entry: the entry of the flattened value that the number stands for; None for all of them.
      of_hand: True if it stands for the hand-derived derivative.
      source: who says so, for the name.

    Returns:
      The oracle.
    """
    expected = np.array([float(number) for number in numbers])
    decimals = max(len(number.partition(".")[2]) for number in numbers)
    # A hair above half a unit, because a half such as 0.25 need not be exact in binary.
    half_unit = 0.5 * 10.0**-decimals * (1 + 1e-9)
    name = f"{source} {', '.join(numbers)}".strip()
    return Oracle(name, lambda *_: expected, half_unit, entry=entry, of_hand=of_hand, approximate=True)


def printed(number: str, entry: int | None = None, of_hand: bool = False) -> Oracle:
    """A number that the notes print, see `rounded`."""
    return rounded(number, entry=entry, of_hand=of_hand, source="notes")


def about(number: float, tolerance: float, entry: int | None = None) -> Oracle:
    """The expected value of a statistic, within its sampling error.

    Args:
      number: the expected value.
      tolerance: some standard errors.
      entry: the entry of the flattened value that it stands for; None for all of them.

    Returns:
      The oracle.
    """
    return Oracle(f"{number:g} ± {tolerance:.2g}", lambda *_: number, tolerance, entry=entry, approximate=True)
