"""The bundled data has the documented sizes, classes and units."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets

from nn_core.data import bundled
from nn_core.data.dataset import Dataset

LOADERS = ("digits", "iris", "wine", "breast_cancer", "diabetes")
SIZES = {
    "iris": (bundled.iris, (150, 4), [50, 50, 50]),
    "wine": (bundled.wine, (178, 13), [59, 71, 48]),
    "breast_cancer": (bundled.breast_cancer, (569, 30), [212, 357]),
}


@pytest.mark.parametrize("name", SIZES)
def test_tables(name: str) -> None:
    loader, shape, counts = SIZES[name]
    dataset: Dataset = loader()
    assert dataset.inputs.shape == shape and len(dataset.input_names) == shape[1]
    assert np.bincount(dataset.targets).tolist() == counts and len(dataset.target_names) == len(counts)
    assert all(type(text) is str for text in dataset.input_names + dataset.target_names)


def test_digits() -> None:
    images, rows = bundled.digits(), bundled.digits(flatten=True)
    assert images.inputs.shape == (1797, 8, 8, 1) and rows.inputs.shape == (1797, 64)
    np.testing.assert_array_equal(images.inputs.reshape(1797, 64), rows.inputs)
    assert images.inputs.min() == 0.0 and images.inputs.max() == 1.0
    assert images.target_names == tuple("0123456789")
    assert images.targets[:10].tolist() == list(range(10))


@pytest.mark.parametrize("name", LOADERS)
def test_the_numbers_and_names_are_those_of_scikit_learns_loaders(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = getattr(bundled, name)()
    bunch = getattr(sklearn.datasets, f"load_{name}")()
    if name == "digits":
        np.testing.assert_array_equal(read.inputs[..., 0], (bunch.images / 16).astype(np.float32))
    else:
        np.testing.assert_array_equal(read.inputs, bunch.data.astype(np.float32))
        assert read.input_names == tuple(bunch.feature_names)
    np.testing.assert_array_equal(read.targets, bunch.target)
    assert read.target_names == tuple(map(str, bunch.get("target_names", ())))
    # Where its file is not where it was, the package is asked.
    monkeypatch.setattr(bundled, "_rows", bundled._rows.__wrapped__)
    monkeypatch.setattr(Path, "is_file", lambda path: False)
    for ours, asked in zip(read, getattr(bundled, name)(), strict=True):
        np.testing.assert_array_equal(ours, asked)


@pytest.mark.parametrize("name", LOADERS)
def test_what_is_loaded_is_the_callers_own(name: str) -> None:
    first, second = getattr(bundled, name)(), getattr(bundled, name)()
    assert not np.shares_memory(first.targets, second.targets) and not np.shares_memory(first.inputs, second.inputs)
    expected = second.targets.copy()
    first.targets[:] = 0
    np.testing.assert_array_equal(getattr(bundled, name)().targets, expected)


def test_reading_them_imports_no_scikit_learn() -> None:
    calls = "; ".join(f"bundled.{name}()" for name in LOADERS)
    code = f"import sys; from nn_core.data import bundled; {calls}; sys.exit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_diabetes_is_regression() -> None:
    dataset = bundled.diabetes()
    assert dataset.inputs.shape == (442, 10) and dataset.target_names == ()
    assert (dataset.targets.min(), dataset.targets.max()) == (25.0, 346.0)
    np.testing.assert_allclose(np.square(dataset.inputs).sum(axis=0), 1.0, rtol=1e-5)


def test_names_of_diagnosis() -> None:
    assert bundled.breast_cancer().target_names == ("malignant", "benign")
