"""What an erratum is: a slip of the notes, what is right instead, and the damage in figures computed at run time."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

# Values are numbers or scalar arrays.
Figures = Mapping[str, Any]


class Erratum(NamedTuple):
    """A mistake in the notes, demonstrated.

    Attributes:
      id: its row (`S1`).
      kind: M mathematically or factually wrong, C the notes contradict themselves, A they leave open what misleads.
      printed: what the notes say.
      right: what is right, and what this library does.
      figures: computes the damage: name -> number, pure and seeded.
      damage: the damage as a sentence, a format string over the figures.
      shows: whether the figures demonstrate the slip: what is printed is wrong *and* what is right is right.
    """

    id: str
    kind: str
    printed: str
    right: str
    figures: Callable[[], Figures]
    damage: str
    shows: Callable[[Mapping[str, float]], bool]


class Demonstration(NamedTuple):
    """An erratum as it was run; `failure` is empty if its figures show the slip."""

    erratum: Erratum
    figures: dict[str, float]
    damage: str
    failure: str = ""


def demonstrate(erratum: Erratum) -> Demonstration:
    """Runs an erratum in float64.

    Args:
      erratum: a row of the table.

    Returns:
      Its figures and the sentence that holds them; a failure of one line if they do not show the slip.
    """
    with jax.enable_x64(True):
        try:
            figures = {name: float(value) for name, value in erratum.figures().items()}
        except Exception as error:  # whatever a row raises is its result
            return Demonstration(erratum, {}, "", " ".join(f"{type(error).__name__}: {error}".split())[:200])
    sentence = erratum.damage.format(**figures)
    failure = "" if erratum.shows(figures) else f"the figures do not show the slip: {_listed(figures)}"
    return Demonstration(erratum, figures, sentence, failure)


def _listed(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value:.6g}" for name, value in figures.items())
