"""Scaling laws: a loss as a power of parameters, data or compute, over several seeds (F185, C20).

    L(x) = factor * x^exponent,    a straight line of slope `exponent` on two logarithmic axes

Sources: Kaplan et al. 2020; Hoffmann et al. 2022 (compute of a training: 6 operations a parameter and token).
"""

from typing import NamedTuple

import numpy as np

from nn_core.evidence.statistics import t_half_width

OPERATIONS = 6.0  # of a training, a parameter and token: 2 forwards, 4 backwards; attention's products are left out


class PowerLaw(NamedTuple):
    """A fitted power law.

    Attributes:
      factor: of the mean line, > 0.
      exponent: mean of the seeds' slopes.
      low, high: 95 % interval of the exponent over the seeds (Student's t); NaN for one seed.
    """

    factor: float
    exponent: float
    low: float
    high: float


def fit_power_law(x_SN: np.ndarray, y_SN: np.ndarray) -> PowerLaw:
    """Least squares of ln y on ln x, a line for each seed: seeds are what repeats, points of one seed are not.

    >>> law = fit_power_law(np.array([1.0, 10.0, 100.0]), 3.0 * np.array([[1.0, 0.1, 0.01]]))
    >>> round(law.factor, 6), round(law.exponent, 6)
    (3.0, -1.0)

    Args:
      x_SN: (S, N) or (N,) > 0; NaN where a seed has no point.
      y_SN: (S, N) > 0, a row for each seed. A seed without two different points is left out.
    Returns:
      The law.
    Raises:
      ValueError: numbers that have no logarithm, or no seed with two different x.
    """
    y_SN = np.atleast_2d(np.asarray(y_SN, np.float64))
    x_SN = np.broadcast_to(np.asarray(x_SN, np.float64), y_SN.shape)
    points = [
        (x_N[kept], y_N[kept])
        for x_N, y_N in zip(x_SN, y_SN, strict=True)
        if len(np.unique(x_N[kept := np.isfinite(x_N) & np.isfinite(y_N)])) > 1
    ]
    if not points or any((x_N <= 0).any() or (y_N <= 0).any() for x_N, y_N in points):
        raise ValueError("a power law needs two or more different x > 0 of a seed and every y > 0")
    lines_S2 = np.array([np.polyfit(np.log(x_N), np.log(y_N), 1) for x_N, y_N in points])
    slopes_S, offsets_S = lines_S2.T
    exponent, half = float(np.mean(slopes_S)), t_half_width(slopes_S)
    return PowerLaw(float(np.exp(np.mean(offsets_S))), exponent, exponent - half, exponent + half)


def compute_of(parameters: float, tokens_K: np.ndarray) -> np.ndarray:
    """Floating-point operations of a training: 6 N D."""
    return OPERATIONS * parameters * np.asarray(tokens_K, np.float64)


def overtaking(smaller: tuple[np.ndarray, np.ndarray], larger: tuple[np.ndarray, np.ndarray]) -> float:
    """The compute from which on the larger of two models has the lower loss; both are read between their points.

    >>> c = np.array([1.0, 10.0, 100.0])
    >>> round(overtaking((c, np.array([3.0, 2.0, 1.9])), (c, np.array([4.0, 2.0, 1.0]))), 6)
    10.0

    Args:
      smaller, larger: (compute (K,), rising, and losses (K,)) of a run each.
    Returns:
      The compute at the last crossing; NaN where none lies in the range that both were trained for.
    """
    (small_c, small_l), (large_c, large_l) = smaller, larger
    at = np.unique(np.concatenate([small_c, large_c]))
    at = at[(at >= max(small_c[0], large_c[0])) & (at <= min(small_c[-1], large_c[-1]))]
    if len(at) < 2:
        return float("nan")
    lead = np.interp(np.log(at), np.log(small_c), small_l) - np.interp(np.log(at), np.log(large_c), large_l)
    before = np.flatnonzero((lead[:-1] < 0) & (lead[1:] >= 0))
    if not len(before) or lead[-1] < 0:
        return float("nan")
    k = before[-1]
    share = lead[k] / (lead[k] - lead[k + 1])
    return float(np.exp(np.log(at[k]) + share * (np.log(at[k + 1]) - np.log(at[k]))))
