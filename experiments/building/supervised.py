"""Builds the tasks that learn from labelled examples in arrays."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.building.own_data import kind_of, own_dataset
from experiments.building.own_tables import TABLE, load_own_table
from experiments.building.ranges import check_batch, naming_options
from experiments.building.records import PRETRAINED, ROWS, Registry, Sizes, serving
from experiments.building.vision import as_seen, vision_of
from experiments.command_line.choices import choose
from nn_core.data.augmentation import Augmentation, make_augment
from nn_core.data.dataset import Dataset, keep_classes
from nn_core.data.generators import sparse_coefficients
from nn_core.data.sources import call_loader
from nn_core.data.splits import SPLITS, SplitSizes, check_sizes
from nn_core.models.mlp import MLP, hidden_activations
from nn_core.tasks.base import Data, Hparams, Task
from nn_core.tasks.describe import describe_weights
from nn_core.tasks.examples import FILLS, View
from nn_core.tasks.heads import Head
from nn_core.tasks.records import (
    Record,
    Trained,
    coefficients,
    confusion,
    decided,
    filters,
    recorded,
    regions,
    support,
)
from nn_core.tasks.supervised import MakeModel, Problem, make_supervised

OF_SOURCE = "source"
STANDARDIZATIONS = {
    "feature": "one statistic a feature",
    "all": "one for all",
    "none": "raw",
    OF_SOURCE: "as the network of transfer.source is shown images",
}
CLASS_WEIGHTS: dict[str, Callable[[np.ndarray, int], np.ndarray] | None] = {
    "none": None,
    "balanced": lambda labels_N, num_classes: (
        len(labels_N) / (num_classes * np.bincount(labels_N, minlength=num_classes))
    ),
}


# config.task.record -> what makes the record.
RECORDS: dict[str, Callable[[ConfigDict], Record]] = {
    "coefficients": lambda config: coefficients,
    "confusion": lambda config: confusion,
    "filters": lambda config: filters,
    "regions": lambda config: regions,
    "support": lambda config: make_support(config),
}
WATCHED: dict[str, Record] = {"regions": decided}  # of these records, what is kept at every evaluation too


def build(config: ConfigDict, registry: Registry) -> tuple[Task, Data]:
    """The task and its shared data {"inputs": (N, …), "targets": (N,)}.

    Raises:
        ValueError: an unknown name, impossible splits or batches.
    """
    kind = choose(config.task.name, registry.tasks, "task.name")
    use = choose(config.model.name, serving(registry, kind.form), "model.name")
    choose(config.data.standardize, STANDARDIZATIONS, "data.standardize")
    weigh = choose(config.task.class_weights, CLASS_WEIGHTS, "task.class_weights")
    choose(config.data.name, dict.fromkeys((*registry.sources, TABLE)), "data.name")
    inputs, targets, num_classes = load_arrays(config, kind.head, use.reads, registry)
    if weigh is not None and not num_classes:
        raise ValueError(
            f"config.task.class_weights={config.task.class_weights!r} needs classes, and config.task.name="
            f"{config.task.name!r} learns numbers; use 'none'"
        )
    data = {"inputs": inputs, "targets": targets} | categories(config, kind.head)
    data |= inherited(config)
    view = make_view(config, num_classes, len(targets))
    data |= shared_split(config, view, len(targets))
    make_model = use.make(config, Sizes(kind.head.num_outputs(num_classes), activations=registry.activations))
    records = tuple(choose(name, RECORDS, "task.record")(config) for name in config.task.record)
    problem = Problem(
        make_model,
        kind.head,
        view,
        inputs[0],
        proximal=config.optimizer.proximal,
        class_weights_C=None if weigh is None else jnp.asarray(weigh(targets, num_classes), jnp.float32),
        augment=make_image_augment(config.data, inputs.shape[1:]),
        describe=describe,
    )
    watched = tuple(WATCHED[name] for name in config.task.record if name in WATCHED)
    task = with_records(make_supervised(problem), make_model, num_classes, records, watched)
    return task, data


def inherited(config: ConfigDict) -> Data:
    """The standardization of images that a network was trained with, instead of one of a run's own.

    Raises:
        ValueError: no such network.
    """
    if config.data.standardize != OF_SOURCE:
        return {}
    if config.model.name != PRETRAINED:
        raise ValueError(
            f"config.data.standardize={OF_SOURCE!r} needs a network that was trained before: "
            "--config=finetune_images, or config.model.name='pretrained'"
        )
    return {name: np.asarray(rows, np.float32) for name, rows in vision_of(config).statistics.items()}


def shared_split(config: ConfigDict, view: View, num_examples: int) -> dict[str, np.ndarray]:
    """The index sets of a table's split where all members see the same one, so that they are in memory once."""
    if config.data.name != TABLE or view.shuffle:
        return {}
    places_N, sizes = np.arange(num_examples, dtype=np.int32), view.sizes
    validation = slice(sizes.train, sizes.train + sizes.validation)
    parts = (slice(sizes.train), validation, slice(num_examples - sizes.test, num_examples))
    return {name: places_N[part] for name, part in zip(SPLITS, parts, strict=True)}


