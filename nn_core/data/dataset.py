"""The record that every loader of array data returns, its validation, and one-hot encoding."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from nn_core.data.checks import check_choice

if TYPE_CHECKING:
    import scipy.sparse

UNKNOWN_POLICIES = ("error", "zeros")


class Dataset(NamedTuple):
    """N examples in host memory. `make_dataset` makes them, so every value is finite and in range.

    Attributes:
        inputs: float32, (N, D) features or (N, H, W, C) images in [0, 1], or (N, T, D) sequences.
        targets: classification: int32 class ids (N,) in 0..C-1; regression: float32 (N,) or (N, K).
        input_names: D names of the features; () where they have none (images, sequences).
        target_names: C names of the classes; () for regression.
    """

    inputs: np.ndarray
    targets: np.ndarray
    input_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()


def make_dataset(
    inputs: np.ndarray,
    targets: np.ndarray,
    *,
    input_names: Sequence[str] = (),
    target_names: Sequence[str] = (),
) -> Dataset:
    """Checks the arrays and returns them as a Dataset (float32 inputs; int32 or float32 targets).

    They are checked here, on the host: on the device a NaN spreads, a negative id wraps around and an id that is too
    large gives NaN, all silently.

    Args:
        inputs: (N, ...) numbers, N >= 1, at least 2 axes.
        targets: (N,) class ids where `target_names` are given, else (N,) or (N, K) numbers.
        input_names: () or one name per feature of 2-D inputs.
        target_names: one name per class, or () for regression.
    Returns:
        The Dataset.
    Raises:
        ValueError: lengths differ, a value is not finite, an id is not an integer in 0..C-1, names do not fit.
    """
    inputs_ND = _as_float32("inputs", inputs)
    if inputs_ND.ndim < 2:
        raise ValueError(f"inputs have shape {inputs_ND.shape}; give at least 2 axes, (examples, features)")
    num_examples = inputs_ND.shape[0]
    if num_examples == 0 or inputs_ND.size == 0:
        raise ValueError(f"inputs have shape {inputs_ND.shape}, which holds nothing; give at least one example")
    if len(targets) != num_examples:
        raise ValueError(f"{num_examples} inputs but {len(targets)} targets; give one target per example")
    if len(input_names) and (inputs_ND.ndim != 2 or len(input_names) != inputs_ND.shape[1]):
        raise ValueError(f"{len(input_names)} input_names for inputs of shape {inputs_ND.shape}; give one per column")
    if len(target_names):
        typed_targets = _as_class_ids(targets, len(target_names))
    else:
        typed_targets = _as_float32("targets", targets)
    return Dataset(inputs_ND, typed_targets, tuple(map(str, input_names)), tuple(map(str, target_names)))


def flatten_inputs(dataset: Dataset) -> Dataset:
    """The same data with inputs of shape (N, D): images and sequences become rows of numbers."""
    return dataset._replace(inputs=dataset.inputs.reshape(len(dataset.inputs), -1))


def keep_classes(dataset: Dataset, classes: Sequence[int]) -> Dataset:
    """The examples of some classes, renumbered from 0 in the given order (F077: half of the classes).

    Args:
        dataset: of a classification.
        classes: distinct ids in 0..C-1, at least one.
    Returns:
        The examples in their order, with len(classes) target names.
    Raises:
        ValueError: data without classes, or an id that is out of range or listed twice.
    """
    known = len(dataset.target_names)
    wrong = [number for number in classes if isinstance(number, bool) or number not in range(known)]
    if wrong or not classes or len(set(classes)) < len(classes):
        allowed = f"different class ids from 0 to {known - 1}" if known else "nothing: the targets are numbers"
        raise ValueError(f"data.classes={tuple(classes)} must hold {allowed}, at least one")
    place_C = np.full(known, -1, np.int32)
    place_C[list(classes)] = np.arange(len(classes), dtype=np.int32)
    targets_N = place_C[dataset.targets]
    kept_N = targets_N >= 0
    return dataset._replace(
        inputs=dataset.inputs[kept_N],
        targets=targets_N[kept_N],
        target_names=tuple(dataset.target_names[number] for number in classes),
    )


def _as_float32(name: str, values: np.ndarray) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} have dtype {array.dtype}; give numbers (encode categories with one_hot)")
    with np.errstate(over="ignore"):  # values that do not fit float32 become infinite and are reported below
        result = np.ascontiguousarray(array, dtype=np.float32)
    finite = np.isfinite(result)
    if not finite.all():
        place = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(
            f"{name}{list(place)}={array[place]} is not a finite float32; remove or repair example {place[0]}"
        )
    return result


def _as_class_ids(targets: np.ndarray, num_classes: int) -> np.ndarray:
    array = np.asarray(targets)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"class targets have shape {array.shape} and dtype {array.dtype}; give (N,) integers")
    if array.min() < 0 or array.max() >= num_classes:
        place = int(np.argmax((array < 0) | (array >= num_classes)))
        raise ValueError(
            f"targets[{place}]={array[place]} is out of range; {num_classes} classes have ids 0..{num_classes - 1}"
        )
    return np.ascontiguousarray(array, dtype=np.int32)


def one_hot(
    values: Sequence[Hashable],
    categories: Sequence[Hashable],
    *,
    unknown: Literal["error", "zeros"] = "error",
    sparse: bool = False,
) -> "np.ndarray | scipy.sparse.csr_array":
    """One column per category: A -> [1, 0, 0], B -> [0, 1, 0], C -> [0, 0, 1] (F014).

    Args:
        values: N categories, for instance colours or class ids.
        categories: C distinct categories; column c belongs to categories[c].
        unknown: what becomes of a value that is not a category: an "error", or a row of "zeros".
        sparse: return a SciPy CSR array, whose memory does not grow with C.
    Returns:
        (N, C) float32 of zeros and at most one 1 per row.
    Raises:
        ValueError: repeated categories, an unknown value under the policy "error", or another policy.
    """
    check_choice("policy for unknown values", unknown, UNKNOWN_POLICIES)
    column_of = {category: column for column, category in enumerate(categories)}
    if len(column_of) != len(categories) or not column_of:
        raise ValueError(f"categories {list(categories)[:10]} are empty or repeat one; give each category once")
    columns_N = np.array([column_of.get(value, -1) for value in values], dtype=np.int64)
    known_N = columns_N >= 0
    if unknown == "error" and not known_N.all():
        place = int(np.argmin(known_N))
        raise ValueError(
            f"values[{place}]={values[place]!r} is none of the {len(categories)} categories; use unknown='zeros'"
        )
    rows = np.flatnonzero(known_N)
    shape = (len(columns_N), len(categories))
    if sparse:
        import scipy.sparse  # slow to import

        return scipy.sparse.csr_array((np.ones(len(rows), np.float32), (rows, columns_N[rows])), shape=shape)
    encoded_NC = np.zeros(shape, np.float32)
    encoded_NC[rows, columns_N[rows]] = 1.0
    return encoded_NC


def from_one_hot(
    encoded_NC: "np.ndarray | scipy.sparse.csr_array",
    categories: Sequence[Hashable],
    *,
    unknown: Literal["error", "zeros"] = "error",
) -> list[Hashable | None]:
    """The inverse of `one_hot`; under the policy "zeros" a row of zeros gives None.

    Args:
        encoded_NC: (N, C) with zeros and at most one 1 per row, dense or sparse.
        categories: the C categories of the columns.
        unknown: how a row of zeros is read: as an "error", or as an unknown value, which "zeros" encoded that way.
    Returns:
        N categories.
    Raises:
        ValueError: another shape, or a row that is not one-hot.
    """
    check_choice("policy for unknown values", unknown, UNKNOWN_POLICIES)
    dense = encoded_NC if isinstance(encoded_NC, np.ndarray) else encoded_NC.toarray()
    if dense.ndim != 2 or dense.shape[1] != len(categories):
        raise ValueError(
            f"one-hot array has shape {dense.shape}; {len(categories)} categories need (N, {len(categories)})"
        )
    ones_N = (dense == 1).sum(axis=1)
    wrong_N = ((dense != 0) & (dense != 1)).any(axis=1) | (ones_N > 1) | ((ones_N == 0) & (unknown == "error"))
    if wrong_N.any():
        place = int(np.argmax(wrong_N))
        raise ValueError(f"row {place} = {dense[place].tolist()[:10]} is not one-hot; it needs one 1 and zeros")
    return [categories[row.argmax()] if ones else None for row, ones in zip(dense, ones_N, strict=True)]
