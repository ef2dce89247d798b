"""F073-F076: what is kept, what is new, and that nothing is loaded where something does not fit."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.models.cnn import CNN
from nn_core.transfer.surgery import drop_end, first_blocks, make_head, transplant, with_head
from tests import jitted

BLOCKS = ("conv_0", "conv_1", "dense_0", "dense_1")
IMAGES = np.zeros((1, 8, 8, 1), np.float32)


@functools.cache
def network(key, classes=3, channels=(2, 3), hidden=(5,)):
    model = CNN(classes, channels=channels, hidden_sizes=hidden)
    return jitted.drawn(model, IMAGES, seed=key)["params"]


def same(first, second):
    jax.tree.map(np.testing.assert_array_equal, first, second)
    return True


def test_exactly_the_first_blocks_are_kept():
    params = network(0)
    for count in range(len(BLOCKS) + 1):
        kept = first_blocks(params, BLOCKS, count)
        assert tuple(kept) == BLOCKS[:count]
        assert same(kept, {name: params[name] for name in BLOCKS[:count]})
    assert tuple(drop_end(params, BLOCKS)) == BLOCKS[:3]
    assert tuple(drop_end(params, BLOCKS, 3)) == ("conv_0",)


@pytest.mark.parametrize("count", [-1, 5])
def test_more_blocks_than_there_are_cannot_be_kept(count):
    with pytest.raises(ValueError, match=f"{count} blocks cannot be kept of 4"):
        first_blocks(network(0), BLOCKS, count)


def test_a_block_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no block 'conv_9'; there are conv_0"):
        first_blocks(network(0), ("conv_0", "conv_9"), 1)


def test_surgery_gives_the_network_that_linen_builds():
    """Case 2: the first block, and a head of 4 classes on its 4 x 4 x 2 feature maps."""
    source, small = network(0), network(1, classes=4, channels=(2,), hidden=())
    width = 4 * 4 * 2
    operated = with_head(first_blocks(source, BLOCKS, 1), "dense_0", make_head(jax.random.key(3), width, 4))
    assert jax.tree.map(jnp.shape, operated) == jax.tree.map(jnp.shape, dict(small))
    loaded = transplant(small, source, (("dense_0/*", "new"), ("*", "load")))
    assert same(loaded["conv_0"], source["conv_0"]) and same(loaded["dense_0"], small["dense_0"])
    assert same(loaded, with_head(first_blocks(source, BLOCKS, 1), "dense_0", small["dense_0"]))


def test_a_head_never_replaces_a_block_silently():
    with pytest.raises(ValueError, match="has a block 'dense_1' already; drop the end first"):
        with_head(network(0), "dense_1", {})


def test_a_head_has_the_statistics_of_a_dense_layer():
    head = make_head(jax.random.key(0), 400, 50)
    assert head["kernel"].shape == (400, 50) and not head["bias"].any()
    np.testing.assert_allclose(np.std(head["kernel"]), 400**-0.5, rtol=0.03)


def test_everything_loaded_is_the_source_and_everything_new_the_fresh_network():
    source, fresh = network(0), network(1)
    assert same(transplant(fresh, source, (("*", "load"),)), source)
    assert same(transplant(fresh, source, (("*", "new"),)), fresh)


def test_a_misfit_shows_names_and_shapes_of_both():
    source, wide = network(0), network(1, channels=(2, 4))
    with pytest.raises(ValueError) as raised:
        transplant(wide, source, (("dense_1/*", "new"), ("*", "load")))
    message = str(raised.value)
    assert "\n" not in message
    assert "- conv_1/kernel float32[3, 3, 2, 3]" in message and "+ conv_1/kernel float32[3, 3, 2, 4]" in message
    assert "dense_1" not in message  # it is new: it need not fit


def test_a_missing_parameter_shows_what_the_checkpoint_has_instead():
    deep = network(1, hidden=(5, 5))
    with pytest.raises(ValueError, match=r"\+ dense_2/bias float32\[3\]"):
        transplant(deep, network(0), (("*", "load"),))


def test_another_dtype_does_not_fit():
    half = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), network(0))
    with pytest.raises(ValueError, match=r"- conv_0/bias bfloat16\[2\].*\+ conv_0/bias float32\[2\]"):
        transplant(network(1), half, (("*", "load"),))


def test_it_fits_into_a_traced_function():
    source, fresh = network(0), network(1)
    loaded = jax.jit(lambda f, s: transplant(f, s, (("dense_1/*", "new"), ("*", "load"))))(fresh, source)
    assert same(loaded["conv_0"], source["conv_0"]) and same(loaded["dense_1"], fresh["dense_1"])