def categories(config: ConfigDict, head: Head) -> dict[str, np.ndarray]:
    """Which inputs say "is this category", where a table has any; noise features stand behind them."""
    if config.data.name != TABLE:
        return {}
    categorical_D = load_own_table(config, kind_of(head)).table.categorical_D
    return {"categorical": np.pad(categorical_D, (0, config.data.noise_features))} if categorical_D.any() else {}


def make_image_augment(section: ConfigDict, shape: tuple[int, ...]) -> Callable[[Array, Array], Array] | None:
    """The augmentation of training images, or None.

    Raises:
        ValueError: inputs that are not images, pixels that are standardized separately, a shift by a whole image.
    """
    augmentation = Augmentation(**section.augmentation)
    augment = make_augment(augmentation)
    if augment is None:
        return None
    if len(shape) != 3:
        raise ValueError(f"config.data.augmentation needs a model of images (cnn, vit); this one's inputs are {shape}")
    if section.standardize == "feature":
        raise ValueError(
            "config.data.augmentation moves pixels, which data.standardize='feature' scales one by one; "
            "use data.standardize='all' or 'none'"
        )
    if augmentation.shift >= min(shape[:2]):
        raise ValueError(f"config.data.augmentation.shift={augmentation.shift} must be below the sides of {shape[:2]}")
    return augment


