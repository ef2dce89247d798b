"""What the results keep of a convolutional network for its picture, and the picture."""

from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.figures.filters import filters as draw
from experiments.run_directory.results import Results
from nn_core.models.cnn import CNN, feature_maps
from nn_core.models.mlp import MLP
from nn_core.tasks.records import SHOWN, Trained, filters
from tests.jitted import drawn

IMAGES = np.random.default_rng(0).uniform(size=(9, 6, 5, 1)).astype(np.float32)
DATA = {
    "inputs": IMAGES,
    "test": np.array([7, 2, 3]),
    "shift": np.full((6, 5, 1), 0.5, np.float32),
    "scale": np.full((6, 5, 1), 0.3, np.float32),
}


def test_the_strongest_channels_of_each_layer_and_their_filters_are_kept() -> None:
    model = CNN(3, (11, 4), (5,))
    params = drawn(model, IMAGES, stddev=0.3)["params"]

    @jax.jit
    def both(params, data, images):
        return filters(Trained(lambda x: x, params, data, 3, model)), feature_maps(model, params, images)

    kept, maps = jax.device_get(both(params, DATA, (IMAGES[[7, 2, 3]] - 0.5) / 0.3))
    assert np.array_equal(kept["image"], IMAGES[7])
    strongest = np.argsort(-maps[0].mean((0, 1, 2)))[:SHOWN]
    np.testing.assert_allclose(kept["feature_map_0"], maps[0][0][..., strongest], atol=1e-6)
    assert np.array_equal(kept["filters"], np.asarray(params["conv_0"]["kernel"])[..., strongest])
    assert kept["feature_map_1"].shape == (3, 2, 4)
    figure = draw(Results(Path("."), {"name": "run"}, [kept], [], {}))
    assert sum(len(axes.images) for axes in figure.axes) >= 1 + 8 + 8 + 4


def test_other_models_have_no_filters() -> None:
    with pytest.raises(ValueError, match="'filters' needs a convolutional network"):
        filters(Trained(lambda x: x, {}, DATA, 3, MLP((3,), 2)))
    assert "no filters were recorded" in draw(Results(Path("."), {}, [{}], [], {})).texts[0].get_text()
