"""Sweeps as plain lists of overrides: {"dotted.config.path": value}. Nothing here knows what is swept.

product(axis("hparams.l2", (0.0, 0.1)), axis("seed", range(8)))        every combination: 16 members
zipped({"model.activation": ("relu", "tanh"), "label": ("ReLU", "tanh")})   side by side: 2 members
union(a, b)                                                            one after the other
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
    """Every combination of one member from each; a path may stand in one of them only.

    >>> product(axis("a", (1, 2)), axis("b", (3,)))
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 3}]
    """
    members = []
    for combination in itertools.product(*sweeps):
        member: Overrides = {}
        for overrides in combination:
            if twice := member.keys() & overrides.keys():
                raise ValueError(f"product: {sorted(twice)} stands in two of the axes; set each path once")
            member |= overrides
        members.append(member)
    return members


def union(*sweeps: Sweep) -> Sweep:
    """One sweep after the other.

    >>> union(axis("a", (1,)), axis("a", (2,)))
    [{'a': 1}, {'a': 2}]
    """
    return [overrides for sweep in sweeps for overrides in sweep]
