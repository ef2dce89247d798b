"""LoRA: the start is the base, merged is unmerged, the base gets no gradient, and a population shares one base."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.models.transformer.gpt import GPT
from nn_core.optimizers import make_optimizer
from nn_core.training.program import Settings, make_program
from nn_core.transfer.lora import Lora, adapted, frozen, init_adapters, merge, target_kernels, whole_params, with_lora
from tests import jitted
from tests.training.problems import make_data, make_task

MODEL = GPT(vocabulary_size=11, context_size=8, embedding_dim=12, heads_num=3, layers_num=2, dropout_rate=0.3)
IDS = np.random.default_rng(0).integers(0, 11, (2, 7))
LORA = Lora(rank=2, targets=("*/attention/qkv/kernel", "stack/block_1/feed_forward/*/kernel"))
DATA = make_data()
TASK = make_task(hidden_sizes=(7, 6))
HEAD = (("dense_2/*", 1.0), ("*", 0.0))
HPARAMS = {"learning_rate": np.float32(0.05), "lora_alpha": np.float32(4)}


@functools.cache
def params() -> Any:
    return jitted.drawn(MODEL, IDS, stddev=0.3)["params"]


def drawn_adapters() -> Any:
    adapters = init_adapters(jax.random.key(1), params(), LORA)
    rng = np.random.default_rng(2)
    return jax.tree.map(lambda leaf: (0.3 * rng.normal(size=leaf.shape)).astype(np.float32), adapters)


@functools.partial(jax.jit, static_argnames=("train",))
def unmerged(params: Any, adapters: Any, scale: float, rate: float | None = None, train: bool = False) -> Any:
    rngs = {"dropout": jax.random.key(5)} if train else None
    with adapted(adapters, scale, rate):
        return MODEL.clone(dropout_rate=None).apply({"params": params}, IDS, not train, rngs=rngs)


def plain(params: Any) -> Any:
    return jitted.method(MODEL)({"params": params}, IDS)


def test_targets_are_kernels() -> None:
    assert target_kernels(params(), LORA.targets) == [
        "stack/block_0/attention/qkv/kernel",
        "stack/block_1/attention/qkv/kernel",
        "stack/block_1/feed_forward/down/kernel",
        "stack/block_1/feed_forward/up/kernel",
    ]


def test_the_start_is_the_base() -> None:
    adapters = init_adapters(jax.random.key(1), params(), LORA)
    np.testing.assert_array_equal(unmerged(params(), adapters, 2.0), plain(params()))
    pair = adapters["stack"]["block_1"]["feed_forward"]["down"]
    assert pair["a"].shape == (48, 2) and pair["b"].shape == (2, 12)
    assert float(jnp.abs(pair["a"]).max()) <= 48**-0.5 and not np.any(pair["b"])


def test_merged_is_unmerged() -> None:
    adapters = drawn_adapters()
    found, base = plain(merge(params(), adapters, 1.7)), plain(params())
    np.testing.assert_allclose(found, unmerged(params(), adapters, 1.7), atol=1e-5)
    assert float(jnp.abs(found - base).max()) > 0.1


def test_dropout_is_on_in_training_only() -> None:
    adapters = drawn_adapters()
    judged, trained = (unmerged(params(), adapters, 1.7, 0.5, train=train) for train in (False, True))
    np.testing.assert_array_equal(judged, unmerged(params(), adapters, 1.7))
    assert float(jnp.abs(judged - trained).max()) > 1e-3


@pytest.mark.parametrize(
    ("lora", "words"),
    [
        (Lora(2, ("*/nothing/kernel",)), "matches no kernel"),
        (Lora(0, LORA.targets), "outside 1..12"),
        (Lora(13, LORA.targets), "outside 1..12"),
    ],
)
def test_what_cannot_be(lora: Lora, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        init_adapters(jax.random.key(0), params(), lora)


def test_scanned_layers_are_named() -> None:
    scanned = jitted.shapes(MODEL.clone(scan_layers=True), IDS)["params"]
    with pytest.raises(ValueError, match="scan_layers=False"):
        init_adapters(jax.random.key(0), scanned, LORA._replace(targets=("*/qkv/kernel",)))


def program(train: Any = HEAD) -> tuple[Any, Any]:
    """A LoRA run of a small network, and the data with its base."""
    base = jax.jit(TASK.init)(jax.random.key(9), {})
    task = with_lora(TASK, Lora(2, ("dense_0/kernel", "dense_1/kernel")), train)
    factory = lambda hparams: make_optimizer("adam", hparams, lambda step: jnp.float32(1.0))  # noqa: E731
    return make_program(task, factory, Settings(chunk_steps=5)), DATA | {"base": frozen(base, train)}


def run(key: Any, hparams: Any, data: Any) -> Any:
    functions, _ = program()
    state = functions.start(key, hparams, data)
    own = functions.prepare(key, data)
    state, rows = functions.advance(state, key, hparams, own, data, 5)
    return state.params, rows["batch_loss"], functions.evaluate(state, key, hparams, own, data)[1]["validation_loss"]


def test_a_population_over_one_base() -> None:
    """Members differ in seed, rate and alpha; a member equals its solo run; the base has no axis of members."""
    data = program()[1]
    keys = jax.random.split(jax.random.key(0), 3)
    hparams = {"learning_rate": jnp.array([0.05, 0.01, 0.05]), "lora_alpha": jnp.array([4.0, 2.0, 8.0])}
    params_P, losses_P, validation_P = jax.jit(jax.vmap(run, (0, 0, None)))(keys, hparams, data)
    solo, losses, validation = jax.jit(run)(keys[1], jax.tree.map(lambda leaf: leaf[1], hparams), data)
    jax.tree.map(lambda one, many: np.testing.assert_allclose(many[1], one, atol=1e-6), solo, params_P)
    np.testing.assert_allclose(losses_P[1], losses, atol=1e-6)
    np.testing.assert_allclose(validation_P[1], validation, atol=1e-6)
    assert np.all(losses_P[:, -1] < losses_P[:, 0])
    assert sorted(solo["adapters"]) == ["dense_0", "dense_1"] and sorted(solo["trained"]) == ["dense_2"]
    whole = whole_params(solo, data["base"], 2.0 / 2)
    assert jax.tree.structure(whole) == jax.tree.structure(jax.eval_shape(TASK.init, jax.random.key(0), {}))


def test_slower_parts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"factor 0.5"):
        program((("dense_2/*", 0.5), ("*", 0.0)))
