"""Generated data: every generator is a pure function of its arguments, `f(*, num_examples, noise, seed, ...)`.

Randomness is NumPy's PCG64 from the seed. `noise` is the standard deviation of Gaussian noise on the inputs, unless
the function says otherwise; 0 is always allowed.
"""

import numpy as np

from nn_core.data.checks import check_choice, check_float, check_int
from nn_core.data.dataset import Dataset, make_dataset

_MAX_VALUES = 500_000_000  # numbers in the inputs: 2 GB in float32
_PLANE = ("x", "y")

# Truth tables: rows of (inputs, output). The perceptron learns all but xor (F001, F003).
GATES: dict[str, tuple[tuple[tuple[int, ...], int], ...]] = {
    "and": (((0, 0), 0), ((0, 1), 0), ((1, 0), 0), ((1, 1), 1)),
    "or": (((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 1)),
    "nand": (((0, 0), 1), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)),
    "nor": (((0, 0), 1), ((0, 1), 0), ((1, 0), 0), ((1, 1), 0)),
    "xor": (((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)),
    "not": (((0,), 1), ((1,), 0)),
}


def gates(*, gate: str = "and", num_examples: int = 4, noise: float = 0.0, seed: int = 0) -> Dataset:
    """The truth table of a logic gate; its rows repeat in order up to `num_examples`.

    Args:
        gate: a name in GATES.
        num_examples: N >= 1; 4 (2 for "not") is the table itself.
    Returns:
        inputs (N, 2), or (N, 1) for "not"; classes "0" and "1".
    """
    table = GATES[check_choice("gate", gate, GATES)]
    rng = _generator(num_examples, noise, seed, num_values=2)
    rows = [table[i % len(table)] for i in range(num_examples)]
    inputs_ND = np.array([row for row, _ in rows], dtype=np.float64)
    inputs_ND += noise * rng.normal(size=inputs_ND.shape)
    names = ("a", "b")[: inputs_ND.shape[1]]
    return make_dataset(inputs_ND, np.array([out for _, out in rows]), input_names=names, target_names=("0", "1"))


def blobs(
    *, num_examples: int = 300, noise: float = 1.0, seed: int = 0, num_classes: int = 3, num_features: int = 2
) -> Dataset:
    """One Gaussian cloud per class, with standard deviation `noise` around centres uniform in [-5, 5].

    Args:
        num_examples: N >= num_classes; class sizes differ by at most 1.
        num_classes: C >= 2.
        num_features: D >= 1.
    Returns:
        inputs (N, D), classes "0".. .
    """
    check_int("num_classes", num_classes, 2)
    check_int("num_features", num_features, 1)
    rng = _generator(num_examples, noise, seed, num_values=num_features, at_least=num_classes)
    centres_CD = rng.uniform(-5.0, 5.0, (num_classes, num_features))
    labels_N = _balanced_labels(rng, num_examples, num_classes)
    inputs_ND = centres_CD[labels_N] + noise * rng.normal(size=(num_examples, num_features))
    names = tuple(f"x{i}" for i in range(num_features))
    return make_dataset(inputs_ND, labels_N, input_names=names, target_names=_numbered(num_classes))


def half_planes(*, num_examples: int = 100, noise: float = 0.0, seed: int = 0, gap: float = 0.1) -> Dataset:
    """Points on both sides of a random line through the square [-1, 1]^2, each pushed `gap` away from it.

    Without noise that line separates the classes and no point is nearer to it than `gap` (F003).

    Args:
        gap: least distance from the line, in [0, 10].
    Returns:
        inputs (N, 2), classes "below" (0) and "above" (1) the line.
    """
    check_float("gap", gap, 0.0, 10.0)
    rng = _generator(num_examples, noise, seed, num_values=2)
    angle, offset = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(-0.5, 0.5)
    normal_2 = np.array([np.cos(angle), np.sin(angle)])
    inputs_N2 = rng.uniform(-1.0, 1.0, (num_examples, 2))
    labels_N = (inputs_N2 @ normal_2 >= offset).astype(np.int64)
    inputs_N2 += gap * (2.0 * labels_N - 1.0)[:, None] * normal_2
    inputs_N2 += noise * rng.normal(size=inputs_N2.shape)
    return make_dataset(inputs_N2, labels_N, input_names=_PLANE, target_names=("below", "above"))


def imbalanced(
    *, num_examples: int = 1000, noise: float = 1.0, seed: int = 0, minority: float = 0.05, num_features: int = 2
) -> Dataset:
    """Two Gaussian clouds of very different size, 2 apart along every axis, in random order.

    Args:
        num_examples: N >= 2.
        minority: share of class "rare" in (0, 0.5], exact up to rounding and at least one example.
        num_features: D >= 1.
    Returns:
        inputs (N, D), classes "common" (0) and "rare" (1).
    """
    check_float("minority", minority, 1e-6, 0.5)
    check_int("num_features", num_features, 1)
    rng = _generator(num_examples, noise, seed, num_values=num_features, at_least=2)
    num_rare = max(1, round(minority * num_examples))
    labels_N = rng.permutation((np.arange(num_examples) < num_rare).astype(np.int64))
    inputs_ND = 2.0 * labels_N[:, None] - 1.0 + noise * rng.normal(size=(num_examples, num_features))
    names = tuple(f"x{i}" for i in range(num_features))
    return make_dataset(inputs_ND, labels_N, input_names=names, target_names=("common", "rare"))


def xor(*, num_examples: int = 400, noise: float = 0.2, seed: int = 0) -> Dataset:
    """Clouds around the corners (+-1, +-1). The class says whether the signs differ, so no line separates the classes.

    Returns:
        inputs (N, 2), classes "same" (0) and "different" (1); each corner has a quarter of the points.
    """
    rng = _generator(num_examples, noise, seed, num_values=2)
    corners_N = _balanced_labels(rng, num_examples, 4)
    signs_N2 = 2.0 * np.stack([corners_N % 2, corners_N // 2], axis=1) - 1.0
    labels_N = (signs_N2[:, 0] != signs_N2[:, 1]).astype(np.int64)
    inputs_N2 = signs_N2 + noise * rng.normal(size=signs_N2.shape)
    return make_dataset(inputs_N2, labels_N, input_names=_PLANE, target_names=("same", "different"))


def circles(*, num_examples: int = 400, noise: float = 0.1, seed: int = 0, inner_radius: float = 0.5) -> Dataset:
    """A circle of radius 1 (class "outer", 0) around one of radius `inner_radius` in (0, 1) (class "inner", 1)."""
    check_float("inner_radius", inner_radius, 0.01, 0.99)
    rng = _generator(num_examples, noise, seed, num_values=2)
    labels_N = _balanced_labels(rng, num_examples, 2)
    angle_N = rng.uniform(0.0, 2.0 * np.pi, num_examples)
    radius_N = np.where(labels_N == 1, inner_radius, 1.0)
    inputs_N2 = radius_N[:, None] * np.stack([np.cos(angle_N), np.sin(angle_N)], axis=1)
    inputs_N2 += noise * rng.normal(size=inputs_N2.shape)
    return make_dataset(inputs_N2, labels_N, input_names=_PLANE, target_names=("outer", "inner"))


def moons(*, num_examples: int = 400, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Two interleaved half circles: class "upper" (0) around (0, 0), class "lower" (1) around (1, 0.5)."""
    rng = _generator(num_examples, noise, seed, num_values=2)
    labels_N = _balanced_labels(rng, num_examples, 2)
    angle_N = rng.uniform(0.0, np.pi, num_examples)
    upper_N2 = np.stack([np.cos(angle_N), np.sin(angle_N)], axis=1)
    inputs_N2 = np.where(labels_N[:, None] == 0, upper_N2, np.array([1.0, 0.5]) - upper_N2)
    inputs_N2 = inputs_N2 + noise * rng.normal(size=inputs_N2.shape)
    return make_dataset(inputs_N2, labels_N, input_names=_PLANE, target_names=("upper", "lower"))


def spirals(
    *, num_examples: int = 600, noise: float = 0.02, seed: int = 0, num_classes: int = 2, turns: float = 1.5
) -> Dataset:
    """One spiral arm per class from the centre to radius 1: angle = 2 pi (turns r + c / C).

    Args:
        num_examples: N >= num_classes.
        num_classes: C >= 2 arms.
        turns: how often an arm goes round, in [0.1, 10].
    """
    check_int("num_classes", num_classes, 2)
    check_float("turns", turns, 0.1, 10.0)
    rng = _generator(num_examples, noise, seed, num_values=2, at_least=num_classes)
    labels_N = _balanced_labels(rng, num_examples, num_classes)
    radius_N = rng.uniform(0.0, 1.0, num_examples)
    angle_N = 2.0 * np.pi * (turns * radius_N + labels_N / num_classes)
    inputs_N2 = radius_N[:, None] * np.stack([np.cos(angle_N), np.sin(angle_N)], axis=1)
    inputs_N2 += noise * rng.normal(size=inputs_N2.shape)
    return make_dataset(inputs_N2, labels_N, input_names=_PLANE, target_names=_numbered(num_classes))


def sparse_coefficients(*, seed: int = 0, num_features: int = 100, num_informative: int = 10) -> np.ndarray:
    """The true coefficients of `sparse_regression` with the same seed and sizes.

    Returns:
        (num_features,) float32: `num_informative` entries of size 1..3 and either sign, the others exactly 0.
    """
    check_int("num_features", num_features, 1)
    check_int("num_informative", num_informative, 1, num_features)
    check_int("seed", seed, 0)
    rng = np.random.default_rng((seed, 1))  # a stream of its own: independent of how many examples are drawn
    coefficients_D = np.zeros(num_features, np.float32)
    support = rng.choice(num_features, num_informative, replace=False)
    signs = rng.choice((-1.0, 1.0), num_informative)
    coefficients_D[support] = signs * rng.uniform(1.0, 3.0, num_informative)
    return coefficients_D


def sparse_regression(
    *,
    num_examples: int = 200,
    noise: float = 0.5,
    seed: int = 0,
    num_features: int = 100,
    num_informative: int = 10,
) -> Dataset:
    """y = X w + noise with Gaussian X and mostly zero w, which L1 should find (F053).

    Args:
        noise: standard deviation of the noise on the targets.
        num_features: D.
        num_informative: non-zero coefficients, in 1..D; see `sparse_coefficients`.
    Returns:
        inputs (N, D), float32 targets (N,).
    """
    coefficients_D = sparse_coefficients(seed=seed, num_features=num_features, num_informative=num_informative)
    rng = _generator(num_examples, noise, seed, num_values=num_features)
    inputs_ND = rng.normal(size=(num_examples, num_features)).astype(np.float32)
    targets_N = inputs_ND.astype(np.float64) @ coefficients_D + noise * rng.normal(size=num_examples)
    return make_dataset(inputs_ND, targets_N, input_names=tuple(f"x{i}" for i in range(num_features)))


_CHURN_COLUMNS = ("tenure_months", "monthly_charge", "support_calls", "late_payments", "contract_months", "age")
_CHURN_SHARE = 0.27  # about what telephone companies report


def churn(*, num_examples: int = 2000, noise: float = 0.05, seed: int = 0, num_useless: int = 30) -> Dataset:
    """Customers who leave (1) or stay (0), by six informative features in different units and many useless ones (F026).

    A customer leaves where a weighted sum of the features (with one interaction: calls matter to those on short
    contracts) is among the top 27 % of its distribution.

    Args:
        noise: probability in [0, 0.5] that a label is flipped.
        num_useless: further columns of Gaussian numbers.
    Returns:
        inputs (N, 6 + num_useless), classes "stays" and "leaves".
    """
    check_int("num_useless", num_useless, 0)
    check_float("noise", noise, 0.0, 0.5)
    rng = _generator(num_examples, noise, seed, num_values=6 + num_useless, at_least=4)
    tenure = rng.uniform(1.0, 72.0, num_examples)
    charge = np.clip(rng.normal(65.0, 20.0, num_examples), 15.0, None)
    calls = rng.poisson(1.5, num_examples)
    late = rng.poisson(0.7, num_examples)
    contract = rng.choice((1.0, 12.0, 24.0), num_examples, p=(0.5, 0.25, 0.25))
    age = rng.normal(45.0, 15.0, num_examples)
    score = -0.05 * tenure + 0.03 * charge + 0.5 * late - 0.05 * contract + calls * np.where(contract == 1.0, 0.9, 0.2)
    labels_N = (score > np.quantile(score, 1.0 - _CHURN_SHARE)).astype(np.int64)
    labels_N ^= rng.random(num_examples) < noise
    useless = rng.normal(size=(num_examples, num_useless))
    inputs_ND = np.column_stack([tenure, charge, calls, late, contract, age, useless])
    names = _CHURN_COLUMNS + tuple(f"useless_{i}" for i in range(num_useless))
    return make_dataset(inputs_ND, labels_N, input_names=names, target_names=("stays", "leaves"))


def sine(
    *,
    num_examples: int = 1000,
    noise: float = 0.05,
    seed: int = 0,
    length: int = 24,
    min_period: float = 8.0,
    max_period: float = 32.0,
) -> Dataset:
    """Forecasting: `length` steps of a sine wave of random period, phase and amplitude, and the step that follows.

    Args:
        noise: standard deviation of the noise on the inputs; the target is exact.
        length: T >= 2 steps.
        min_period, max_period: the period in steps is uniform between them, 2 <= min <= max.
    Returns:
        inputs (N, T, 1) in about [-1, 1], float32 targets (N,).
    """
    check_int("length", length, 2)
    check_float("min_period", min_period, 2.0)
    check_float("max_period", max_period, min_period)
    rng = _generator(num_examples, noise, seed, num_values=length)
    period_N1 = rng.uniform(min_period, max_period, (num_examples, 1))
    phase_N1 = rng.uniform(0.0, 2.0 * np.pi, (num_examples, 1))
    amplitude_N1 = rng.uniform(0.5, 1.0, (num_examples, 1))
    waves_NT = amplitude_N1 * np.sin(2.0 * np.pi * np.arange(length + 1) / period_N1 + phase_N1)
    inputs_NT = waves_NT[:, :-1] + noise * rng.normal(size=(num_examples, length))
    return make_dataset(inputs_NT[..., None], waves_NT[:, -1])


def _generator(
    num_examples: int, noise: float, seed: int, *, num_values: int, at_least: int = 1
) -> np.random.Generator:
    """Checks the arguments that all generators share; `num_values` is the number of inputs of one example."""
    check_int("num_examples", num_examples, at_least, max(at_least, _MAX_VALUES // num_values))
    check_float("noise", noise, 0.0)
    return np.random.default_rng(check_int("seed", seed, 0))


def _balanced_labels(rng: np.random.Generator, num_examples: int, num_classes: int) -> np.ndarray:
    return rng.permutation(np.arange(num_examples) % num_classes)


def _numbered(num_classes: int) -> tuple[str, ...]:
    return tuple(str(i) for i in range(num_classes))
