"""What the results keep of a convolutional network for its picture, and the picture."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.figures.filters import filters as draw
from experiments.results import Results
from nn_core.models.cnn import CNN, feature_maps
from nn_core.models.mlp import MLP
from nn_core.tasks.records import SHOWN, Trained, filters

IMAGES = jax.random.uniform(jax.random.key(0), (9, 6, 5, 1))
DATA = {
    "inputs": IMAGES,
    "test": jnp.array([7, 2, 3]),
    "shift": jnp.full((6, 5, 1), 0.5),
    "scale": jnp.full((6, 5, 1), 0.3),
}


def test_the_strongest_channels_of_each_layer_and_their_filters_are_kept() -> None:
    model = CNN(3, (11, 4), (5,))
    params = model.init(jax.random.key(1), IMAGES)["params"]
    kept = filters(Trained(lambda x: x, params, DATA, 3, model))
    assert np.array_equal(kept["image"], IMAGES[7])
    maps = feature_maps(model, params, (IMAGES[jnp.array([7, 2, 3])] - 0.5) / 0.3)
    strongest = np.argsort(-np.asarray(maps[0].mean((0, 1, 2))))[:SHOWN]
    np.testing.assert_allclose(kept["feature_map_0"], maps[0][0][..., strongest], atol=1e-6)
    assert np.array_equal(kept["filters"], params["conv_0"]["kernel"][..., strongest])
    assert kept["feature_map_1"].shape == (3, 2, 4)
    row = {name: np.asarray(value) for name, value in kept.items()}
    figure = draw(Results(Path("."), {"name": "run"}, [row], [], {}))
    assert sum(len(axes.images) for axes in figure.axes) >= 1 + 8 + 8 + 4


def test_other_models_have_no_filters() -> None:
    with pytest.raises(ValueError, match="'filters' needs a convolutional network"):
        filters(Trained(lambda x: x, {}, DATA, 3, MLP((3,), 2)))
    assert "no filters were recorded" in draw(Results(Path("."), {}, [{}], [], {})).texts[0].get_text()
