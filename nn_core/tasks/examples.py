"""How a run sees the shared examples: its own split, statistics of that split, and its batches.

Everything here is a pure function of the shared arrays and the run's key, so that every seed is another split. What is
learned from examples besides the parameters (standardization, substitutes for missing numbers, the known categories) is
learned only from the run's training rows.

Source: F042.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.data import sampling, splits
from nn_core.tasks.base import Batch, Data, Plan

STATISTICS = ("fill", "known", "shift", "scale", "target_shift", "target_scale")  # of the training rows, see `prepare`
FILLS: dict[str, Callable[..., Array]] = {"mean": jnp.nanmean, "median": jnp.nanmedian}


class View(NamedTuple):
    """How a member sees the shared examples.

    Attributes:
        sizes: examples in train, validation and test.
        num_classes: C, 0 for regression.
        batch_size: examples a step, 1..sizes.train.
        shuffle: draw the split by the member's key; False keeps the order of the file.
        standardize: "feature", "all" or "none"; the statistics are those of the training examples.
        label_noise: fraction of training labels that are replaced by another class.
        with_replacement: draw batches with replacement.
        drop_last: leave a ragged last batch out.
        evaluation_batch: examples in one forward pass of an evaluation.
        fill: what stands in for a missing number (NaN): "mean" or "median" of the training rows; "none": none is missing.
        scale_targets: give the numbers that are predicted mean 0 and variance 1 over the training rows.
    """

    sizes: splits.SplitSizes
    num_classes: int
    batch_size: int
    shuffle: bool = True
    standardize: str = "feature"
    label_noise: float = 0.0
    with_replacement: bool = False
    drop_last: bool = False
    evaluation_batch: int = 4096
    fill: str = "none"
    scale_targets: bool = False


def prepare(view: View, data: Data, key: Array) -> Data:
    """A member's split, label noise and statistics of the shared {"inputs": (N, …), "targets": (N,)}.

    Args:
        view: how to see the data.
        data: the shared arrays; of a table also "categorical", (D,) booleans: inputs that say "is this category". Where
            all members see one split, its index sets too: they are then in memory once.
        key: the member's split key.
    Returns:
        The index sets of the member's own split, "train_targets" where labels are noisy, and the statistics of the
        training rows that apply: "fill" for missing numbers, "known" (False for a category that no training row has),
        "shift" and "scale" of the inputs, "target_shift" and "target_scale".
    """
    split_key, noise_key = jax.random.split(key)
    member: Data = {}
    if "train" not in data:
        stratify = view.num_classes if view.shuffle else 0
        member = splits.split_indices(split_key if view.shuffle else None, data["targets"], view.sizes, stratify)
    train_N = (data | member)["train"]
    if view.label_noise:
        labels_N = data["targets"][train_N]
        noisy_N = splits.flip_labels(noise_key, labels_N, view.num_classes, view.label_noise)
        member |= {"train_targets": noisy_N}
    if view.scale_targets:
        target_shift, target_scale = splits.standardizer(data["targets"][train_N][:, None])
        member |= {"target_shift": target_shift[0], "target_scale": target_scale[0]}
    if view.fill == view.standardize == "none" and "categorical" not in data:
        return member
    rows_ND = data["inputs"][train_N]
    if view.fill != "none":
        fill_D = FILLS[view.fill](rows_ND, axis=0)
        member |= {"fill": jnp.where(jnp.isnan(fill_D), 0.0, fill_D)}  # a column without any value in these rows
    if "categorical" in data:
        member |= {"known": ~data["categorical"] | jnp.any(rows_ND > 0, axis=0)}
    if view.standardize != "none":
        shift, scale = splits.standardizer(completed(member, rows_ND), per_feature=view.standardize == "feature")
        member |= {"shift": shift, "scale": scale}
    return member


def completed(member: Data, rows_BD: Array) -> Array:
    """Rows of a table with numbers in the place of missing ones, and without categories that the training rows lack."""
    if "fill" in member:
        rows_BD = jnp.where(jnp.isnan(rows_BD), member["fill"][None], rows_BD)
    return jnp.where(member["known"][None], rows_BD, 0.0) if "known" in member else rows_BD


def read(member: Data, inputs: Array) -> Array:
    """Inputs as the model gets them: completed and standardized by the member's statistics."""
    if "fill" in member or "known" in member:
        inputs = completed(member, inputs)
    if "shift" in member:
        inputs = (inputs - member["shift"][None]) / member["scale"][None]
    return inputs


def look_up(data: Data, indices_B: Array) -> Array:
    """The standardized inputs of some examples; a source and a target that is read with it are a pair of arrays."""
    return read(data, jax.tree.map(lambda leaf: leaf[indices_B], data["inputs"]))


def targets_of(data: Data, split: str, rows_B: Array | None = None) -> Array:
    """The targets of a split, or of some of its rows: those of training with their noise, numbers in the loss's unit."""
    if split == "train" and "train_targets" in data:
        return data["train_targets"] if rows_B is None else data["train_targets"][rows_B]
    targets_N = data["targets"][data[split] if rows_B is None else data[split][rows_B]]
    return (targets_N - data["target_shift"]) / data["target_scale"] if "target_shift" in data else targets_N


def plan(view: View, data: Data, key: Array, first_step: Array, num_steps: int) -> Plan:
    """Which training examples each step sees."""
    arguments = (key, first_step, num_steps, view.sizes.train, view.batch_size)
    if view.with_replacement:
        return sampling.replacement_plan(*arguments)
    return sampling.epoch_plan(*arguments, view.drop_last)


def batch(data: Data, plan_k: Plan) -> Batch:
    """The examples of one step."""
    rows_B = plan_k["indices"]
    examples = {"inputs": look_up(data, data["train"][rows_B]), "targets": targets_of(data, "train", rows_B)}
    return examples | {name: plan_k[name] for name in plan_k if name == "weights"}
