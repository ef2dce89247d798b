"""Pipelines of images and sounds: files in, [{score, label}] out."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from PIL import Image

from experiments.pipelines.addresses import at_hand
from experiments.pipelines.encoders import at_least_one, class_shares
from experiments.pipelines.models import Model
from experiments.pipelines.records import Ask
from experiments.trained.image_classifier import load_classifier, read_for
from nn_core.data.images import read_image
from nn_core.data.sounds import read_sound, spectrogram
from nn_core.files import user_path
from nn_core.pretrained.preprocessor import read_preprocessor


class Eyes(NamedTuple):
    """How an image classifier sees.

    Attributes:
        labels: of the classes.
        read: file -> an array (H, W, C) in [0, 1].
        scores: such arrays (N, H, W, C) -> (N, C), as the model was trained; what is standardized is standardized here.
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
    side, channels = model.settings["image_size"], model.settings.get("num_channels", 3)
    how, shape = read_preprocessor(model.place, side, channels), (side, side, channels)
    apply = jax.jit(lambda params, images: model.module.apply({"params": params}, images))

    def read(file: str) -> np.ndarray:
        image = read_image(file)
        image = np.repeat(image, channels, axis=2) if image.shape[2] == 1 else image[..., :channels]
        pixels = how.prepare(Image.fromarray((image * 255).round().astype(np.uint8).squeeze()))
        if pixels.shape != shape:
            raise ValueError(f"{file} becomes {pixels.shape} and the model reads {shape}; resize it")
        return pixels

    def scores(images_NHWC: np.ndarray) -> np.ndarray:
        logits = np.asarray(apply(model.params, how.standardize(images_NHWC)))
        return class_shares(model, logits, None)

    return Eyes(model.labels, read, scores, shape)


def _ranked(labels: Sequence[str], scores: np.ndarray, top_k: int) -> list[dict[str, Any]]:
    order = np.argsort(-scores, kind="stable")[:top_k]
    return [{"score": float(scores[i]), "label": labels[i]} for i in order]


def image_classification(model: Model, options: Mapping[str, Any]) -> Ask:
    """[{score, label}] of an image, by its path or address or as Pillow has it, best first."""
    at_least_one(options, "top_k")
    seen = eyes(model, options["fit"])

    def look(place: Any) -> np.ndarray:
        with at_hand(place) as path:
            return seen.read(path)

    def ask(inputs: Sequence[Any]) -> list[Any]:
        scores = seen.scores(np.stack([look(place) for place in inputs]))
        return [_ranked(seen.labels, row, options["top_k"]) for row in scores]

    return ask


def audio_classification(model: Model, options: Mapping[str, Any]) -> Ask:
    """[{score, label}] of a WAV file, by its path or address, read as the spectrogram that the model was trained on."""
    at_least_one(options, "top_k")
    seen = eyes(model, fit=False)

    def listen(place: str) -> np.ndarray:
        with at_hand(place) as path:
            return spectrogram(read_sound(Path(user_path(path))))

    def ask(inputs: Sequence[Any]) -> list[Any]:
        pictures = [listen(str(place)) for place in inputs]
        for path, picture in zip(inputs, pictures, strict=True):
            if picture.shape != seen.shape:
                raise ValueError(f"{path} becomes a spectrogram of {picture.shape} and the model reads {seen.shape}")
        return [_ranked(seen.labels, row, options["top_k"]) for row in seen.scores(np.stack(pictures))]

    return ask
