"""Loads an image classifier from the path of its run and applies it to images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from experiments.building.records import EXAMPLES, ROWS, Registry, Sizes, serving
from experiments.command_line.choices import choose
from experiments.run_directory.image_labels import read_images
from experiments.run_directory.stored_run import Stored
from experiments.trained.example_model import network, open_run
from nn_core.data.images import read_image

BATCH = 256  # images in one forward pass of a prediction


class Classifier(NamedTuple):
    """A trained image classifier.

    Attributes:
        stored: where it comes from.
        labels: name of each class.
        shape: height, width and channels of the images it was trained on.
        scores: images (N, H, W, C) in [0, 1] -> (N, C), rows sum to 1.
        module: the network's structure.
        statistics: "shift" and "scale" of the standardization, or nothing.
    """

    stored: Stored
    labels: tuple[str, ...]
    shape: tuple[int, int, int]
    scores: Callable[[np.ndarray], np.ndarray]
    module: Any
    statistics: dict[str, np.ndarray]


def load_classifier(
    path: str | Path, step: str = "best", member: int | None = None, registry: Registry | None = None
) -> Classifier:
    """The image classifier of a run directory.

    Args:
        path: the run directory.
        step: "best" on validation, "latest", or the number of a step.
        member: its number in a sweep; None for a run that is none.
        registry: models and tasks by name; None: those that the run was built with.

    Raises:
        ValueError: no such run or member, a run of another kind, or parameters that do not fit its config.
        CheckpointError: no such step, or none that is sound.
    """
    stored, registry = open_run(path, step, member, registry)
    config = stored.config
    kind = registry.tasks.get(config.task.name)
    score = None if kind is None or kind.form != EXAMPLES else kind.head.scores
    if kind is None or score is None:
        raise ValueError(
            f"{stored.directory} holds a run of task {config.task.name!r}, which classifies no images; "
            "give one of an image classifier, such as configs/digits_cnn.py"
        )
    kept = read_images(stored)
    labels, shape = tuple(map(str, kept["labels"])), tuple(map(int, kept["shape"]))
    place = list(kept["numbers"]).index(stored.member)
    statistics: dict[str, np.ndarray] = {name: kept[name][place] for name in ("shift", "scale") if name in kept}
    use = choose(config.model.name, serving(registry, EXAMPLES), "model.name")
    flat = use.reads == ROWS
    sizes = Sizes(kind.head.num_outputs(len(labels)), activations=registry.activations)
    model = network(stored, use, sizes, (int(np.prod(shape)),) if flat else shape)

    @jax.jit
    def forward(images_NHWC: Array) -> Array:
        inputs = images_NHWC.reshape(len(images_NHWC), -1) if flat else images_NHWC
        if statistics:
            inputs = (inputs - statistics["shift"][None]) / statistics["scale"][None]
        return score(model.apply({"params": stored.params}, inputs))

    def scores(images_NHWC: np.ndarray) -> np.ndarray:
        parts = [forward(images_NHWC[i : i + BATCH]) for i in range(0, len(images_NHWC), BATCH)]
        return np.concatenate([np.asarray(part) for part in parts])

    return Classifier(stored, labels, (shape[0], shape[1], shape[2]), scores, model, statistics)


def classify(classifier: Classifier, images_NHWC: np.ndarray, top_k: int | None = None) -> list[list[dict[str, Any]]]:
    """The classes of each image, most probable first (F178).

    Args:
        classifier: from `load_classifier`.
        images_NHWC: (N, H, W, C) in [0, 1], of the classifier's shape.
        top_k: number of classes for each image, >= 1; None: all.
    Returns:
        For each image [{"label": name, "score": share}, …]; the scores of all classes sum to 1.
    Raises:
        ValueError: images of another shape.
    """
    if images_NHWC.shape[1:] != classifier.shape:
        raise ValueError(f"images of shape {images_NHWC.shape[1:]} do not fit a classifier of {classifier.shape}")
    found = []
    for scores_C in classifier.scores(np.asarray(images_NHWC, np.float32)):
        order = np.argsort(-scores_C, kind="stable")[:top_k]
        found.append([{"label": classifier.labels[i], "score": float(scores_C[i])} for i in order])
    return found


def read_for(classifier: Classifier, path: str | Path, fit: bool = False) -> np.ndarray:
    """An image file in the form that the classifier reads, (H, W, C) in [0, 1].

    `fit` resizes and converts others, which is also done where the images of the training were resized.

    Raises:
        ValueError: not an image, or another size or number of channels.
    """
    height, width, channels = classifier.shape
    fit = fit or bool(classifier.stored.config.data.get("image_size"))
    return read_image(path, height=height, width=width, channels=channels, fit=fit)
