"""The block against flax.linen and NumPy, its laws (residual, permutation, masks, leaks), and stacks of it."""

import functools
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from nn_core.activations import gelu, gelu_tanh
from nn_core.models.attention.dot_product import padding_mask
from nn_core.models.transformer.block import REMAT_POLICIES, Block, FeedForward, Stack, feed_forward_width
from tests.jitted import method, shapes

B, T, S, D, H = 2, 5, 7, 12, 3
X_BTD = np.random.default_rng(0).normal(size=(B, T, D)).astype(np.float32)
MEMORY_BSD = np.random.default_rng(1).normal(size=(B, S, D)).astype(np.float32)
SOME = nn.initializers.normal(0.3)


def make(**options: Any) -> Block:
    return Block(num_heads=H, kernel_init=SOME, **options)


def shapes_of(module: nn.Module, *inputs: Any, **options: Any) -> Any:
    return shapes(module, *inputs, **options)["params"]


def drawn(module: nn.Module, *inputs: Any, **options: Any) -> Any:
    """Scales and biases away from 1 and 0, where a forgotten one would not be seen; NumPy has nothing to compile."""
    generator = np.random.default_rng(2)

    def draw(path: tuple[Any, ...], leaf: Any) -> np.ndarray:
        mean, stddev = float(path[-1].key == "scale"), 0.4 if path[-1].key == "kernel" else 0.3
        return generator.normal(mean, stddev, leaf.shape).astype(np.float32)

    return jax.tree_util.tree_map_with_path(draw, shapes_of(module, *inputs, **options))


def run(module: nn.Module, params: Any, *inputs: Any, mask: Any = None, **options: Any) -> np.ndarray:
    """One compiled call; the options are static."""
    masks = {} if mask is None else {"mask": mask}
    return np.asarray(method(module, **options)({"params": params}, *inputs, **masks))


def stack(params: Any) -> Any:
    """The parameters of an unscanned stack, for the scanned one."""
    return {
        "blocks": jax.tree.map(lambda *leaves: np.stack(leaves), *(params[f"block_{i}"] for i in range(len(params))))
    }


@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_the_block_equals_its_formula_in_flax_parts(norm_position: str) -> None:
    params = drawn(make(norm_position=norm_position), X_BTD)

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

    @jax.jit
    def formula(x: Array) -> Array:
        for name, sublayer in (("attention", attend), ("feed_forward", feed)):
            x = x + sublayer(norm(name, x)) if norm_position == "pre" else norm(name, x + sublayer(x))
        return x

    outputs = run(make(norm_position=norm_position), params, X_BTD, causal=True)
    np.testing.assert_allclose(outputs, formula(X_BTD), atol=1e-5)


def test_feed_forward_counts_8_d_squared_plus_5_d_and_treats_positions_alone() -> None:
    module = FeedForward(kernel_init=SOME)
    params = drawn(module, X_BTD)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 8 * D**2 + 5 * D
    order = np.array([4, 0, 2, 1, 3])
    outputs = run(module, params, X_BTD)
    np.testing.assert_allclose(run(module, params, X_BTD[:, order]), outputs[:, order], atol=1e-6)
    tanh = run(FeedForward(activation=gelu_tanh), params, X_BTD)
    assert 1e-5 < np.max(np.abs(tanh - outputs)) < 0.05


@pytest.mark.parametrize("kind", ["swiglu", "geglu"])
def test_gated_feed_forward_in_numpy(kind: str) -> None:
    module = FeedForward(kind, use_bias=False, kernel_init=SOME)
    params = drawn(module, X_BTD)
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
    outputs, _ = jax.jit(module.init_with_output)(jax.random.key(2), X_BTD)
    np.testing.assert_array_equal(outputs, X_BTD)


