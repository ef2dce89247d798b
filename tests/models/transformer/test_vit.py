"""The Vision Transformer: patches, positions, parameters by hand, what it refuses, and that it learns."""

import functools
from typing import Any

import jax
import numpy as np
import optax
import pytest
from jax import Array, lax

from nn_core import losses
from nn_core.models.mlp import count_parameters
from nn_core.models.transformer.vit import ViT, parameter_formula
from tests import jitted
from tests.jitted import method

IMAGES = np.random.default_rng(0).uniform(size=(5, 4, 6, 2)).astype(np.float32)
SMALL = {"num_outputs": 3, "patch_size": 2, "embedding_dim": 12, "heads_num": 2, "layers_num": 1}


@functools.cache
def drawn(model: ViT) -> Any:
    return jitted.drawn(model, IMAGES, stddev=0.3)


@pytest.mark.parametrize("pooling", ["class", "mean"])
def test_parameters_by_hand(pooling: str) -> None:
    """Patches of 2 x 2 of a digit: 16 tokens; width 64, 2 layers: 102,218 with the class token."""
    model = ViT(10, pooling=pooling)
    params = jax.eval_shape(model.init, jax.random.key(0), np.zeros((1, 8, 8, 1), np.float32))["params"]
    assert count_parameters(params) == parameter_formula((8, 8, 1), 2, 64, 2, 10, class_token=pooling == "class")
    by_hand = 5 * 64 + 64 + 17 * 64 + 2 * (12 * 64**2 + 13 * 64) + 128 + 65 * 10
    assert parameter_formula((8, 8, 1), 2, 64, 2, 10) == by_hand == 102_218


def test_patches_are_embedded_row_by_row() -> None:
    model = ViT(**SMALL, pooling="mean", position="none")
    variables = drawn(model)
    capture = {"capture_intermediates": lambda m, _: m.name == "patch_embedding"}
    state = jax.jit(lambda variables: model.apply(variables, IMAGES, **capture)[1])(variables)
    embedded = np.asarray(state["intermediates"]["patch_embedding"]["__call__"][0]).reshape(5, 6, 12)
    kernel, bias = (np.asarray(variables["params"]["patch_embedding"][name]) for name in ("kernel", "bias"))
    second_row_first = IMAGES[:, 2:4, 0:2].reshape(5, 8)
    np.testing.assert_allclose(embedded[:, 3], second_row_first @ kernel.reshape(8, 12) + bias, atol=1e-6)


def rearranged(images: np.ndarray) -> np.ndarray:
    """The same patches in another order."""
    return np.concatenate([images[:, 2:], images[:, :2]], axis=1)


@pytest.mark.parametrize(
    ("pooling", "position", "set_like"),
    [
        ("mean", "none", True),
        ("class", "learned", False),
        ("mean", "sinusoidal", False),
        pytest.param("class", "none", True, marks=pytest.mark.slow),
        pytest.param("mean", "learned", False, marks=pytest.mark.slow),
        pytest.param("class", "sinusoidal", False, marks=pytest.mark.slow),
    ],
)
def test_without_positions_the_patches_are_a_set(position: str, set_like: bool, pooling: str) -> None:
    model = ViT(**SMALL, position=position, pooling=pooling)
    variables, apply = drawn(model), method(model)
    assert np.allclose(apply(variables, IMAGES), apply(variables, rearranged(IMAGES)), atol=1e-5) == set_like


def test_dropout_acts_in_training_only_and_members_equal_their_solo_runs() -> None:
    variables = drawn(ViT(**SMALL))

    def run(rate: Array) -> Array:
        return ViT(**SMALL, dropout_rate=rate).apply(variables, IMAGES, False, rngs={"dropout": jax.random.key(4)})

    rates = np.float32([0.0, 0.5])
    together, alone = jax.device_get(jax.jit(jax.vmap(run))(rates)), jax.jit(run)
    for rate, outputs in zip(rates, together, strict=True):
        np.testing.assert_allclose(outputs, alone(rate), rtol=1e-4, atol=1e-5)
    calm = method(ViT(**SMALL))(variables, IMAGES)
    np.testing.assert_allclose(together[0], calm, rtol=1e-4, atol=1e-5)
    assert not np.allclose(together[1], calm)


@pytest.mark.parametrize("pooling", ["class", pytest.param("mean", marks=pytest.mark.slow)])
def test_it_overfits_a_tiny_batch(pooling: str) -> None:
    labels = np.array([0, 2, 1, 1, 0])
    model = ViT(**SMALL, pooling=pooling)
    rule = optax.flatten(optax.adam(1e-2))  # of one leaf: less to compile

    def loss(params) -> Array:
        return losses.cross_entropy(model.apply({"params": params}, IMAGES), labels)

    def step(carry, _):
        updates, state = rule.update(jax.grad(loss)(carry[0]), carry[1])
        return (optax.apply_updates(carry[0], updates), state), None

    @jax.jit
    def last_loss(params) -> Array:
        (params, _), _ = lax.scan(step, (params, rule.init(params)), None, length=100)
        return loss(params)

    assert last_loss(drawn(model)["params"]) < 0.01


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ({"patch_size": 3}, (1, 8, 12, 1), "patch_size=3 does not divide an image of 8 x 12; use one of 1, 2, 4"),
        ({}, (1, 64), r"inputs of shape \(1, 64\) are not images"),
        ({"position": "rotary"}, (1, 8, 8, 1), "position='rotary' is unknown; use one of learned, sinusoidal, none"),
        ({"pooling": "max"}, (1, 8, 8, 1), "pooling='max' is unknown; use one of class, mean"),
        ({"heads_num": 5}, (1, 8, 8, 1), "heads_num=5"),
    ],
)
def test_impossible_networks_are_refused(fields: dict, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(ViT(**{**SMALL, **fields}).init, jax.random.key(0), np.zeros(shape, np.float32))
