"""The demonstration network: its layers, sizes and parameters by hand, what it refuses, and that it learns."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import Array, lax

from nn_core import losses
from nn_core.models.cnn import CNN, feature_maps, feature_shapes, parameter_formula
from nn_core.models.mlp import count_parameters
from tests import jitted
from tests.jitted import method

IMAGES = np.random.default_rng(0).uniform(size=(5, 11, 9, 2)).astype(np.float32)
SMALL = {"num_outputs": 3, "channels": (2, 4, 6), "hidden_sizes": (7, 5)}
PLAIN = CNN(**SMALL)


def drawn(model: nn.Module, stddev: float = 1.0) -> Any:
    return jitted.drawn(model, IMAGES, stddev=stddev)


def test_three_convolutions_and_three_dense_layers() -> None:
    """F072: exactly three of each; the digits, the image of MNIST and another shape."""
    params = jax.eval_shape(CNN(10).init, jax.random.key(1), np.zeros((1, 28, 28, 1), np.float32))["params"]
    assert list(params) == ["conv_0", "conv_1", "conv_2", "dense_0", "dense_1", "dense_2"]
    assert all(set(layer) == {"kernel", "bias"} for layer in params.values())
    for shape in ((28, 28, 1), (8, 8, 1), (17, 9, 3)):
        params = jax.eval_shape(PLAIN.init, jax.random.key(1), np.zeros((1, *shape), np.float32))["params"]
        assert count_parameters(params) == parameter_formula(shape, (2, 4, 6), (7, 5), 3, 3)


def test_sizes_and_parameters_by_hand() -> None:
    """28 -> 14 -> 7 -> 3; (9 + 1) 16 + (144 + 1) 32 + (288 + 1) 64 + 577 * 128 + 129 * 64 + 65 * 10 = 106,058."""
    assert feature_shapes((28, 28, 1), (16, 32, 64), 3) == [(28, 28, 1), (14, 14, 16), (7, 7, 32), (3, 3, 64)]
    assert feature_shapes((28, 28, 1), (6,), 5, "valid", "none") == [(28, 28, 1), (24, 24, 6)]
    by_hand = 160 + 4_640 + 18_496 + 577 * 128 + 129 * 64 + 65 * 10
    assert parameter_formula((28, 28, 1), (16, 32, 64), (128, 64), 10, 3) == by_hand == 106_058


@pytest.mark.parametrize(
    ("pooling", "normalization"),
    [
        ("max", "none"),
        ("average", "layer"),
        ("max", "group"),
        pytest.param("average", "none", marks=pytest.mark.slow),
        pytest.param("max", "layer", marks=pytest.mark.slow),
        pytest.param("average", "group", marks=pytest.mark.slow),
    ],
)
def test_forward_equals_the_same_layers_of_flax(normalization: str, pooling: str) -> None:
    class Same(nn.Module):
        @nn.compact
        def __call__(self, x: Array) -> Array:
            pool = nn.max_pool if pooling == "max" else nn.avg_pool
            for i, features in enumerate((2, 4, 6)):
                x = nn.Conv(features, (3, 3), name=f"conv_{i}")(x)
                if normalization == "layer":
                    x = nn.LayerNorm(epsilon=1e-5, use_fast_variance=False, name=f"conv_norm_{i}")(x)
                if normalization == "group":
                    x = nn.GroupNorm(2, epsilon=1e-5, use_fast_variance=False, name=f"conv_norm_{i}")(x)
                x = pool(jnp.tanh(x), (2, 2), (2, 2))
            x = x.reshape(len(x), -1)
            for i, features in enumerate((7, 5)):
                x = nn.Dense(features, name=f"dense_{i}")(x)
                if normalization != "none":
                    x = nn.LayerNorm(epsilon=1e-5, use_fast_variance=False, name=f"dense_norm_{i}")(x)
                x = jnp.tanh(x)
            return nn.Dense(3, name="dense_2")(x)

    model = CNN(**SMALL, activation=jnp.tanh, normalization=normalization, pooling=pooling, num_groups=2)
    found, expected = jax.jit(lambda variables: [m.apply(variables, IMAGES) for m in (model, Same())])(drawn(model))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_order_of_pooling_and_activation_changes_nothing() -> None:
    """ReLU does not decrease, so the maximum is taken first; an activation that nobody knows comes first."""
    models = [PLAIN, PLAIN.copy(pooling="average"), PLAIN.copy(activation=lambda x: nn.relu(x))]
    variables, images = jax.tree.map(np.float64, (drawn(PLAIN), IMAGES))

    @jax.jit
    def slopes(variables: Any) -> Any:
        return [jax.value_and_grad(lambda v, m=m: jnp.sin(m.apply(v, images)).sum())(variables) for m in models]

    with jax.enable_x64(True):
        found, other, expected = map(jax.tree.leaves, jax.device_get(slopes(variables)))
    for one, same in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, same, rtol=1e-11, atol=1e-11)
    assert abs(found[0] - other[0]) > 0.01


def test_feature_maps_are_those_of_the_forward_pass() -> None:
    maps = jax.jit(lambda params: feature_maps(PLAIN, params, IMAGES))(drawn(PLAIN)["params"])
    assert [one.shape for one in maps] == [(5, 11, 9, 2), (5, 5, 4, 4), (5, 2, 2, 6)]
    assert all(np.min(one) == 0 for one in maps)


def test_dropout_acts_in_training_only_and_members_equal_their_solo_runs() -> None:
    plain = CNN(3, (2,), (7,))
    variables = drawn(plain, 0.3)

    def run(rate: Array) -> Array:
        model = plain.copy(dropout_rate=rate)
        return model.apply(variables, IMAGES, False, rngs={"dropout": jax.random.key(4)})

    rates = np.float32([0.0, 0.5])
    together, alone = jax.device_get(jax.jit(jax.vmap(run))(rates)), jax.jit(run)
    for rate, outputs in zip(rates, together, strict=True):
        np.testing.assert_allclose(outputs, alone(rate), rtol=1e-5, atol=1e-6)
    calm = method(plain)(variables, IMAGES)
    np.testing.assert_allclose(together[0], calm, rtol=1e-5, atol=1e-6)
    assert not np.allclose(together[1], calm)
    assert np.array_equal(method(plain.copy(dropout_rate=0.5))(variables, IMAGES), calm)


@pytest.mark.parametrize("normalization", ["none", pytest.param("group", marks=pytest.mark.slow)])
def test_it_overfits_a_tiny_batch(normalization: str) -> None:
    """Labels at random: only a network that uses all of the image can learn them."""
    labels = np.array([0, 2, 1, 1, 0])
    model = CNN(3, (8, 8), (16,), normalization=normalization, num_groups=2)
    rule = optax.flatten(optax.adam(1e-2))  # of one leaf: less to compile

    def loss(params) -> Array:
        return losses.cross_entropy(model.apply({"params": params}, IMAGES), labels)

    def step(carry, _):
        updates, state = rule.update(jax.grad(loss)(carry[0]), carry[1])
        return (optax.apply_updates(carry[0], updates), state), None

    @jax.jit
    def last_loss(params) -> Array:
        (params, _), _ = lax.scan(step, (params, rule.init(params)), None, length=300)
        return loss(params)

    assert last_loss(drawn(model, 0.3)["params"]) < 0.01


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ({}, (1, 7, 8, 1), r"images of 7 x 8 are too small for 3 convolutions .* \(7 x 8 -> 3 x 4 -> 1 x 2 -> 0 x 1\)"),
        ({"padding": "valid"}, (1, 20, 20, 1), "are too small for 3 convolutions"),
        ({}, (1, 64), r"inputs of shape \(1, 64\) are not images; give \(batch, height, width, channels\)"),
        ({"channels": (4, 0)}, (1, 8, 8, 1), r"channels=\(4, 0\) has a size below 1"),
        ({"hidden_sizes": (0,)}, (1, 8, 8, 1), r"hidden_sizes=\(0,\) has a size below 1"),
        ({"normalization": "batch"}, (1, 8, 8, 1), "normalization='batch' is unknown; use one of none, layer, group"),
        ({"pooling": "sum"}, (1, 8, 8, 1), "pooling='sum' is unknown"),
        ({"normalization": "group"}, (1, 8, 8, 1), "num_groups=8 does not divide 2 channels; use one of 1, 2"),
    ],
)
def test_impossible_networks_are_refused(fields: dict, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(CNN(**{**SMALL, **fields}).init, jax.random.key(0), np.zeros(shape, np.float32))
