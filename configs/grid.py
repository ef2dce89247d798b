"""Sweeps as plain lists of overrides: {"dotted.config.path": value}. Nothing here knows what is swept.

product(axis("hparams.l2", (0.0, 0.1)), axis("seed", range(8)))        every combination: 16 members
zipped({"model.activation": ("relu", "tanh"), "label": ("ReLU", "tanh")})   side by side: 2 members
union(a, b)                                                            one after the other
random(20, 0, {"hparams.learning_rate": log_uniform(1e-4, 1e-1)})      20 members drawn with seed 0
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

Draw = Callable[[Random], Any]
Overrides = dict[str, Any]
Sweep = list[Overrides]


def axis(path: str, values: Iterable[Any]) -> Sweep:
    """One override with several values.

    >>> axis("seed", range(2))
    [{'seed': 0}, {'seed': 1}]
    """
    return [{path: value} for value in values]


def zipped(columns: Mapping[str, Sequence[Any]]) -> Sweep:
    """Several overrides that change together; the columns must have one length.

    >>> zipped({"seed": (0, 1), "hparams.l2": (0.1, 0.2)})
    [{'seed': 0, 'hparams.l2': 0.1}, {'seed': 1, 'hparams.l2': 0.2}]
    """
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def product(*sweeps: Sweep) -> Sweep:
    """Every combination of one member from each; a path may occur in only one of them.

    >>> product(axis("a", (1, 2)), axis("b", (3,)))
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 3}]
    """
    members = []
    for combination in itertools.product(*sweeps):
        member: Overrides = {}
        for overrides in combination:
            if twice := member.keys() & overrides.keys():
                raise ValueError(f"product: {sorted(twice)} occurs in two of the axes; set each path once")
            member |= overrides
        members.append(member)
    return members


def union(*sweeps: Sweep) -> Sweep:
    """One sweep after the other.

    >>> union(axis("a", (1,)), axis("a", (2,)))
    [{'a': 1}, {'a': 2}]
    """
    return [overrides for sweep in sweeps for overrides in sweep]


def random(number: int, seed: int, distributions: Mapping[str, Draw]) -> Sweep:
    """Members drawn at random, each path on its own (Bergstra & Bengio 2012).

    A larger number adds members after the existing ones, so a finished search goes on with the new ones.

    >>> random(2, 0, {"hparams.l2": choice((0.1, 0.2)), "seed": choice((5,))})
    [{'hparams.l2': 0.2, 'seed': 5}, {'hparams.l2': 0.2, 'seed': 5}]

    Args:
        number: of members, >= 1.
        seed: of the draws; the same seed gives the same members.
        distributions: path -> `uniform`, `log_uniform` or `choice`.
    Raises:
        ValueError: a number below 1, or nothing to draw.
    """
    if number < 1 or not distributions:
        raise ValueError(f"random: number={number} and {len(distributions)} paths; draw at least 1 member of 1 path")
    generators = {path: Random(f"{seed} {path}") for path in distributions}
    return [{path: draw(generators[path]) for path, draw in distributions.items()} for _ in range(number)]


def uniform(low: float, high: float) -> Draw:
    """A number from low to high, uniformly. Raises ValueError where low is not below high."""
    if not low < high:
        raise ValueError(f"uniform: low={low} is not below high={high}")
    return lambda generator: generator.uniform(low, high)


def log_uniform(low: float, high: float) -> Draw:
    """A number from low to high, its logarithm uniform: for rates and strengths. Raises ValueError unless 0 < low < high."""
    if not 0 < low < high:
        raise ValueError(f"log_uniform: low={low} and high={high} must be 0 < low < high")
    return lambda generator: min(max(math.exp(generator.uniform(math.log(low), math.log(high))), low), high)


def choice(values: Iterable[Any]) -> Draw:
    """One of some values, all equally likely. Raises ValueError where there are none."""
    options = tuple(values)
    if not options:
        raise ValueError("choice: there are no values; give at least one")
    return lambda generator: generator.choice(options)
