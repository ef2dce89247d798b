"""Data sets by name: every name loads or says in one line how to get the file; bad options are named."""

from pathlib import Path

import numpy as np
import pytest

from nn_core.data import sources
from nn_core.data.sources import DATASETS, TEST_SIZES, load_dataset

DOWNLOADED = ("mnist", "mnist_t10k", "fashion_mnist", "cifar10")
OFFLINE = [name for name in DATASETS if name not in (*DOWNLOADED, "image_folder")]


@pytest.mark.parametrize("name", OFFLINE)
def test_offline_data(name: str) -> None:
    data = load_dataset(name)
    assert data.inputs.dtype == np.float32 and len(data.inputs) == len(data.targets)
    assert (data.targets.dtype == np.int32) == bool(data.target_names)


@pytest.mark.parametrize("name", DOWNLOADED)
def test_downloaded_data_has_a_recipe(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("NN_CORE_OFFLINE", "1")
    monkeypatch.delenv("NN_CORE_DATA_DIR", raising=False)
    with pytest.raises(ValueError, match="to get it by hand, download https://.* sha256 [0-9a-f]{64}$") as caught:
        load_dataset(name)
    assert "\n" not in str(caught.value)


def test_options_reach_the_loader() -> None:
    assert load_dataset("blobs", num_examples=7, num_features=3).inputs.shape == (7, 3)
    assert load_dataset("digits", flatten=True).inputs.shape == (1797, 64)
    np.testing.assert_array_equal(load_dataset("xor", seed=None, noise=None).inputs, load_dataset("xor").inputs)
    assert len(load_dataset("iris", num_examples=None).inputs) == 150


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("digit", {}, "unknown data set 'digit'; choose from digits, .*; did you mean 'digits'"),
        ("zzz", {}, "unknown data set 'zzz'; choose from digits, .*, image_folder$"),
        ("blobs", {"num_exampels": 3}, "unknown option of the data set 'blobs' 'num_exampels'.*mean 'num_examples'"),
        ("iris", {"noise": 0.1}, "data set 'iris' takes no options; remove noise=0.1"),
        ("blobs", {"num_examples": "3"}, "num_examples='3' is str; use a whole number"),
        ("blobs", {"noise": -1.0}, "noise=-1.0 is out of range"),
        ("digits", {"flatten": "false"}, "flatten='false' is str; use True or False"),
        ("digits", {"flatten": 0}, "flatten=0 is int; use True or False"),
        ("image_folder", {}, "data set 'image_folder' needs the option folder"),
        ("image_folder", {"folder": "missing", "height": 8, "width": 8}, "missing is not a folder"),
    ],
)
def test_bad_options_in_one_line(name: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        load_dataset(name, **options)
    assert "\n" not in str(caught.value)


def test_official_test_parts() -> None:
    assert set(TEST_SIZES) == set(DOWNLOADED) <= set(sources.DATASETS)
