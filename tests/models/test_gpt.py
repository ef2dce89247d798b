"""GPT: shapes, counts, first loss, causality, kinds of positions, precision, and that its variants train."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import Array

from nn_core.activations import gelu_tanh
from nn_core.models.gpt import GPT, POSITIONS, head_stddev
from nn_core.models.language import parameter_count, stack_layers, token_losses

V, T, D, H, L = 13, 11, 24, 3, 2
IDS_BT = jax.random.randint(jax.random.key(0), (2, T), 0, V)

VARIANTS: dict[str, dict[str, Any]] = {
    "course": {},
    "nanoGPT": {"use_bias": False, "tied_head": True},
    "llama": {"position": "rotary", "norm": "rms", "ffn": "swiglu", "use_bias": False, "kv_heads_num": 1},
    "bloom": {"position": "alibi", "activation": gelu_tanh},
    "t5-like": {"position": "relative", "norm": "rms", "ffn": "geglu", "ffn_features": 40},
    "2017": {"position": "sinusoidal", "norm_position": "post", "scale_embedding": True, "tied_head": True},
    "local": {"window": 3, "position": "none", "attention": "blockwise"},
}


def make(**options: Any) -> GPT:
    return GPT(V, T, D, H, L, **options)


def init(model: GPT, scale: float = 1.0) -> Any:
    """Parameters; a scale above 1 makes attention sharp enough for a test to see it."""
    params = jax.jit(model.init)(jax.random.key(1), IDS_BT)["params"]
    return jax.tree.map(lambda leaf: leaf * scale if leaf.ndim > 1 else leaf, params)


def logits_of(model: GPT, params: Any, ids_BT: Array) -> Array:
    return jax.jit(model.apply)({"params": params}, ids_BT)


@pytest.mark.parametrize("variant", VARIANTS)
def test_shapes_counts_and_probabilities(variant: str) -> None:
    model = make(**VARIANTS[variant])
    params = init(model)
    logits_BTV = logits_of(model, params, IDS_BT)
    assert logits_BTV.shape == (2, T, V) and logits_BTV.dtype == jnp.float32
    np.testing.assert_allclose(jax.nn.softmax(logits_BTV, axis=-1).sum(axis=-1), 1.0, atol=1e-6)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == parameter_count(model)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("use_bias", [False, True])
def test_parameter_count_of_the_baby_gpt(tied: bool, use_bias: bool) -> None:
    model = GPT(65, 256, 384, 6, 6, use_bias=use_bias, tied_head=tied)
    shapes = jax.eval_shape(model.init, jax.random.key(0), IDS_BT)["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == parameter_count(model)
    if use_bias and not tied:
        assert parameter_count(model) == 10_795_841  # 10.80 M: F132


def test_token_embedding_of_the_notes() -> None:
    """10,000 tokens, width 75: 750,000 parameters and three vectors for [348, 1978, 634]; one id, one vector (F124)."""
    model = GPT(10_000, 4, 75, 3, 1, position="none")
    variables = jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, 2), jnp.int32))
    assert variables["params"]["token_embedding"]["embedding"].size == 750_000
    ids_BT = jnp.array([[348, 1978, 634, 348]])
    vectors = model.apply(variables, ids_BT, jnp.arange(4)[None], method="embed")[0]
    assert vectors[:3].shape == (3, 75)
    np.testing.assert_array_equal(vectors[0], vectors[3])


def test_learned_position_t_adds_row_t_and_none_is_left_past_the_context() -> None:
    model = make()
    params = init(model)
    embedded = model.apply({"params": params}, IDS_BT, jnp.array([[4] * T]), method="embed")
    tokens = params["token_embedding"]["embedding"][IDS_BT]
    row = params["position_embedding"]["embedding"][4]
    np.testing.assert_allclose(embedded - tokens, jnp.broadcast_to(row, tokens.shape), atol=1e-7)
    with pytest.raises(ValueError, match="12 tokens are more than the context_size=11 learned positions; crop"):
        model.apply({"params": params}, jnp.zeros((1, 12), jnp.int32))
    longer = make(position="rotary")
    assert longer.apply({"params": init(longer)}, jnp.zeros((1, 12), jnp.int32)).shape == (1, 12, V)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("width", [32, 1024])
def test_the_first_loss_is_ln_v(width: int, tied: bool) -> None:
    model = GPT(65, 16, width, 4, 1, tied_head=tied, scan_layers=True)
    ids_BT = jax.random.randint(jax.random.key(2), (8, 17), 0, 65)
    params = jax.jit(model.init)(jax.random.key(3), ids_BT[:, :-1])["params"]
    loss = float(jnp.mean(token_losses(model, params, ids_BT[:, :-1], ids_BT[:, 1:])))
    assert abs(loss - np.log(65)) < 0.1
    np.testing.assert_allclose([head_stddev(384), head_stddev(1600)], [0.02, 0.01])


def test_gpt2s_init_shrinks_what_writes_to_the_residual_stream() -> None:
    block = init(GPT(V, T, 96, 3, 8))["stack"]["block_7"]
    deviations = {
        name: float(jnp.std(layer["kernel"]))
        for part in ("attention", "feed_forward")
        for name, layer in block[part].items()
    }
    for name, expected in {"qkv": 0.02, "up": 0.02, "out": 0.005, "down": 0.005}.items():
        np.testing.assert_allclose(deviations[name], expected, rtol=0.05)


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_token_sees_a_later_one(variant: str) -> None:
    """Gradients to later embeddings are exactly zero, and changing a token leaves earlier logits bit-identical."""
    model = make(**VARIANTS[variant])
    params = init(model, 4.0)

    def sums(tables_TVD: Array) -> Array:
        """One embedding table per place, so that the gradient tells the places apart."""
        wide = {**params, "token_embedding": {"embedding": tables_TVD.reshape(T * V, D)}}
        clone = model.clone(vocabulary_size=T * V)
        hidden_1TD = clone.apply({"params": wide}, jnp.arange(T)[None] * V + IDS_BT[:1], method="hidden")
        return jnp.sin(hidden_1TD[0]).sum(axis=-1)

    tables = jnp.broadcast_to(params["token_embedding"]["embedding"], (T, V, D))
    jacobian_TS = np.abs(np.asarray(jax.jit(jax.jacrev(sums))(tables))).sum(axis=(2, 3))
    assert np.all(jacobian_TS[np.triu_indices(T, 1)] == 0)
    reach = T if model.window is None else L * (model.window - 1) + 1
    distance_TS = np.arange(T)[:, None] - np.arange(T)[None]
    assert np.all(jacobian_TS[(distance_TS >= 0) & (distance_TS < reach)] > 0)
    assert np.all(jacobian_TS[distance_TS >= reach] == 0)
    changed_BT = IDS_BT.at[:, 6].set((IDS_BT[:, 6] + 1) % V)
    before, after = logits_of(model, params, IDS_BT), logits_of(model, params, changed_BT)
    np.testing.assert_array_equal(before[:, :6], after[:, :6])
    assert np.max(np.abs(before[:, 6] - after[:, 6])) > 1e-3


@pytest.mark.parametrize("position", [name for name in POSITIONS if name != "none"])
def test_positions_tell_orders_apart_and_without_them_they_are_lost(position: str) -> None:
    swapped_BT = IDS_BT.at[:, [1, 2]].set(IDS_BT[:, [2, 1]])
    for kind, same in ((position, False), ("none", True)):
        model = make(position=kind)
        params = init(model, 8.0)
        if kind == "relative":
            params["relative_bias"]["embedding"] = jax.random.normal(jax.random.key(5), (32, H))
        # The last of three tokens sees the other two, of which one layer cannot tell the order without positions.
        one = model.clone(layers_num=1)
        difference = logits_of(one, params, IDS_BT)[:, -1] - logits_of(one, params, swapped_BT)[:, -1]
        assert (np.max(np.abs(difference)) < 1e-5) == same


@pytest.mark.parametrize("variant", ["course", "llama", "2017"])
def test_implementations_and_scans_agree(variant: str) -> None:
    plain = make(**VARIANTS[variant])
    params = init(plain, 3.0)
    expected = logits_of(plain, params, IDS_BT)
    stacked = stack_layers(params)
    for options in ({"attention": "blockwise"}, {"scan_layers": True}, {"scan_layers": True, "remat": True}):
        model = plain.clone(**options)
        outputs = logits_of(model, stacked if "scan_layers" in options else params, IDS_BT)
        np.testing.assert_allclose(outputs, expected, atol=1e-5)


def train(model: GPT, steps: int) -> list[float]:
    """Losses on one fixed batch."""
    ids_BT = jax.random.randint(jax.random.key(4), (3, T + 1), 0, V)
    params = init(model)
    optimizer = optax.adamw(1e-2)

    def step(carry: Any, key: Array) -> Any:
        params, state = carry

        def loss(params: Any) -> Array:
            dropout_key = None if model.dropout_rate is None else key
            return jnp.mean(token_losses(model, params, ids_BT[:, :-1], ids_BT[:, 1:], dropout_key=dropout_key))

        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), value

    keys = jax.random.split(jax.random.key(5), steps)
    return jax.jit(lambda carry: jax.lax.scan(step, carry, keys))((params, optimizer.init(params)))[1].tolist()


@pytest.mark.parametrize("variant", ["course", "llama", "2017"])
def test_variants_overfit_a_tiny_batch(variant: str) -> None:
    losses = train(make(**VARIANTS[variant]), 120)
    assert abs(losses[0] - np.log(V)) < 0.1 and losses[-1] < 0.05


def test_mixed_precision_loses_nothing_and_keeps_float32_where_it_matters() -> None:
    full, half = make(scan_layers=True), make(scan_layers=True, dtype="bfloat16")
    params = init(half)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype(jnp.float32)}
    assert half.apply({"params": params}, IDS_BT, method="hidden").dtype == jnp.bfloat16
    assert half.apply({"params": params}, IDS_BT).dtype == jnp.float32
    exact, rounded = train(full, 40), train(half, 40)
    assert exact != rounded and exact[-1] < 1.0
    np.testing.assert_allclose(np.mean(rounded), np.mean(exact), rtol=0.02)


def test_dropout_moves_the_training_loss_and_leaves_evaluation_alone() -> None:
    model = make(dropout_rate=0.5)
    params = init(model)
    ids, targets = IDS_BT[:, :-1], IDS_BT[:, 1:]
    plain = token_losses(make(), params, ids, targets)
    np.testing.assert_array_equal(token_losses(model, params, ids, targets), plain)
    dropped = token_losses(model, params, ids, targets, dropout_key=jax.random.key(0))
    other = token_losses(model, params, ids, targets, dropout_key=jax.random.key(1))
    assert np.max(np.abs(dropped - plain)) > 1e-3 and np.max(np.abs(dropped - other)) > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads_num": 5}, "num_heads=5 does not divide width=24; use 1, 2, 3, 4, 6, 8, 12 or 24"),
        ({"position": "absolute"}, "position 'absolute' is unknown; use one of learned, sinusoidal, rotary, alibi"),
        ({"kv_heads_num": 2}, "2 key heads do not divide 3 query heads"),
        ({"attention": "sparse"}, "attention 'sparse' is unknown; use one of dense, blockwise, cudnn"),
    ],
)
def test_what_cannot_be_built_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make().clone(**options).init(jax.random.key(0), IDS_BT)
