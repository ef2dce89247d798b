"""GPT: shapes, counts, first loss, causality, kinds of positions, precision, and that its variants train."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import Array
from scipy.special import softmax

from nn_core.activations import gelu_tanh
from nn_core.initializers import GPT2_STDDEV
from nn_core.models.transformer.gpt import GPT, POSITIONS, head_stddev
from nn_core.models.transformer.language_model import embedding_norm_ratio, parameter_count, stack_layers, token_losses
from tests.jitted import method, shapes

V, T, D, H, L = 13, 11, 24, 3, 2
IDS_BT = np.random.default_rng(0).integers(0, V, (2, T), np.int32)

VARIANTS: dict[str, dict[str, Any]] = {
    "course": {},
    "nanoGPT": {"use_bias": False, "tied_head": True},
    "llama": {"position": "rotary", "norm": "rms", "ffn": "swiglu", "use_bias": False, "kv_heads_num": 1},
    "bloom": {"position": "alibi", "activation": gelu_tanh},
    "t5-like": {"position": "relative", "norm": "rms", "ffn": "geglu", "ffn_features": 40},
    "2017": {"position": "sinusoidal", "norm_position": "post", "scale_embedding": True, "tied_head": True},
    "local": {"window": 3, "position": "none", "attention": "blockwise"},
}


# nanoGPT's parts are among those of the others.
EACH_VARIANT = [pytest.param(name, marks=pytest.mark.slow) if name == "nanoGPT" else name for name in VARIANTS]
SOME_VARIANTS = ["course", "llama", pytest.param("2017", marks=pytest.mark.slow)]


def make(**options: Any) -> GPT:
    return GPT(V, T, D, H, L, **options)


def drawn(model: GPT, scale: float = 1.0) -> Any:
    """Parameters about as `init` draws them, whose program takes longer to compile than the model's own.

    A scale above 1 makes attention sharp enough for a test to see it.
    """
    generator = np.random.default_rng(1)

    def draw(path: tuple[Any, ...], leaf: Any) -> np.ndarray:
        if path[-1].key in ("kernel", "embedding"):
            return generator.normal(0, scale * GPT2_STDDEV, leaf.shape).astype(np.float32)
        return np.full(leaf.shape, path[-1].key == "scale", np.float32)

    return jax.tree_util.tree_map_with_path(draw, shapes(model, IDS_BT)["params"])


def logits_of(model: GPT, params: Any, ids_BT: np.ndarray) -> np.ndarray:
    return np.asarray(method(model)({"params": params}, ids_BT))


def variant_of(name: str) -> GPT:
    """A variant with one layer: each of several reads nothing but its own place and earlier ones, or none does.

    Only how far a window reaches depends on their number.
    """
    return make(**VARIANTS[name]).clone(layers_num=2 if name == "local" else 1)


@functools.cache
def program(model: GPT) -> Callable[[Any, np.ndarray], tuple[Array, Array]]:
    """Logits, and the size of d hidden(place t) / d embedding(place s) in the first text, (T, T), as one program."""
    clone = model.clone(vocabulary_size=T * V)

    def run(params: Any, ids_BT: np.ndarray) -> tuple[Array, Array]:
        def sums(tables_TVD: Array) -> tuple[Array, Array]:
            """One embedding table per place, so that the gradient tells the places apart."""
            wide = {**params, "token_embedding": {"embedding": tables_TVD.reshape(T * V, D)}}
            hidden_BTD = clone.apply({"params": wide}, np.arange(T)[None] * V + ids_BT, method="hidden")
            logits_BTV = model.apply({"params": params}, hidden_BTD, method="logits")
            return jnp.sin(hidden_BTD[0]).sum(axis=-1), logits_BTV

        tables_TVD = jnp.broadcast_to(params["token_embedding"]["embedding"], (T, V, D))
        jacobian_TSVD, logits_BTV = jax.jacrev(sums, has_aux=True)(tables_TVD)
        return logits_BTV, jnp.abs(jacobian_TSVD).sum(axis=(2, 3))

    compiled = jax.jit(run)
    return lambda params, ids_BT: jax.device_get(compiled(params, ids_BT))


@pytest.mark.parametrize("variant", EACH_VARIANT)
def test_shapes_counts_and_probabilities(variant: str) -> None:
    model = variant_of(variant)
    params = drawn(model)
    logits_BTV, _ = program(model)(params, IDS_BT)
    assert logits_BTV.shape == (2, T, V) and logits_BTV.dtype == jnp.float32
    np.testing.assert_allclose(softmax(logits_BTV, axis=-1).sum(axis=-1), 1.0, atol=1e-6)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == parameter_count(model)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("use_bias", [False, True])
def test_parameter_count_of_the_baby_gpt(tied: bool, use_bias: bool) -> None:
    model = GPT(65, 256, 384, 6, 6, use_bias=use_bias, tied_head=tied)
    leaves = jax.tree.leaves(shapes(model, IDS_BT)["params"])
    assert sum(leaf.size for leaf in leaves) == parameter_count(model)
    if use_bias and not tied:
        assert parameter_count(model) == 10_795_841  # 10.80 M: F132


def test_token_embedding_of_the_notes() -> None:
    """10,000 tokens, width 75: 750,000 parameters and three vectors for [348, 1978, 634]; one id, one vector (F124)."""
    model = GPT(10_000, 4, 75, 3, 1, position="none")
    params = drawn(model)
    assert params["token_embedding"]["embedding"].size == 750_000
    ids_BT = np.array([[348, 1978, 634, 348]])
    vectors = method(model, "embed")({"params": params}, ids_BT, np.arange(4)[None])[0]
    assert vectors[:3].shape == (3, 75)
    np.testing.assert_array_equal(vectors[0], vectors[3])


def test_learned_position_t_adds_row_t_and_none_is_left_past_the_context() -> None:
    model = make()
    params = drawn(model)
    embedded = method(model, "embed")({"params": params}, IDS_BT, np.array([[4] * T]))
    tokens = params["token_embedding"]["embedding"][IDS_BT]
    row = params["position_embedding"]["embedding"][4]
    np.testing.assert_allclose(embedded - tokens, np.broadcast_to(row, tokens.shape), atol=1e-7)
    twelve = jax.ShapeDtypeStruct((1, 12), jnp.int32)
    with pytest.raises(ValueError, match="12 tokens are more than the context_size=11 learned positions; crop"):
        jax.eval_shape(model.apply, {"params": params}, twelve)
    longer = make(position="rotary")
    assert jax.eval_shape(longer.apply, {"params": drawn(longer)}, twelve).shape == (1, 12, V)


# At a width of 32 the head starts as the other kernels do.
@pytest.mark.parametrize("width", [32, pytest.param(1024, marks=pytest.mark.slow)])
def test_the_first_loss_is_ln_v(width: int) -> None:
    ids_BT = np.random.default_rng(2).integers(0, 65, (8, 17), np.int32)

    def first_loss(key: Array, tied: bool) -> Array:
        model = GPT(65, 16, width, 4, 1, tied_head=tied)
        params = model.init(key, ids_BT[:, :-1])["params"]
        return jnp.mean(token_losses(model, params, ids_BT[:, :-1], ids_BT[:, 1:]))

    # In one program, whose blocks both models share.
    losses = jax.jit(lambda key: [first_loss(key, tied) for tied in (False, True)])(jax.random.key(3))
    np.testing.assert_allclose(losses, np.log(65), atol=0.1)
    np.testing.assert_allclose([head_stddev(384), head_stddev(1600)], [0.02, 0.01])


def test_scaled_token_vectors_start_as_long_as_sinusoids() -> None:
    """Length 1 and then sqrt(D) times that, as in 2017; a sinusoid has sqrt(D / 2); unscaled ones would drown in it."""
    ids_BT = np.arange(64, dtype=np.int32)[None]
    for scaled, expected in ((True, np.sqrt(2)), (False, 0.02 * np.sqrt(2))):
        model = GPT(65, 64, 32, 4, 1, position="sinusoidal", scale_embedding=scaled)
        ratio = embedding_norm_ratio(model, jax.jit(model.init)(jax.random.key(0), ids_BT)["params"], ids_BT)
        np.testing.assert_allclose(ratio, expected, rtol=0.1)


def test_gpt2s_init_shrinks_what_writes_to_the_residual_stream() -> None:
    model = GPT(V, T, 96, 3, 8, scan_layers=True)

    def kernels(key: Array) -> dict[str, Array]:
        blocks = model.init(key, IDS_BT)["params"]["stack"]["blocks"]
        parts = blocks["attention"] | blocks["feed_forward"]
        return {name: layer["kernel"] for name, layer in parts.items()}

    drawn_kernels = jax.device_get(jax.jit(kernels)(jax.random.key(1)))
    for name, expected in {"qkv": 0.02, "up": 0.02, "out": 0.005, "down": 0.005}.items():
        np.testing.assert_allclose(np.std(drawn_kernels[name][7]), expected, rtol=0.05)


@pytest.mark.parametrize("variant", EACH_VARIANT)
def test_no_token_sees_a_later_one(variant: str) -> None:
    """Gradients to later embeddings are exactly zero, and changing a token leaves earlier logits bit-identical."""
    model = variant_of(variant)
    params = drawn(model, 4.0)
    before, jacobian_TS = program(model)(params, IDS_BT)
    assert np.all(jacobian_TS[np.triu_indices(T, 1)] == 0)
    reach = T if model.window is None else model.layers_num * (model.window - 1) + 1
    distance_TS = np.arange(T)[:, None] - np.arange(T)[None]
    assert np.all(jacobian_TS[(distance_TS >= 0) & (distance_TS < reach)] > 0)
    assert np.all(jacobian_TS[distance_TS >= reach] == 0)
    changed_BT = np.copy(IDS_BT)
    changed_BT[:, 6] = (IDS_BT[:, 6] + 1) % V
    after, _ = program(model)(params, changed_BT)
    np.testing.assert_array_equal(before[:, :6], after[:, :6])
    assert np.max(np.abs(before[:, 6] - after[:, 6])) > 1e-3


# The variants have every kind of position between them.
POSITIONED = ["course", "llama", "bloom", "t5-like", "2017"]


def test_every_kind_of_position_is_among_the_variants() -> None:
    assert {variant_of(name).position for name in POSITIONED} == set(POSITIONS) - {"none"}


@pytest.mark.parametrize("variant", [*POSITIONED, "none"])
def test_positions_tell_orders_apart_and_without_them_they_are_lost(variant: str) -> None:
    swapped_BT = np.copy(IDS_BT)
    swapped_BT[:, [1, 2]] = IDS_BT[:, [2, 1]]
    assert np.all(IDS_BT[:, 1] != IDS_BT[:, 2])
    # The last of three tokens sees the other two, of which one layer cannot tell the order without positions.
    one = make(position="none").clone(layers_num=1) if variant == "none" else variant_of(variant)
    params = drawn(one, 8.0)
    if one.position == "relative":
        params["relative_bias"]["embedding"] *= 1 / (8 * GPT2_STDDEV)
    difference = program(one)(params, IDS_BT)[0][:, -1] - program(one)(params, swapped_BT)[0][:, -1]
    assert (np.max(np.abs(difference)) < 1e-5) == (variant == "none")


@pytest.mark.parametrize("variant", SOME_VARIANTS)
def test_implementations_and_scans_agree(variant: str) -> None:
    plain = make(**VARIANTS[variant])
    params = drawn(plain, 3.0)
    # In blocks, scanned and rematerialized at once: a difference that any of them makes is one of the whole.
    other = plain.clone(attention="blockwise", scan_layers=True, remat=True)
    outputs = logits_of(other, jax.jit(stack_layers)(params), IDS_BT)
    np.testing.assert_allclose(outputs, logits_of(plain, params, IDS_BT), atol=1e-5)


@functools.cache
def train(model: GPT, steps: int, learning_rate: float = 1e-2, fresh: bool = False) -> list[float]:
    """Losses on one fixed batch, or each on a new piece of a text in which a token is followed by one of two."""
    rng = np.random.default_rng(4)
    ids_KBT = np.broadcast_to(rng.integers(0, V, (3, T + 1), np.int32), (steps, 3, T + 1))
    if fresh:
        ids_KBT = np.empty((steps, 8, T + 1), np.int32)
        ids_KBT[..., 0] = rng.integers(0, V, (steps, 8))
        for t in range(T):
            ids_KBT[..., t + 1] = (2 * ids_KBT[..., t] + rng.integers(0, 2, (steps, 8))) % V
    optimizer = optax.adamw(learning_rate)

    def step(carry: Any, ids_BT: Array) -> Any:
        params, state = carry

        def loss(params: Any) -> Array:
            return jnp.mean(token_losses(model, params, ids_BT[:, :-1], ids_BT[:, 1:]))

        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), value

    run = jax.jit(lambda params: jax.lax.scan(step, (params, optimizer.init(params)), ids_KBT)[1])
    return run(drawn(model)).tolist()


@pytest.mark.parametrize("variant", ["course", *(pytest.param(v, marks=pytest.mark.slow) for v in ("llama", "2017"))])
def test_variants_overfit_a_tiny_batch(variant: str) -> None:
    losses = train(variant_of(variant), 120)
    assert abs(losses[0] - np.log(V)) < 0.1 and losses[-1] < 0.05


def test_mixed_precision_loses_nothing_and_keeps_float32_where_it_matters() -> None:
    for half in (make(dtype="bfloat16"), make(dtype="bfloat16", scan_layers=True)):
        params = shapes(half, IDS_BT)["params"]
        assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype(jnp.float32)}
        assert jax.eval_shape(method(half, "hidden"), {"params": params}, IDS_BT).dtype == jnp.bfloat16
        assert jax.eval_shape(method(half), {"params": params}, IDS_BT).dtype == jnp.float32
    exact, rounded = (
        train(variant_of("course").clone(dtype=dtype), 200, 3e-3, fresh=True) for dtype in (None, "bfloat16")
    )
    # After 200 steps, where the text leaves ln 2 to guess (F144).
    assert exact != rounded and np.mean(exact[-20:]) < 0.4 * exact[0]
    np.testing.assert_allclose(np.mean(rounded[-20:]), np.mean(exact[-20:]), rtol=0.02)


def test_dropout_moves_the_training_loss_and_leaves_evaluation_alone() -> None:
    plain, dropping = make().clone(layers_num=1), make().clone(layers_num=1, dropout_rate=0.5)
    params = drawn(plain)

    def losses(model: GPT, seed: int | None = None) -> np.ndarray:
        key = None if seed is None else jax.random.key(seed)
        return np.asarray(programs[model](params, IDS_BT[:, :-1], IDS_BT[:, 1:], dropout_key=key))

    programs: dict[GPT, Callable[..., Array]] = {
        model: jax.jit(functools.partial(token_losses, model)) for model in (plain, dropping)
    }
    expected, dropped, other = losses(plain), losses(dropping, 0), losses(dropping, 1)
    np.testing.assert_array_equal(losses(dropping), expected)
    assert np.max(np.abs(dropped - expected)) > 1e-3 and np.max(np.abs(dropped - other)) > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads_num": 5}, "heads_num=5 does not divide embedding_dim=24; use 1, 2, 3, 4, 6, 8, 12 or 24"),
        ({"position": "absolute"}, "position 'absolute' is unknown; use one of learned, sinusoidal, rotary, alibi"),
        ({"kv_heads_num": 2}, "2 key heads do not divide 3 query heads"),
        ({"attention": "sparse"}, "attention 'sparse' is unknown; use one of dense, blockwise, cudnn"),
    ],
)
def test_what_cannot_be_built_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(make().clone(**options).init, jax.random.key(0), IDS_BT)
