"""R22: what is not finite or out of range is refused at the boundary; F014: one-hot encoding and its inverse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder

from nn_core.data.dataset import Dataset, flatten_inputs, from_one_hot, keep_classes, make_dataset, one_hot


def test_classification_types() -> None:
    dataset = make_dataset(np.arange(6).reshape(3, 2), np.array([1, 0, 1], np.uint8), target_names=["no", "yes"])
    assert isinstance(dataset, Dataset)
    assert dataset.inputs.dtype == np.float32 and dataset.targets.dtype == np.int32
    assert dataset.target_names == ("no", "yes") and dataset.input_names == ()


def test_regression_types() -> None:
    dataset = make_dataset(np.ones((3, 2)), np.array([1, 2, 3]), input_names=np.array(["a", "b"]))
    assert dataset.targets.dtype == np.float32 and dataset.target_names == ()
    assert dataset.input_names == ("a", "b")


GOOD = {"inputs": np.ones((3, 2)), "targets": np.array([0, 1, 2]), "target_names": ("a", "b", "c")}
BAD = {
    "nan": ({"inputs": np.array([[1, 1], [1, np.nan], [1, 1]])}, r"inputs\[1, 1\]=nan"),
    "infinity": ({"inputs": np.full((3, 2), np.inf)}, r"inputs\[0, 0\]=inf"),
    "overflow": ({"inputs": np.full((3, 2), 1e300)}, r"inputs\[0, 0\]=1e\+300 is not a finite float32"),
    "nan target": ({"targets": np.array([0, np.nan, 1]), "target_names": ()}, r"targets\[1\]=nan"),
    "negative id": ({"targets": np.array([0, -1, 2])}, r"targets\[1\]=-1 is out of range; 3 classes have ids 0..2"),
    "large id": ({"targets": np.array([0, 1, 3])}, r"targets\[2\]=3 is out of range"),
    "huge id": ({"targets": np.array([0, 1, 2**32 + 1])}, r"targets\[2\]=4294967297 is out of range"),
    "real ids": ({"targets": np.array([0.0, 1.0, 2.0])}, "dtype float64"),
    "2-D ids": ({"targets": np.array([[0], [1], [2]])}, r"shape \(3, 1\)"),
    "too few targets": ({"targets": np.array([0, 1])}, "3 inputs but 2 targets"),
    "flat inputs": ({"inputs": np.ones(3)}, "at least 2 axes"),
    "no example": ({"inputs": np.ones((0, 2)), "targets": np.zeros(0, int)}, "holds nothing"),
    "no feature": ({"inputs": np.ones((3, 0))}, "holds nothing"),
    "words": ({"inputs": np.array([["a", "b"]] * 3)}, "encode categories with one_hot"),
    "objects": ({"inputs": np.array([[None, 1]] * 3)}, "dtype object"),
    "names": ({"input_names": ("a",)}, r"1 input_names for inputs of shape \(3, 2\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_refused_in_one_line(name: str) -> None:
    changes, words = BAD[name]
    make_dataset(**GOOD)
    with pytest.raises(ValueError, match=words) as caught:
        make_dataset(**(GOOD | changes))
    assert "\n" not in str(caught.value)


def test_flatten_inputs_keeps_the_order() -> None:
    dataset = make_dataset(np.arange(24).reshape(2, 3, 2, 2), np.array([0.5, 1.5]))
    flat = flatten_inputs(dataset)
    assert flat.inputs.tolist() == np.arange(24).reshape(2, 12).tolist()
    assert flat.targets is dataset.targets


def test_one_hot_of_the_notes() -> None:
    assert one_hot("ABC", "ABC").tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    colours = ["Red", "Blue", "Green"]
    encoded = one_hot(["Green", "Red", "Red", "Blue"], colours)
    assert encoded.tolist() == [[0, 0, 1], [1, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert encoded.dtype == np.float32
    assert from_one_hot(encoded, colours) == ["Green", "Red", "Red", "Blue"]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=20), st.permutations("bcdef"))
def test_one_hot_equals_scikit_learn(values: list[str], categories: list[str]) -> None:
    peer = OneHotEncoder(categories=[categories], handle_unknown="ignore", sparse_output=True)
    expected = peer.fit([[c] for c in categories]).transform([[v] for v in values])
    dense = one_hot(values, categories, unknown="zeros")
    sparse = one_hot(values, categories, unknown="zeros", sparse=True)
    np.testing.assert_array_equal(dense, expected.toarray())
    assert (sparse != expected).nnz == 0 and sparse.nnz == dense.sum()
    known = [value if value in categories else None for value in values]
    assert (
        from_one_hot(dense, categories, unknown="zeros") == known == from_one_hot(sparse, categories, unknown="zeros")
    )


def test_unknown_policies() -> None:
    with pytest.raises(ValueError, match=r"values\[1\]='C' is none of the 2 categories; use unknown='zeros'"):
        one_hot("ACB", "AB")
    assert one_hot("ACB", "AB", unknown="zeros").tolist() == [[1, 0], [0, 0], [0, 1]]
    with pytest.raises(ValueError, match="row 1 = .*is not one-hot"):
        from_one_hot(np.array([[1, 0], [0, 0]]), "AB")
    assert from_one_hot(np.array([[1, 0], [0, 0]]), "AB", unknown="zeros") == ["A", None]
    with pytest.raises(ValueError, match="'zero'; choose from error, zeros; did you mean 'zeros'"):
        one_hot("A", "A", unknown="zero")  # type: ignore[arg-type]


@pytest.mark.parametrize("row", [[1, 1], [2, 0], [0.5, 0.5], [1, -1], [np.nan, 1]])
@pytest.mark.parametrize("unknown", ["error", "zeros"])
def test_what_is_not_one_hot_has_no_inverse(row: list[float], unknown: str) -> None:
    with pytest.raises(ValueError, match="row 0 = .* is not one-hot"):
        from_one_hot(np.array([row]), "AB", unknown=unknown)  # type: ignore[arg-type]


def test_categories_must_fit() -> None:
    for categories in ("", "AA"):
        with pytest.raises(ValueError, match="empty or repeat one"):
            one_hot("A", categories)
    with pytest.raises(ValueError, match=r"shape \(1, 2\); 3 categories need \(N, 3\)"):
        from_one_hot(np.array([[1, 0]]), "ABC")


def test_no_values() -> None:
    assert one_hot("", "AB").shape == (0, 2)


def test_half_of_the_classes_are_counted_anew() -> None:
    dataset = make_dataset(np.arange(10).reshape(5, 2), np.array([2, 0, 1, 2, 0]), target_names=("a", "b", "c"))
    kept = keep_classes(dataset, (2, 0))
    assert kept.target_names == ("c", "a")
    np.testing.assert_array_equal(kept.targets, [0, 1, 0, 1])
    np.testing.assert_array_equal(kept.inputs, dataset.inputs[[0, 1, 3, 4]])


@pytest.mark.parametrize("classes", [(), (0, 3), (-1,), (1, 1), (True,), (0.5,)])
def test_classes_that_are_not_there_are_told(classes: tuple) -> None:
    dataset = make_dataset(np.ones((3, 2)), np.array([0, 1, 2]), target_names=("a", "b", "c"))
    with pytest.raises(ValueError, match="must hold different class ids from 0 to 2"):
        keep_classes(dataset, classes)
    with pytest.raises(ValueError, match="the targets are numbers"):
        keep_classes(make_dataset(np.ones((3, 2)), np.ones(3)), (0,))
