from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.models.recurrent.layers import Recurrent, RecurrentLayer, final_hidden, gate_bias, zero_carries
from tests.jitted import method, shapes

B, T, D, H = 3, 8, 5, 11


def init(model, *arguments):
    """Parameters of the right shapes from NumPy: compiling an initializer takes longer than a test."""
    generator = np.random.default_rng(0)
    scales = {"kernel": lambda s: s.shape[0] ** -0.5, "bias": lambda s: 0.1, "embedding": lambda s: 1.0}

    def draw(path, s):
        return (generator.normal(size=s.shape) * scales[path[-1].key](s)).astype(s.dtype)

    return jax.tree_util.tree_map_with_path(draw, shapes(model, *arguments)["params"])


def apply(model, params, *arguments):
    return jax.device_get(method(model)({"params": params}, *arguments))


@pytest.fixture(scope="module")
def inputs_BTD():
    return np.random.default_rng(1).normal(size=(B, T, D)).astype(np.float32)


@pytest.mark.parametrize(("cell", "gates"), [("vanilla", 1), ("lstm", 4), ("gru", 3)])
def test_number_of_parameters(cell, gates, inputs_BTD):
    params = init(RecurrentLayer(cell, H), inputs_BTD)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == gates * (H * (H + D) + H)


def test_recurrent_kernels_start_orthogonal_and_the_forget_gate_open(inputs_BTD):
    params = jax.jit(RecurrentLayer("lstm", H, forget_bias=1.0).init)(jax.random.key(0), inputs_BTD)["params"]
    params = jax.device_get(params)
    for kernel_HH in np.split(params["recurrent"]["kernel"], 4, axis=1):
        np.testing.assert_allclose(kernel_HH @ kernel_HH.T, np.eye(H), atol=1e-5)
    assert params["input"]["bias"].tolist() == [0.0] * H + [1.0] * H + [0.0] * (2 * H)

    @jax.jit
    def biases(key):
        return gate_bias("gru", 2.0)(key, (3 * H,)), gate_bias("vanilla", 1.0)(key, (H,))

    gru, vanilla = jax.device_get(biases(jax.random.key(0)))
    assert gru.tolist() == [0.0] * H + [2.0] * H + [0.0] * H
    assert not vanilla.any()


@pytest.mark.parametrize(
    ("cell", "bidirectional"),
    [("lstm", True), *(pytest.param(cell, False, marks=pytest.mark.slow) for cell in ("vanilla", "gru"))],
)
def test_padding_changes_no_bit_by_what_it_holds_and_roundings_by_its_amount(cell, bidirectional, inputs_BTD):
    model = Recurrent(cell, H, num_layers=2, bidirectional=bidirectional)
    params = init(model, inputs_BTD)
    lengths_B = np.array([T, 3, 1])
    results = []
    for padding, junk in ((0, 9.0), (6, -3.0), (6, 7.0)):
        padded = np.pad(inputs_BTD, ((0, 0), (0, padding), (0, 0)), constant_values=junk)
        keep_BT = np.arange(T + padding)[None] < lengths_B[:, None]
        padded = np.where(keep_BT[:, :, None], padded, np.float32(junk))
        carries, outputs = apply(model, params, padded, None, keep_BT)
        assert not outputs[:, T:].any()
        results.append((carries, outputs[:, :T]))
    jax.tree.map(np.testing.assert_array_equal, *results[1:])
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-6), *results[:2])
    alone, outputs = apply(model, params, inputs_BTD[1:2, :3])
    np.testing.assert_allclose(final_hidden(results[0][0])[1:2], final_hidden(alone), atol=1e-6)
    np.testing.assert_allclose(results[0][1][1:2, :3], outputs, atol=1e-6)


def test_both_directions_see_the_whole_sequence(inputs_BTD):
    model = Recurrent("gru", H, bidirectional=True)
    params = init(model, inputs_BTD)
    _, outputs = apply(model, params, inputs_BTD)
    flipped = {"forward_0": params["backward_0"], "backward_0": params["forward_0"]}
    _, mirrored = apply(model, flipped, inputs_BTD[:, ::-1])
    np.testing.assert_allclose(outputs, np.roll(mirrored[:, ::-1], H, axis=-1), atol=1e-6)
    later = inputs_BTD.copy()
    later[:, -1] += 1.0
    changed = apply(model, params, later)[1]
    assert np.abs(changed - outputs)[:, 0, H:].max() > 1e-3 and not (changed - outputs)[:, 0, :H].any()


def test_carries_go_in_and_out(inputs_BTD):
    model = Recurrent("lstm", H, num_layers=2)
    params = init(model, inputs_BTD)
    whole, outputs = apply(model, params, inputs_BTD)
    zero = zero_carries("lstm", H, 2, B)
    assert jax.tree.structure(zero) == jax.tree.structure(whole)
    middle, first = apply(model, params, inputs_BTD[:, :4], zero)
    last, second = apply(model, params, inputs_BTD[:, 4:], middle)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), outputs, atol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), last, whole)


def test_dropout_between_layers_only(inputs_BTD):
    def run(num_layers):
        """Outputs with two keys."""
        model = Recurrent("gru", H, num_layers=num_layers, dropout_rate=jnp.float32(0.5))
        params = init(Recurrent("gru", H, num_layers=num_layers), inputs_BTD)

        def outputs(key):
            return model.apply({"params": params}, inputs_BTD, deterministic=False, rngs={"dropout": key})[1]

        return jax.device_get(jax.jit(jax.vmap(outputs))(jax.random.split(jax.random.key(0))))

    np.testing.assert_array_equal(*run(1))
    first, second = run(2)
    assert np.abs(first - second).max() > 1e-3


def test_sizes_are_checked(inputs_BTD):
    with pytest.raises(ValueError, match="num_layers=0 is below 1"):
        init(Recurrent("gru", H, num_layers=0), inputs_BTD)
    with pytest.raises(ValueError, match="'rnn' is unknown"):
        init(Recurrent("rnn", H), inputs_BTD)