def with_records(
    task: Task, make_model: MakeModel, num_classes: int, records: tuple[Record, ...], watched: tuple[Record, ...]
) -> Task:
    """A task whose results also hold the records; it is watched by those of them that change while it learns."""

    def describe(params: Any, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
        model = trained(make_model, params, data, hparams, num_classes)
        return task.describe(params, data, hparams, key) | recorded(records, model)

    def watch(params: Any, data: Data, hparams: Hparams) -> dict[str, Array]:
        return recorded(watched, trained(make_model, params, data, hparams, num_classes))

    return task._replace(describe=describe, watch=watch if watched else None) if records else task


def trained(make_model: MakeModel, params: Any, data: Data, hparams: Hparams, num_classes: int) -> Trained:
    """The trained model as the records see it."""
    model: Any = make_model(hparams)
    return Trained(lambda inputs: model.apply({"params": params}, inputs), params, data, num_classes, model)


def make_support(config: ConfigDict) -> Record:
    """The record that compares the weights with the coefficients behind the generated data."""
    if config.data.name != "sparse_regression" or config.data.noise_features:
        raise ValueError(
            "config.task.record 'support' needs true coefficients: data.name='sparse_regression', data.noise_features=0"
        )
    options = {name: value for name, value in config.data.options.items() if value is not None}
    names = ("seed", "num_features", "num_informative")
    true_D = sparse_coefficients(**{name: options[name] for name in names if name in options})
    return lambda trained: support(trained, jnp.asarray(true_D))


def load_examples(config: ConfigDict, head: Head, registry: Registry) -> Dataset:
    """The data of a config, restricted to the classes that it keeps."""
    section = config.data
    options = section.options.to_dict()
    dataset = own_dataset(config, head)
    if dataset is None:
        with naming_options(section):
            dataset = call_loader("data set", registry.sources, section.name, options)
    dataset = as_seen(config, dataset) if config.model.name == PRETRAINED else dataset
    return keep_classes(dataset, section.classes) if section.classes else dataset


def load_arrays(config: ConfigDict, head: Head, reads: str, registry: Registry) -> tuple[np.ndarray, np.ndarray, int]:
    """Inputs (with the config's noise features), targets, and the number of classes, 0 for numbers.

    Args:
        config: of the run.
        head: the kind of targets that it needs.
        reads: ROWS or IMAGES.
        registry: the sources by name.
    Raises:
        ValueError: targets that the head does not fit, inputs that the model does not read.
    """
    section = config.data
    dataset = load_examples(config, head, registry)
    num_classes = len(dataset.target_names)
    if (head.classes == 0) != (num_classes == 0):
        kind = "numbers: use task.name=regression" if num_classes == 0 else "classes: use task.name=classification"
        raise ValueError(
            f"config.task.name={config.task.name!r} does not fit data {section.name!r}, whose targets are {kind}"
        )
    if head.classes and num_classes != head.classes:
        raise ValueError(
            f"config.task.name={config.task.name!r} needs {head.classes} classes and data {section.name!r} has {num_classes}"
        )
    inputs = np.asarray(dataset.inputs, np.float32)
    if reads == ROWS:
        inputs = inputs.reshape(len(inputs), -1)
    elif inputs.ndim != 4:
        raise ValueError(
            f"config.model.name={config.model.name!r} reads images and data {section.name!r} has rows of "
            f"{inputs.shape[1]} numbers; use model.name='mlp'"
        )
    if section.noise_features:
        if inputs.ndim != 2:
            raise ValueError(f"config.data.noise_features={section.noise_features} needs rows of features, not images")
        noise = np.random.default_rng(0).standard_normal((len(inputs), section.noise_features))
        inputs = np.concatenate([inputs, noise.astype(np.float32)], axis=1)
    return inputs, np.asarray(dataset.targets), num_classes


def make_sizes(section: ConfigDict, num_examples: int) -> tuple[SplitSizes, int]:
    """Sizes of the splits and of a batch, checked against the number of examples."""
    sizes = SplitSizes(section.train, section.validation, section.test)
    try:
        check_sizes(sizes, num_examples)
    except ValueError as error:
        raise ValueError(f"config.data.train, validation and test: {error}") from None
    batch_size = section.train if section.batch_size is None else section.batch_size
    check_batch(batch_size, section.train, "examples")
    return sizes, batch_size


def make_view(config: ConfigDict, num_classes: int, num_examples: int) -> View:
    """Splits and batches, checked against the number of examples."""
    section = config.data
    of_table = section.name == TABLE
    sizes, batch_size = make_sizes(section, num_examples)
    if section.label_noise and not num_classes:
        raise ValueError(f"config.data.label_noise={section.label_noise} needs classes; {section.name!r} has numbers")
    return View(
        sizes=sizes,
        num_classes=num_classes,
        batch_size=batch_size,
        shuffle=section.shuffle,
        standardize="none" if section.standardize == OF_SOURCE else section.standardize,
        label_noise=section.label_noise,
        with_replacement=section.with_replacement,
        drop_last=section.drop_last,
        evaluation_batch=section.evaluation_batch,
        fill=section.table.missing if of_table and section.table.missing in FILLS else "none",
        scale_targets=of_table and not num_classes,
    )


def describe(model: nn.Module, params: Any, inputs: Array, gradients: Any) -> dict[str, Array]:
    """What the results table says about a trained network."""
    hidden = hidden_activations(model, params, inputs) if isinstance(model, MLP) else ()
    return describe_weights(params, gradients, hidden)
