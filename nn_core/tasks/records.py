"""Arrays of a trained model that the results keep for figures: weights, confusions, regions, filters.

Each record is a pure function of a `Trained` model. Sources: F018 (imbalance, S9), F027 (regions), F029,
F043, F047 (which weights L1 keeps), F072.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from nn_core import metrics
from nn_core.models.cnn import CNN, feature_maps
from nn_core.tasks.base import Data, Params
from nn_core.tasks.examples import look_up, targets_of

RESOLUTION = 64  # points along each axis of a region picture
MARGIN = 0.1  # of the range of the data, around it
SHOWN = 8  # channels of each layer in a picture of filters
AVERAGED = 64  # test images that determine which channels respond most


class Trained(NamedTuple):
    """A trained model and the data of its member.

    Attributes:
        predict: standardized inputs (B, …) -> outputs (B, outputs), deterministic.
        params: its parameters.
        data: the shared data and what `prepare` adds for the member.
        num_classes: C, 0 for regression.
        model: the Linen module that `predict` applies.
    """

    predict: Callable[[Array], Array]
    params: Params
    data: Data
    num_classes: int
    model: nn.Module | None = None


Record = Callable[[Trained], dict[str, Array]]


def coefficients(trained: Trained) -> dict[str, Array]:
    """The weights of a linear model.

    Args:
        trained: a model whose only layer is `dense_0`.
    Returns:
        {"coefficients": (D,) for one output, else (D, C)}.
    Raises:
        ValueError: a model with hidden layers.
    """
    if set(trained.params) != {"dense_0"}:
        raise ValueError("config.task.record 'coefficients' needs a linear model; set config.model.hidden_sizes=()")
    kernel_DC = trained.params["dense_0"]["kernel"]
    return {"coefficients": kernel_DC[:, 0] if kernel_DC.shape[1] == 1 else kernel_DC}


def support(trained: Trained, true_D: Array) -> dict[str, Array]:
    """How well the non-zero weights agree with the truth: feature selection as a classification (F047).

    Args:
        trained: a linear model with one output.
        true_D: (D,) the true coefficients.
    Returns:
        {"support_f1": 2 TP / (selected + true), "selected": weights that are not exactly 0,
        "coefficient_error": Euclidean distance to the truth}, scalars, and "true_coefficients": (D,).
    """
    weights_D = coefficients(trained)["coefficients"]
    selected_D, true_support_D = weights_D != 0, true_D != 0
    hits = jnp.sum(selected_D & true_support_D)
    return {
        "support_f1": 2.0 * hits / (jnp.sum(selected_D) + jnp.sum(true_support_D)),
        "selected": jnp.sum(selected_D).astype(jnp.float32),
        "coefficient_error": jnp.linalg.norm(weights_D - true_D),
        "true_coefficients": true_D,
    }


def confusion(trained: Trained) -> dict[str, Array]:
    """The confusion matrix on the test split, and scores of the rarest class.

    Args:
        trained: a classifier with one output a class, or one logit.
    Returns:
        {"confusion": (C, C) counts, row = truth; "rare_recall", "rare_precision" of the class with the fewest training
        examples; "macro_f1": mean of F1 over the classes}.
    """
    if not trained.num_classes:
        raise ValueError("config.task.record 'confusion' needs classes; it does not fit config.task.name='regression'")
    targets_N = trained.data["targets"][trained.data["test"]]
    outputs = trained.predict(look_up(trained.data, trained.data["test"]))
    guesses_N = jnp.argmax(outputs, axis=-1) if outputs.shape[1] > 1 else (outputs[:, 0] >= 0).astype(jnp.int32)
    counts_CC = metrics.confusion_matrix(guesses_N, targets_N, trained.num_classes)
    scores = metrics.class_scores(counts_CC)
    rarest = jnp.argmin(jnp.bincount(targets_of(trained.data, "train"), length=trained.num_classes))
    return {
        "confusion": counts_CC,
        "rare_recall": scores.recall[rarest],
        "rare_precision": scores.precision[rarest],
        "macro_f1": jnp.mean(scores.f1),
    }


def regions(trained: Trained) -> dict[str, Array]:
    """The predictions of a classifier of two features over the plane, and its training points.

    Args:
        trained: a classifier whose inputs are (B, 2).
    Returns:
        {"regions": (R, R) class, row = second feature from low to high; "extent": (4,) left, right, bottom, top in the
        units of the data; "points": (N, 3) training inputs in those units and their (noisy) class}.
    Raises:
        ValueError: inputs that are not points of a plane.
    """
    inputs_N2 = trained.data["inputs"]
    if inputs_N2.shape[1:] != (2,) or not trained.num_classes:
        raise ValueError("config.task.record 'regions' needs classes of two features, such as data.name='moons'")
    extent_4 = extent(inputs_N2)
    seen_N2 = jnp.asarray(inputs_N2)[trained.data["train"]]
    return {
        "regions": decided(trained)["regions"].astype(jnp.int32),
        "extent": extent_4,
        "points": jnp.concatenate([seen_N2, targets_of(trained.data, "train")[:, None].astype(seen_N2.dtype)], axis=1),
    }


def extent(inputs_N2: Array) -> Array:
    """Left, right, bottom, top of a picture of these points: (4,)."""
    low_2, high_2 = jnp.min(inputs_N2, axis=0), jnp.max(inputs_N2, axis=0)
    pad_2 = MARGIN * (high_2 - low_2)
    low_2, high_2 = low_2 - pad_2, high_2 + pad_2
    return jnp.stack([low_2[0], high_2[0], low_2[1], high_2[1]])


def decided(trained: Trained) -> dict[str, Array]:
    """{"regions": (R, R) the class that a classifier of two features gives each point of the plane, at most 256 classes}.

    Row = second feature from low to high. This is what changes of `regions` while a model learns.
    """
    left, right, bottom, top = extent(trained.data["inputs"])
    x_RR, y_RR = jnp.meshgrid(jnp.linspace(left, right, RESOLUTION), jnp.linspace(bottom, top, RESOLUTION))
    grid_M2 = jnp.stack([x_RR.ravel(), y_RR.ravel()], axis=1)
    outputs = trained.predict(look_up(trained.data | {"inputs": grid_M2}, jnp.arange(len(grid_M2))))
    classes_M = jnp.argmax(outputs, axis=-1) if outputs.shape[1] > 1 else (outputs[:, 0] >= 0).astype(jnp.int32)
    return {"regions": classes_M.reshape(RESOLUTION, RESOLUTION).astype(jnp.uint8)}


def filters(trained: Trained) -> dict[str, Array]:
    """What a convolutional network looks for, and where it finds it in a test image (F072).

    Args:
        trained: a `CNN`.
    Returns:
        {"filters": (h, w, C, K) of the first layer, "image": (H, W, C) the first test image as it came,
        "feature_map_0" ..: (H_i, W_i, K)} of each layer's K <= SHOWN channels that respond most on average, those of the
        first layer in the order of "filters".
    Raises:
        ValueError: another model.
    """
    if not isinstance(trained.model, CNN):
        raise ValueError("config.task.record 'filters' needs a convolutional network: config.model=base.cnn()")
    rows_B = trained.data["test"][:AVERAGED]
    kept: dict[str, Array] = {"image": trained.data["inputs"][rows_B[0]]}
    for layer, maps_BHWF in enumerate(feature_maps(trained.model, trained.params, look_up(trained.data, rows_B))):
        response_F = jnp.mean(maps_BHWF, axis=(0, 1, 2))
        strongest_K = jax.lax.top_k(response_F, min(SHOWN, len(response_F)))[1]
        kept[f"feature_map_{layer}"] = maps_BHWF[0][:, :, strongest_K]
        if layer == 0:
            kept["filters"] = trained.params["conv_0"]["kernel"][..., strongest_K]
    return kept


def recorded(records: tuple[Record, ...], trained: Trained) -> dict[str, Any]:
    """All records of a model together."""
    return {name: value for record in records for name, value in record(trained).items()}
