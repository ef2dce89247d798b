"""The network of config.transfer.source where it reads images: its structure, and how it is shown them."""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from experiments.building.backbones import load_whole, naming_source, with_source
from experiments.building.language import evaluation_hparams
from experiments.building.models import images
from experiments.building.records import EXAMPLES, PRETRAINED, Model, Sizes
from experiments.building.unused_keys import IMAGE_FOLDER
from experiments.run_directory.image_labels import read_images
from experiments.run_directory.stored_run import parse_step
from nn_core.activations import ACTIVATIONS
from nn_core.data.dataset import Dataset
from nn_core.files import user_path
from nn_core.models.cnn import CNN
from nn_core.models.transformer.vit import ViT
from nn_core.pretrained.folder import is_folder
from nn_core.pretrained.load import read_structure
from nn_core.pretrained.preprocessor import read_preprocessor

READERS: dict[str, Model] = {"cnn": images.CNN_MODEL, "vit": images.VIT_MODEL}


class Vision(NamedTuple):
    """A trained network that reads images.

    Attributes:
        module: its structure, whatever number of outputs it has.
        shape: height, width and channels of the images.
        statistics: "shift" and "scale" of that shape, which images in [0, 1] are standardized by; or nothing.
    """

    module: ViT | CNN
    shape: tuple[int, int, int]
    statistics: dict[str, np.ndarray]


def vision_of(config: ConfigDict) -> Vision:
    """The network that a config starts from.

    Raises:
        ValueError: no source, or one that reads no images.
    """
    section = with_source(
        config, "a Hugging Face folder of a ViT or DeiT, or the run of an image classifier, such as checkpoints/vit"
    )
    with naming_source(section):
        return _at(user_path(section.source).absolute(), section.step, section.member)


@lru_cache(maxsize=2)  # the members of a sweep start from one network
def _at(place: Path, step: str, member: int | None) -> Vision:
    return _of_folder(place) if is_folder(place) else _of_run(place, step, member)


def _of_folder(place: Path) -> Vision:
    structure = read_structure(place)[-1]
    module = structure.module
    if not isinstance(module, ViT):
        raise ValueError(f"holds a {type(module).__name__}, which reads no images; use a ViT or a DeiT")
    _, height, width, channels = structure.example[0]
    how = read_preprocessor(place, height, channels)
    shape = (height, width, channels)
    factor = 255 * how.factor
    statistics = {"shift": how.mean_C / factor, "scale": how.std_C / factor}
    return Vision(module, shape, {name: np.broadcast_to(row, shape) for name, row in statistics.items()})


def _of_run(place: Path, step: str, member: int | None) -> Vision:
    stored = load_whole(place, parse_step(step), member)
    kept, config = read_images(stored), stored.config
    row = list(kept["numbers"]).index(stored.member)
    statistics: dict[str, np.ndarray] = {name: kept[name][row] for name in ("shift", "scale") if name in kept}
    height, width, channels = map(int, kept["shape"])
    if config.model.name in READERS:
        make = READERS[config.model.name].serves[EXAMPLES].make
        module: Any = make(config, Sizes(len(kept["labels"]), activations=ACTIVATIONS))(evaluation_hparams(config))
    elif config.model.name == PRETRAINED:  # the structure of what it started from itself
        module = vision_of(config).module
    else:
        raise ValueError(f"holds a {config.model.name!r}, which reads rows of numbers; use a run of a cnn or a vit")
    return Vision(module, (height, width, channels), statistics)


def as_seen(config: ConfigDict, dataset: Dataset) -> Dataset:
    """The images as the network of the source reads them: where it reads colours, gray ones get three equal channels.

    Raises:
        ValueError: images of another size or number of channels.
    """
    shape, found = vision_of(config).shape, dataset.inputs.shape[1:]
    if found == (*shape[:2], 1):
        return dataset._replace(inputs=np.broadcast_to(dataset.inputs, (len(dataset.inputs), *shape)))
    if found != shape:
        own = "leave out --config.data.image_size, and they are resized"
        other = "use images of your own (--config.data.name=image_folder), which are resized, or another source"
        raise ValueError(
            f"config.transfer.source={config.transfer.source!r} reads images of {_sides(shape)} and data "
            f"{config.data.name!r} has {_sides(found)}; {own if config.data.name == IMAGE_FOLDER else other}"
        )
    return dataset


def _sides(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
