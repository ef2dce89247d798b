"""Pipelines of images and sounds: files in, [{score, label}] out."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from PIL import Image

from experiments.pipelines.encoders import at_least_one, softmax
from experiments.pipelines.models import Model
from experiments.pipelines.records import Ask
from experiments.trained.image_classifier import load_classifier, read_for
from nn_core.data.images import read_image
from nn_core.data.sounds import read_sound, spectrogram
from nn_core.files import user_path
from nn_core.pretrained.folder import read_json
from nn_core.pretrained.tensor_files import PretrainedError

PREPROCESSOR = "preprocessor_config.json"
# Pillow's numbers of its ways to resize; the ones that preprocessor_config.json names.
RESAMPLE = {0: Image.Resampling.NEAREST, 2: Image.Resampling.BILINEAR, 3: Image.Resampling.BICUBIC}
HALF = 0.5  # mean and deviation where a folder says none


class Eyes(NamedTuple):
    """How an image classifier sees.

    Attributes:
        labels: of the classes.
        read: file -> an array (H, W, C) in [0, 1].
        scores: such arrays (N, H, W, C) -> (N, C), rows sum to 1; what is standardized is standardized here.
        shape: (H, W, C).
    """

    labels: tuple[str, ...]
    read: Callable[[str], np.ndarray]
    scores: Callable[[np.ndarray], np.ndarray]
    shape: tuple[int, int, int]


def eyes(model: Model, fit: bool) -> Eyes:
    """Of a folder, or of a run directory."""
    if model.kind == "run_image":
        run = load_classifier(model.place, model.settings["step"], model.settings["member"])
        return Eyes(run.labels, lambda path: read_for(run, path, fit), run.scores, run.shape)
    prepare, standardize, shape = _preprocessor(model)
    apply = jax.jit(lambda params, images: model.module.apply({"params": params}, images))

    def scores(images_NHWC: np.ndarray) -> np.ndarray:
        return softmax(np.asarray(apply(model.params, standardize(images_NHWC))))

    return Eyes(model.labels, prepare, scores, shape)


def _preprocessor(model: Model) -> tuple[Callable[[str], np.ndarray], Callable[[Any], Any], tuple[int, int, int]]:
    side, channels = model.settings["image_size"], model.settings.get("num_channels", 3)
    path = model.place / PREPROCESSOR
    said = read_json(path) if path.is_file() else {}
    mean, std = (
        np.array(values * channels if len(values) == 1 else values, np.float32)
        for values in (said.get(name) or [HALF] for name in ("image_mean", "image_std"))
    )
    if mean.shape != (channels,) or std.shape != (channels,) or not (std > 0).all():
        raise PretrainedError(f"{path} has image_mean and image_std that do not fit {channels} channels")
    size = said.get("size", side)
    size = size.get("height", size.get("shortest_edge", side)) if isinstance(size, Mapping) else size
    crop = said.get("crop_size", side) if said.get("do_center_crop") else None
    crop = crop.get("height", side) if isinstance(crop, Mapping) else crop
    way = RESAMPLE.get(said.get("resample", 2), Image.Resampling.BILINEAR)

    def prepare(file: str) -> np.ndarray:
        image = read_image(file)
        image = np.repeat(image, channels, axis=2) if image.shape[2] == 1 else image[..., :channels]
        picture = Image.fromarray((image * 255).round().astype(np.uint8).squeeze())
        if said.get("do_resize", True) and picture.size != (size, size):
            picture = picture.resize((size, size), way)
        pixels = np.asarray(picture, np.float32).reshape(picture.height, picture.width, channels) / 255
        if crop is not None and crop < size:
            start = (size - crop) // 2
            pixels = pixels[start : start + crop, start : start + crop]
        if pixels.shape != (side, side, channels):
            raise ValueError(f"{file} becomes {pixels.shape} and the model reads {(side, side, channels)}; resize it")
        return pixels

    def standardize(images_NHWC: np.ndarray) -> np.ndarray:
        alike = (1, 1, 1, channels)
        return (
            (images_NHWC - mean.reshape(alike)) / std.reshape(alike) if said.get("do_normalize", True) else images_NHWC
        )

    return prepare, standardize, (side, side, channels)


def _ranked(labels: Sequence[str], scores: np.ndarray, top_k: int) -> list[dict[str, Any]]:
    order = np.argsort(-scores, kind="stable")[:top_k]
    return [{"score": float(scores[i]), "label": labels[i]} for i in order]


def image_classification(model: Model, options: Mapping[str, Any]) -> Ask:
    """[{score, label}] of an image file, best first."""
    at_least_one(options, "top_k")
    seen = eyes(model, options["fit"])

    def ask(inputs: Sequence[Any]) -> list[Any]:
        scores = seen.scores(np.stack([seen.read(str(path)) for path in inputs]))
        return [_ranked(seen.labels, row, options["top_k"]) for row in scores]

    return ask


def audio_classification(model: Model, options: Mapping[str, Any]) -> Ask:
    """[{score, label}] of a WAV file, read as the spectrogram that the model was trained on."""
    at_least_one(options, "top_k")
    seen = eyes(model, fit=False)

    def ask(inputs: Sequence[Any]) -> list[Any]:
        pictures = [spectrogram(read_sound(Path(user_path(str(path))))) for path in inputs]
        for path, picture in zip(inputs, pictures, strict=True):
            if picture.shape != seen.shape:
                raise ValueError(f"{path} becomes a spectrogram of {picture.shape} and the model reads {seen.shape}")
        return [_ranked(seen.labels, row, options["top_k"]) for row in seen.scores(np.stack(pictures))]

    return ask