def test_residuals_carry_the_gradient_through_24_layers() -> None:
    blocks = Stack(partial(Block, num_heads=H, kernel_init=nn.initializers.normal(0.02)), 24, scan_layers=True)
    # Kernels of the size of GPT-2's.
    params = jax.tree.map(lambda leaf: leaf / 20 if leaf.ndim == 3 else leaf, drawn(blocks, X_BTD))

    def without_residual(params: Any) -> Array:
        def body(x: Array, layer: Any) -> tuple[Array, None]:
            return make().apply({"params": layer}, x) - x, None

        return jnp.sum(jnp.square(jax.lax.scan(body, X_BTD, params["blocks"])[0]))

    def with_residual(params: Any) -> Array:
        return jnp.sum(jnp.square(blocks.apply({"params": params}, X_BTD)))

    def first_norm(loss: Any) -> np.floating:
        grads = jax.jit(jax.grad(loss))(params)["blocks"]["feed_forward"]["up"]["kernel"]
        return np.linalg.norm(np.asarray(grads)[0])

    assert first_norm(with_residual) > 10 * first_norm(without_residual)


def test_padded_and_unpadded_encodings_agree_on_real_tokens() -> None:
    params = drawn(make(), X_BTD)
    padded_BTD = np.concatenate([X_BTD, np.full((B, 3, D), 9, np.float32)], axis=1)
    masked, unmasked = (
        run(make(), params, padded_BTD, mask=padding_mask(np.array([length, length]), T + 3))[:, :T]
        for length in (T, T + 3)
    )
    np.testing.assert_allclose(masked, run(make(), params, X_BTD), atol=1e-5)
    assert np.max(np.abs(masked - unmasked)) > 1e-2


def test_a_decoder_block_leaks_no_later_target_but_sees_all_of_the_source() -> None:
    module = make(cross_attention=True)
    params = drawn(module, X_BTD, memory_BSD=MEMORY_BSD)
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
        shapes_of(make(cross_attention=True), X_BTD)
    with pytest.raises(ValueError, match="cross_attention=False needs a memory_BSD if and only if"):
        shapes_of(make(), X_BTD, memory_BSD=MEMORY_BSD)


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
        shapes_of(make(**options), X_BTD)


def test_rms_norm_and_no_bias_leave_kernels_and_scales_only() -> None:
    params = shapes_of(make(norm="rms", use_bias=False, ffn="swiglu"), X_BTD)
    names = {path[-1].key for path, _ in jax.tree_util.tree_leaves_with_path(params)}
    assert names == {"kernel", "scale"}


def test_dropout_is_drawn_in_training_only_and_its_rate_may_be_traced() -> None:
    params = drawn(make(), X_BTD)

    def outputs_of(rate: Array, deterministic: bool) -> Array:
        block = make(dropout_rate=rate, attention_dropout_rate=rate)
        return block.apply({"params": params}, X_BTD, deterministic, rngs={"dropout": jax.random.key(3)})

    @jax.jit
    def both(rates: Array) -> tuple[Array, Array]:
        return outputs_of(rates[1], True), jax.vmap(lambda rate: outputs_of(rate, False))(rates)

    plain = run(make(), params, X_BTD)
    evaluated, many = both(np.array([0.0, 0.3], np.float32))
    np.testing.assert_allclose(evaluated, plain, atol=1e-5)
    np.testing.assert_allclose(many[0], plain, atol=1e-5)
    assert np.max(np.abs(many[1] - plain)) > 0.1


@functools.cache
def gradients(**options: bool) -> tuple[Array, tuple[Any, ...]]:
    """Value and gradients of two layers with masks, a memory and biases."""
    make_block = partial(Block, num_heads=H, kernel_init=SOME, cross_attention=True)
    params = drawn(Stack(make_block, 2), X_BTD, memory_BSD=MEMORY_BSD)
    module = Stack(make_block, 2, **options)
    bias = np.random.default_rng(4).normal(size=(1, H, T, T)).astype(np.float32)

    def loss(params: Any, memory_BSD: Array, bias: Array) -> Array:
        outputs = module.apply({"params": params}, X_BTD, memory_BSD=memory_BSD, bias=bias, causal=True)
        return jnp.mean(jnp.square(outputs))

    return jax.jit(jax.value_and_grad(loss, (0, 1, 2)))(stack(params) if options else params, MEMORY_BSD, bias)


