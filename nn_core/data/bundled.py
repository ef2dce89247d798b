"""Real data that comes with scikit-learn: small, offline, always there (inventory E.1, F026).

scikit-learn is imported where it is read: half a second that a run on other data need not wait for.
"""

from functools import cache
from typing import Any

from nn_core.data.dataset import Dataset, flatten_inputs, make_dataset

_DIGIT_LEVELS = 16  # a pixel counts the dark points of a 4 x 4 block


def digits(*, flatten: bool = False) -> Dataset:
    """1,797 hand-written digits as 8 x 8 images.

    Args:
        flatten: give rows of 64 numbers instead of images.
    Returns:
        inputs (1797, 8, 8, 1) or (1797, 64) in [0, 1], targets 0..9.
    """
    bunch = _digits()
    names = tuple(str(digit) for digit in range(10))
    images_NHWC = bunch.images[..., None] / _DIGIT_LEVELS
    dataset = make_dataset(images_NHWC, bunch.target, target_names=names)
    return flatten_inputs(dataset) if flatten else dataset


@cache
def _digits() -> Any:
    """Parsed once: every structure of a sweep reads them."""
    from sklearn.datasets import load_digits

    return load_digits()


def iris() -> Dataset:
    """150 irises of 3 species, by 4 lengths in cm: inputs (150, 4)."""
    from sklearn.datasets import load_iris

    return _table(load_iris())


def wine() -> Dataset:
    """178 wines of 3 growers, by 13 chemical measurements: inputs (178, 13), in units as different as 0.1 and 1,000."""
    from sklearn.datasets import load_wine

    return _table(load_wine())


def breast_cancer() -> Dataset:
    """569 tumours, malignant (0) or benign (1), by 30 measurements: the course's diagnosis example (L88, L504)."""
    from sklearn.datasets import load_breast_cancer

    return _table(load_breast_cancer())


def diabetes() -> Dataset:
    """Regression: progress of the disease after a year (25..346) for 442 patients, by 10 features of norm 1."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes()
    return make_dataset(bunch.data, bunch.target, input_names=bunch.feature_names)


def _table(bunch: Any) -> Dataset:
    names = tuple(bunch.target_names)
    return make_dataset(bunch.data, bunch.target, input_names=bunch.feature_names, target_names=names)
