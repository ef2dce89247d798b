"""Checks of a loader's options: each raises a ValueError of one line with the value, the constraint and the fix."""

import difflib
import math
from collections.abc import Iterable
from numbers import Integral, Real


def check_int(name: str, value: object, low: int, high: int | None = None) -> int:
    """Returns `value` as an int in low..high (no upper bound where high is None); a bool does not count as a number."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name}={value!r} is {type(value).__name__}; use a whole number {_range(low, high)}")
    number = int(value)
    if number < low or (high is not None and number > high):
        raise ValueError(f"{name}={value!r} is out of range; use a whole number {_range(low, high)}")
    return number


def check_float(name: str, value: object, low: float, high: float | None = None) -> float:
    """Returns `value` as a finite float in [low, high] (no upper bound where high is None)."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name}={value!r} is {type(value).__name__}; use a number {_range(low, high)}")
    number = float(value)
    if not math.isfinite(number) or number < low or (high is not None and number > high):
        raise ValueError(f"{name}={value!r} is out of range; use a finite number {_range(low, high)}")
    return number


def check_choice(kind: str, value: object, choices: Iterable[str]) -> str:
    """Returns `value`, which must be one of `choices`; the error lists them and names the nearest spelling."""
    names = list(choices)
    if isinstance(value, str) and value in names:
        return value
    near = difflib.get_close_matches(str(value), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown {kind} {value!r}; choose from {', '.join(names)}{hint}")


def _range(low: float, high: float | None) -> str:
    return f"of at least {low}" if high is None else f"from {low} to {high}"