SAVED = [{}, *({"remat": True, "remat_policy": policy} for policy in REMAT_POLICIES[1:])]
OPTIONS = [{"remat": True}, *(pytest.param(options, marks=pytest.mark.slow) for options in SAVED)]


@pytest.mark.parametrize("options", OPTIONS)
def test_scanned_layers_and_remat_equal_the_plain_stack(options: dict) -> None:
    """With masks, a memory and biases through the lifted transformations, values and gradients."""
    (value, grads), (other, others) = gradients(), gradients(scan_layers=True, **options)
    np.testing.assert_allclose(other, value, rtol=1e-6)
    for ours, theirs in zip(jax.tree.leaves((stack(grads[0]), *grads[1:])), jax.tree.leaves(others), strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-5)
    assert min(np.max(np.abs(grad)) for grad in grads[1:]) > 1e-2


def test_scanned_layers_make_one_program_whatever_the_depth() -> None:
    def size(num_layers: int, scan_layers: bool) -> int:
        stack = Stack(partial(Block, num_heads=H), num_layers, scan_layers)
        return len(jax.jit(stack.apply).lower(shapes(stack, X_BTD), X_BTD).as_text())

    assert size(4, False) > 1.8 * size(2, False)
    assert size(4, True) < 1.02 * size(2, True)


def test_remat_keeps_less_memory_for_the_backward_pass() -> None:
    x_BTD = jax.ShapeDtypeStruct((4, 64, 32), jnp.float32)

    def temporaries(remat: bool, policy: str = "nothing_saveable") -> int:
        stack = Stack(partial(Block, num_heads=4), 6, scan_layers=True, remat=remat, remat_policy=policy)
        params = jax.eval_shape(stack.init, jax.random.key(0), x_BTD)
        grad = jax.jit(jax.grad(lambda params, x: jnp.sum(stack.apply(params, x, causal=True))))
        return grad.lower(params, x_BTD).compile().memory_analysis().temp_size_in_bytes

    nothing, products, dense = (temporaries(True, policy) for policy in REMAT_POLICIES)
    assert nothing < 0.5 * temporaries(False) and nothing < dense < products < temporaries(False)
    with pytest.raises(ValueError, match="remat_policy 'dots' is unknown; use one of nothing_saveable"):
        temporaries(True, "dots")


def test_each_scanned_layer_drops_other_entries() -> None:
    """With the same weights in both layers, the same mask twice would show as equal changes of the stream."""
    block = partial(Block, num_heads=H, dropout_rate=0.5)
    layers = Stack(block, 2, scan_layers=True)
    params = drawn(layers, X_BTD)
    params["blocks"]["attention"]["out"]["kernel"][:] = 0
    params["blocks"]["feed_forward"]["down"]["kernel"][:] = 0
    # Every sublayer is now the constant 1, so that dropout alone decides: 0 or 2 from each of four draws.
    params["blocks"]["attention"]["out"]["bias"] = np.ones((2, D), np.float32)
    params["blocks"]["feed_forward"]["down"]["bias"] = np.ones((2, D), np.float32)
    outputs = jax.jit(layers.apply, static_argnums=2)(
        {"params": params}, X_BTD, False, rngs={"dropout": jax.random.key(1)}
    )
    change = np.asarray(outputs) - X_BTD
    assert set(np.round(change).astype(int).ravel()) == {0, 2, 4, 6, 8}


def test_bfloat16_computes_in_half_and_keeps_float32_parameters() -> None:
    params = drawn(make(), X_BTD)
    half = make(dtype=jnp.bfloat16)
    x_BTD = X_BTD.astype(jnp.bfloat16)
    assert {leaf.dtype for leaf in jax.tree.leaves(shapes_of(half, x_BTD))} == {jnp.dtype(jnp.float32)}
    outputs = run(half, params, x_BTD, causal=True)
    expected = run(make(activation=gelu), params, X_BTD, causal=True)
    assert outputs.dtype == jnp.bfloat16
    error = np.linalg.norm(outputs.astype(np.float32) - expected) / np.linalg.norm(expected)
    assert 1e-4 < error < 0.02
