"""Experiments that are no training run: an algorithm with its own loop, or an analysis of several.

A study is a function of the config to rows (a dict per line of results.csv) and arrays (what its figures draw).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from experiments.loop import Row


class Outcome(NamedTuple):
    """What a study found.

    Attributes:
        rows: the lines of results.csv and of the table; "label" names a line.
        arrays: named arrays for the figures, kept in arrays.npz.
    """

    rows: list[Row]
    arrays: dict[str, np.ndarray]


STUDIES: dict[str, Callable[[ConfigDict], Outcome]] = {}
