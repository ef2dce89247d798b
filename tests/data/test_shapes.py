"""Generated images: both tasks on the same pictures, of any size."""

import numpy as np
import pytest

from nn_core.data.dataset import Dataset
from nn_core.data.shapes import shapes


def check_images(data: Dataset, shape: tuple[int, ...]) -> None:
    assert data.inputs.shape == shape
    assert data.inputs.min() >= 0.0 and data.inputs.max() <= 1.0
    assert np.bincount(data.targets, minlength=4).max() - np.bincount(data.targets, minlength=4).min() <= 1


def test_shapes_have_sizes_and_colours() -> None:
    check_images(shapes(num_examples=11, size=12), (11, 12, 12, 1))
    colour = shapes(num_examples=10, size=33, channels=3, noise=0.0)
    check_images(colour, (10, 33, 33, 3))
    assert (colour.inputs.std(axis=-1).max(axis=(1, 2)) > 0.01).all()
    rows = shapes(num_examples=10, size=33, channels=3, noise=0.0, flatten=True)
    np.testing.assert_array_equal(rows.inputs, colour.inputs.reshape(10, -1))
    with pytest.raises(ValueError, match="channels=2 is neither gray nor colour"):
        shapes(channels=2)


def test_both_tasks_are_posed_on_the_same_images() -> None:
    by_shape, by_texture = (shapes(num_examples=600, seed=2, target=target) for target in ("shape", "texture"))
    np.testing.assert_array_equal(by_shape.inputs, by_texture.inputs)
    assert by_shape.target_names == ("circle", "square", "triangle", "cross")
    assert by_texture.target_names == ("plain", "stripes", "checks", "dots")
    table = np.histogram2d(by_shape.targets, by_texture.targets, bins=4)[0]
    assert table.min() > 600 / 16 / 2  # drawn independently
    with pytest.raises(ValueError, match="did you mean 'shape'"):
        shapes(target="shapes")


def test_shape_is_in_the_outline_and_texture_in_the_body() -> None:
    data = shapes(num_examples=400, noise=0.0, seed=1)
    texture = shapes(num_examples=400, noise=0.0, seed=1, target="texture").targets
    bright = (data.inputs[..., 0] > 0.65).sum(axis=(1, 2))
    assert bright[data.targets == 3].mean() > 1.2 * bright[data.targets == 0].mean()  # a cross has the longest outline
    steps = np.abs(np.diff(data.inputs[..., 0], axis=2)).sum(axis=(1, 2))
    assert steps[texture == 1].mean() > 1.2 * steps[texture == 0].mean()


def test_no_two_images_are_equal() -> None:
    images = shapes(num_examples=700, size=12, noise=0.0, seed=3).inputs  # more than are drawn at once
    assert np.unique(images.reshape(700, -1), axis=0).shape[0] == 700
