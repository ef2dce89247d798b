"""Keeps what prediction on images needs: labels, size and standardization."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array
from ml_collections import ConfigDict
from PIL import Image

from experiments.building.experiment import Experiment
from experiments.building.records import EXAMPLES
from experiments.building.supervised import load_examples, make_view
from experiments.run_directory.files import entry
from experiments.run_directory.image_labels import IMAGES, write_images
from experiments.training.samples import FOLDER
from nn_core.files import whole_file
from nn_core.tasks.base import Data
from nn_core.tasks.examples import View, prepare
from nn_core.training.state import run_keys

EXAMPLE = "example.png"


@partial(jax.jit, static_argnums=0)
def statistics(view: View, keys_P: Array, data: Data) -> dict[str, Array]:
    """The standardization of each member; one program for all structures of a sweep with the same view of the data."""

    def of_one(key: Array) -> dict[str, Array]:
        own = data | prepare(view, data, run_keys(key).split)
        return {name: own[name] for name in ("shift", "scale") if name in own}

    return jax.lax.map(of_one, keys_P)


def keep_images(folder: Path, config: ConfigDict, experiment: Experiment, keys: Array, numbers: Sequence[int]) -> None:
    """Writes what prediction needs, once, if a population learns to classify images.

    Args:
        folder: of the population.
        config: of one of its members.
        experiment: of the population.
        keys: root key of each member, padding at the end allowed.
        numbers: of the members in the sweep.
    """
    path = folder / IMAGES
    kind = experiment.registry.tasks[config.task.name]
    if kind.form != EXAMPLES or kind.head.scores is None or path.is_file() or config.data.noise_features:
        return
    dataset = load_examples(config, kind.head, experiment.registry)
    if dataset.inputs.ndim != 4:
        return
    kept: dict[str, Any] = {"labels": np.array(dataset.target_names), "shape": np.array(dataset.inputs.shape[1:])}
    kept["numbers"] = np.array(numbers)
    if config.data.standardize != "none":
        view = make_view(config, len(dataset.target_names), len(dataset.targets))
        kept |= {
            name: np.asarray(array) for name, array in statistics(view, keys[: len(numbers)], experiment.data).items()
        }
    write_images(folder, kept)
    write_example(folder, dataset.inputs[0])


def write_example(folder: Path, image_HWC: np.ndarray) -> None:
    """Writes one image of the data as a PNG, to try prediction on.

    Args:
        folder: of the population.
        image_HWC: in [0, 1], with 1 or 3 channels; of another number nothing is written.
    """
    if image_HWC.shape[-1] not in (1, 3):
        return
    entry(folder, FOLDER).mkdir(exist_ok=True)
    levels = np.rint(255 * np.clip(image_HWC, 0, 1)).astype(np.uint8)
    with whole_file(folder / FOLDER / EXAMPLE) as part:
        Image.fromarray(levels.squeeze(-1) if levels.shape[-1] == 1 else levels).save(part, "PNG")
