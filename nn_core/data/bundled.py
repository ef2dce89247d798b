"""Real data that comes with scikit-learn: small, offline, always there (F026).

The files are read directly, because importing the package takes 1.3 s, half of the start of a small run. Where a
version keeps them elsewhere, its own loaders are used.
"""

from functools import cache
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np

from nn_core.data.dataset import Dataset, flatten_inputs, make_dataset

_DIGIT_LEVELS = 16  # a pixel counts the dark points of a 4 x 4 block
DIGIT_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
)  # the digits 0 to 9 in words
_CM = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
_CHEMISTRY = (
    "alcohol malic_acid ash alcalinity_of_ash magnesium total_phenols flavanoids nonflavanoid_phenols "
    "proanthocyanins color_intensity hue od280/od315_of_diluted_wines proline"
).split()
_NUCLEI = (
    *("radius", "texture", "perimeter", "area", "smoothness"),
    *("compactness", "concavity", "concave points", "symmetry", "fractal dimension"),
)
_PATIENT = "age sex bmi bp s1 s2 s3 s4 s5 s6".split()


def digits(*, flatten: bool = False) -> Dataset:
    """1,797 hand-written digits as 8 x 8 images.

    Args:
        flatten: give rows of 64 numbers instead of images.
    Returns:
        inputs (1797, 8, 8, 1) or (1797, 64) in [0, 1], targets 0..9.
    """
    pixels, classes = _columns("digits", "digits.csv.gz")
    images_NHWC = pixels.reshape(-1, 8, 8, 1) / _DIGIT_LEVELS
    dataset = make_dataset(images_NHWC, classes, target_names=tuple("0123456789"))
    return flatten_inputs(dataset) if flatten else dataset


def iris() -> Dataset:
    """150 irises of 3 species, by 4 lengths in cm: inputs (150, 4)."""
    columns = _columns("iris", "iris.csv", skiprows=1)
    return make_dataset(*columns, input_names=_CM, target_names=("setosa", "versicolor", "virginica"))


def wine() -> Dataset:
    """178 wines of 3 growers, by 13 chemical measurements: inputs (178, 13), in units as different as 0.1 and 1,000."""
    columns = _columns("wine", "wine_data.csv", skiprows=1)
    return make_dataset(*columns, input_names=_CHEMISTRY, target_names=("class_0", "class_1", "class_2"))


def breast_cancer() -> Dataset:
    """569 tumours, malignant (0) or benign (1), by 30 measurements: the course's diagnosis example (F026)."""
    columns = _columns("breast_cancer", "breast_cancer.csv", skiprows=1)
    names = [pattern.format(name) for pattern in ("mean {}", "{} error", "worst {}") for name in _NUCLEI]
    return make_dataset(*columns, input_names=names, target_names=("malignant", "benign"))


def diabetes() -> Dataset:
    """Regression: progress of the disease after a year (25..346) for 442 patients, by 10 features of norm 1."""
    raw, progress = _columns("diabetes", "diabetes_data_raw.csv.gz", "diabetes_target.csv.gz", delimiter=None)
    features = (raw - raw.mean(axis=0)) / raw.std(axis=0) / len(raw) ** 0.5
    return make_dataset(features, progress, input_names=_PATIENT)


def _columns(name: str, *files: str, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (N, D) and whole-number targets (N,), as copies for the caller. Arguments: see `_rows`."""
    rows = _rows(name, *files, **options)
    return rows[:, :-1].copy(), rows[:, -1].astype(np.int32)


@cache
def _rows(name: str, *files: str, delimiter: str | None = ",", skiprows: int = 0) -> np.ndarray:
    """The numbers of each example, its target last, parsed once: every structure of a sweep reads them.

    Args:
        name: of scikit-learn's loader.
        files: their columns are put side by side.
        delimiter: between numbers; None: blanks.
        skiprows: lines before the numbers.
    """
    package = distribution("scikit-learn")
    paths = [Path(str(package.locate_file(f"sklearn/datasets/data/{file}"))) for file in files]
    if all(path.is_file() for path in paths):
        return np.column_stack([np.loadtxt(path, delimiter=delimiter, skiprows=skiprows) for path in paths])
    bunch = getattr(import_module("sklearn.datasets"), f"load_{name}")()
    return np.column_stack([bunch.data, bunch.target])
