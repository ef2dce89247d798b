"""The block against flax.linen and NumPy, its laws (residual, permutation, masks, leaks), and stacks of it."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from nn_core.activations import gelu, gelu_tanh
from nn_core.models.attention import padding_mask
from nn_core.models.transformer import Block, FeedForward, Stack, feed_forward_width

B, T, S, D, H = 2, 5, 7, 12, 3
X_BTD = jax.random.normal(jax.random.key(0), (B, T, D))
MEMORY_BSD = jax.random.normal(jax.random.key(1), (B, S, D))
SOME = nn.initializers.normal(0.3)


def make(**options: Any) -> Block:
    return Block(num_heads=H, kernel_init=SOME, **options)


def noisy(params: Any) -> Any:
    """Scales and biases away from 1 and 0, where a forgotten one would not be seen."""
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(7), len(leaves))
    return tree.unflatten([x + 0.3 * jax.random.normal(k, x.shape) for x, k in zip(leaves, keys, strict=True)])


def init(module: nn.Module, *inputs: Any, **options: Any) -> Any:
    return noisy(jax.jit(lambda key: module.init(key, *inputs, **options))(jax.random.key(2))["params"])


def run(module: nn.Module, params: Any, *inputs: Any, **options: Any) -> Array:
    """One compiled call; the options are static."""
    return jax.jit(lambda params: module.apply({"params": params}, *inputs, **options))(params)


@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_the_block_equals_its_formula_in_flax_parts(norm_position: str) -> None:
    params = init(make(norm_position=norm_position), X_BTD)

    def norm(name: str, x: Array) -> Array:
        return nn.LayerNorm(epsilon=1e-5).apply({"params": params[f"{name}_norm"]}, x)

    def attend(x: Array) -> Array:
        qkv, out = params["attention"]["qkv"], params["attention"]["out"]
        q, k, v = jnp.split(x @ qkv["kernel"] + qkv["bias"][None, None], 3, axis=-1)
        heads = [y.reshape(B, T, H, D // H) for y in (q, k, v)]
        mixed = nn.dot_product_attention(*heads, mask=nn.make_causal_mask(jnp.ones((B, T)))).reshape(B, T, D)
        return mixed @ out["kernel"] + out["bias"][None, None]

    def feed(x: Array) -> Array:
        up, down = params["feed_forward"]["up"], params["feed_forward"]["down"]
        hidden = nn.gelu(x @ up["kernel"] + up["bias"][None, None], approximate=False)
        return hidden @ down["kernel"] + down["bias"][None, None]

    x = X_BTD
    for name, sublayer in (("attention", attend), ("feed_forward", feed)):
        x = x + sublayer(norm(name, x)) if norm_position == "pre" else norm(name, x + sublayer(x))
    np.testing.assert_allclose(run(make(norm_position=norm_position), params, X_BTD, causal=True), x, atol=1e-5)


def test_feed_forward_counts_8_d_squared_plus_5_d_and_treats_positions_alone() -> None:
    module = FeedForward(kernel_init=SOME)
    params = init(module, X_BTD)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 8 * D**2 + 5 * D
    order = jnp.array([4, 0, 2, 1, 3])
    outputs = run(module, params, X_BTD)
    np.testing.assert_allclose(run(module, params, X_BTD[:, order]), outputs[:, order], atol=1e-6)
    tanh = run(FeedForward(activation=gelu_tanh), params, X_BTD)
    assert 1e-5 < np.max(np.abs(tanh - outputs)) < 0.05


@pytest.mark.parametrize("kind", ["swiglu", "geglu"])
def test_gated_feed_forward_in_numpy(kind: str) -> None:
    module = FeedForward(kind, use_bias=False, kernel_init=SOME)
    params = init(module, X_BTD)
    features = feed_forward_width(D, kind)
    assert features == 32 and params["up"]["kernel"].shape == (D, 64)
    first, second = np.split(np.asarray(X_BTD, np.float64) @ np.asarray(params["up"]["kernel"]), 2, axis=-1)
    cubic = np.sqrt(2 / np.pi) * (first + 0.044715 * first**3)
    gate = first / (1 + np.exp(-first)) if kind == "swiglu" else first / 2 * (1 + np.tanh(cubic))
    np.testing.assert_allclose(
        run(module, params, X_BTD), gate * second @ np.asarray(params["down"]["kernel"]), atol=1e-5
    )


def test_zero_sublayers_leave_the_identity() -> None:
    module = make(out_kernel_init=nn.initializers.zeros)
    params = module.init(jax.random.key(2), X_BTD)["params"]
    np.testing.assert_array_equal(run(module, params, X_BTD), X_BTD)


def test_residuals_carry_the_gradient_through_24_layers() -> None:
    blocks = Stack(partial(Block, num_heads=H, kernel_init=nn.initializers.normal(0.02)), 24, scan_layers=True)
    params = blocks.init(jax.random.key(2), X_BTD)["params"]

    def without_residual(params: Any) -> Array:
        def body(x: Array, layer: Any) -> tuple[Array, None]:
            return make().apply({"params": layer}, x) - x, None

        return jnp.sum(jnp.square(jax.lax.scan(body, X_BTD, params["blocks"])[0]))

    def with_residual(params: Any) -> Array:
        return jnp.sum(jnp.square(blocks.apply({"params": params}, X_BTD)))

    def first_norm(loss: Any) -> Array:
        grads = jax.jit(jax.grad(loss))(params)["blocks"]["feed_forward"]["up"]["kernel"]
        return jnp.linalg.norm(grads[0])

    assert first_norm(with_residual) > 10 * first_norm(without_residual)


def test_padded_and_unpadded_encodings_agree_on_real_tokens() -> None:
    params = init(make(), X_BTD)
    padded_BTD = jnp.concatenate([X_BTD, 9.0 * jnp.ones((B, 3, D))], axis=1)
    outputs = run(make(), params, padded_BTD, mask=padding_mask(jnp.array([T, T]), T + 3))
    np.testing.assert_allclose(outputs[:, :T], run(make(), params, X_BTD), atol=1e-5)
    assert np.max(np.abs(outputs[:, :T] - run(make(), params, padded_BTD)[:, :T])) > 1e-2


def test_a_decoder_block_leaks_no_later_target_but_sees_all_of_the_source() -> None:
    module = make(cross_attention=True)
    params = init(module, X_BTD, memory_BSD=MEMORY_BSD)
    assert set(params) == {f"{a}{b}" for a in ("attention", "cross_attention", "feed_forward") for b in ("", "_norm")}

    def outputs_of(x_TD: Array, memory_SD: Array) -> Array:
        outputs = module.apply({"params": params}, x_TD[None], memory_BSD=memory_SD[None], causal=True)
        return outputs[0].sum(axis=-1)

    targets, sources = jax.jit(jax.jacobian(outputs_of, argnums=(0, 1)))(X_BTD[0], MEMORY_BSD[0])
    targets_TT, sources_TS = (np.abs(np.asarray(x)).sum(axis=-1) for x in (targets, sources))
    assert np.all(targets_TT[np.triu_indices(T, 1)] == 0) and np.all(targets_TT[np.tril_indices(T)] > 0)
    assert np.all(sources_TS > 0)


def test_a_memory_is_needed_if_and_only_if_there_is_cross_attention() -> None:
    with pytest.raises(ValueError, match="cross_attention=True needs a memory_BSD"):
        make(cross_attention=True).init(jax.random.key(0), X_BTD)
    with pytest.raises(ValueError, match="cross_attention=False needs a memory_BSD if and only if"):
        make().init(jax.random.key(0), X_BTD, memory_BSD=MEMORY_BSD)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "batch"}, "norm 'batch' is unknown; use one of layer, rms"),
        ({"norm_position": "mid"}, "norm_position 'mid' is unknown; use one of pre, post"),
        ({"ffn": "moe"}, "ffn 'moe' is unknown; use one of mlp, swiglu, geglu"),
    ],
)
def test_unknown_names_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**options).init(jax.random.key(0), X_BTD)


def test_rms_norm_and_no_bias_leave_kernels_and_scales_only() -> None:
    params = make(norm="rms", use_bias=False, ffn="swiglu").init(jax.random.key(0), X_BTD)["params"]
    names = {path[-1].key for path, _ in jax.tree_util.tree_leaves_with_path(params)}
    assert names == {"kernel", "scale"}


def test_dropout_is_drawn_in_training_only_and_its_rate_may_be_traced() -> None:
    params = init(make(), X_BTD)

    def outputs_of(rate: Array, deterministic: bool) -> Array:
        block = make(dropout_rate=rate, attention_dropout_rate=rate)
        return block.apply({"params": params}, X_BTD, deterministic, rngs={"dropout": jax.random.key(3)})

    plain = run(make(), params, X_BTD)
    np.testing.assert_allclose(outputs_of(jnp.array(0.5), True), plain, atol=1e-5)
    many = jax.jit(jax.vmap(lambda rate: outputs_of(rate, False)))(jnp.array([0.0, 0.3]))
    np.testing.assert_allclose(many[0], plain, atol=1e-5)
    assert np.max(np.abs(many[1] - plain)) > 0.1


@pytest.mark.parametrize("remat", [False, True])
def test_scanned_layers_and_remat_equal_the_plain_stack(remat: bool) -> None:
    """With masks, a memory and biases through the lifted transformations, values and gradients."""
    make_block = partial(Block, num_heads=H, kernel_init=SOME, cross_attention=True)
    plain = Stack(make_block, 3)
    params = init(plain, X_BTD, memory_BSD=MEMORY_BSD)
    stacked = {"blocks": jax.tree.map(lambda *xs: jnp.stack(xs), *(params[f"block_{i}"] for i in range(3)))}
    scanned = Stack(make_block, 3, scan_layers=True, remat=remat)
    bias = jax.random.normal(jax.random.key(4), (1, H, T, T))

    def loss(module: Stack, params: Any, memory_BSD: Array, bias: Array) -> Array:
        outputs = module.apply({"params": params}, X_BTD, memory_BSD=memory_BSD, bias=bias, causal=True)
        return jnp.mean(jnp.square(outputs))

    value, grads = jax.jit(jax.value_and_grad(partial(loss, plain), (0, 1, 2)))(params, MEMORY_BSD, bias)
    other, others = jax.jit(jax.value_and_grad(partial(loss, scanned), (0, 1, 2)))(stacked, MEMORY_BSD, bias)
    np.testing.assert_allclose(other, value, rtol=1e-6)
    restacked = {"blocks": jax.tree.map(lambda *xs: jnp.stack(xs), *(grads[0][f"block_{i}"] for i in range(3)))}
    for ours, theirs in zip(jax.tree.leaves((restacked, *grads[1:])), jax.tree.leaves(others), strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-5)
    assert min(np.max(np.abs(grad)) for grad in grads[1:]) > 1e-2


def test_scanned_layers_make_one_program_whatever_the_depth() -> None:
    def size(num_layers: int, scan_layers: bool) -> int:
        stack = Stack(partial(Block, num_heads=H), num_layers, scan_layers)
        shapes = jax.eval_shape(stack.init, jax.random.key(0), X_BTD)
        return len(jax.jit(stack.apply).lower(shapes, X_BTD).as_text())

    assert size(8, False) > 1.8 * size(4, False)
    assert size(8, True) < 1.02 * size(4, True)


def test_remat_keeps_less_memory_for_the_backward_pass() -> None:
    x_BTD = jax.ShapeDtypeStruct((4, 64, 32), jnp.float32)

    def temporaries(remat: bool) -> int:
        stack = Stack(partial(Block, num_heads=4), 6, scan_layers=True, remat=remat)
        params = jax.eval_shape(stack.init, jax.random.key(0), x_BTD)
        grad = jax.jit(jax.grad(lambda params, x: jnp.sum(stack.apply(params, x, causal=True))))
        return grad.lower(params, x_BTD).compile().memory_analysis().temp_size_in_bytes

    assert temporaries(True) < 0.5 * temporaries(False)


def test_each_scanned_layer_drops_other_entries() -> None:
    """With the same weights in both layers, the same mask twice would show as equal changes of the stream."""
    block = partial(Block, num_heads=H, out_kernel_init=nn.initializers.zeros, dropout_rate=0.5)
    stack = Stack(block, 2, scan_layers=True)
    params = stack.init(jax.random.key(0), X_BTD)["params"]
    # Every sublayer is now the constant 1, so that dropout alone decides: 0 or 2 from each of four draws.
    params["blocks"]["attention"]["out"]["bias"] = jnp.ones((2, D))
    params["blocks"]["feed_forward"]["down"]["bias"] = jnp.ones((2, D))
    change = stack.apply({"params": params}, X_BTD, False, rngs={"dropout": jax.random.key(1)}) - X_BTD
    assert set(np.round(np.asarray(change)).astype(int).ravel()) == {0, 2, 4, 6, 8}


def test_bfloat16_computes_in_half_and_keeps_float32_parameters() -> None:
    params = init(make(), X_BTD)
    half = make(dtype=jnp.bfloat16)
    assert {leaf.dtype for leaf in jax.tree.leaves(init(half, X_BTD.astype(jnp.bfloat16)))} == {jnp.dtype(jnp.float32)}
    outputs = run(half, params, X_BTD.astype(jnp.bfloat16), causal=True)
    expected = run(make(activation=gelu), params, X_BTD, causal=True)
    assert outputs.dtype == jnp.bfloat16
    error = jnp.linalg.norm(outputs.astype(jnp.float32) - expected) / jnp.linalg.norm(expected)
    assert 1e-4 < error < 0.02
