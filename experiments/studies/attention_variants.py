"""Attention variants: time and memory of one layer against the length, and what positions say beyond the training length (F140-F143)."""

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from ml_collections import ConfigDict

from experiments.building.memory import available_bytes
from experiments.command_line.choices import choose
from experiments.run_directory.results import Row
from experiments.studies.base import Cell, Cells, Outcome, Study, check_some, check_whole, keys_of, make_rows, seeds_of
from experiments.studies.pretraining import naming
from nn_core.data.text import generated_text
from nn_core.losses import cross_entropy
from nn_core.models.attention.dot_product import dot_product_attention
from nn_core.models.transformer.gpt import GPT
from nn_core.text.characters import train_characters
from nn_core.training.population import train_all

WINDOW, GLOBAL_TOKENS, STRIDE = 64, 8, 32
VARIANTS: dict[str, dict[str, Any]] = {
    "dense": {"implementation": "dense"},
    "blockwise": {"implementation": "blockwise"},
    "local": {"implementation": "blockwise", "window": WINDOW},
    "local-global": {"implementation": "blockwise", "window": WINDOW, "global_tokens": GLOBAL_TOKENS},
    "strided": {"implementation": "blockwise", "stride": STRIDE},
    "linear": {"implementation": "linear"},
}
POSITIONS = ("sinusoidal", "rotary", "alibi", "relative", "none")
REPEATS = 3  # calls that are timed; the fastest counts


def cost(options: dict[str, Any], length: int, heads: int, width: int) -> tuple[float, float]:
    """Seconds of the fastest call, and temporary bytes by the compiled program's own analysis, forwards and backwards."""

    def loss(q: Array, k: Array, v: Array) -> Array:
        return jnp.sum(dot_product_attention(q, k, v, causal=True, **options) ** 2)

    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(1, length, heads, width)).astype(np.float32) for _ in range(3)]
    program = jax.jit(jax.grad(loss, argnums=(0, 1, 2))).lower(*arrays).compile()
    analysis: Any = program.memory_analysis()
    seconds = []
    for _ in range(REPEATS + 1):  # the first call touches the memory
        start = time.perf_counter()
        jax.block_until_ready(program(*arrays))
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:]), float(analysis.temp_size_in_bytes)


def costs(task: ConfigDict) -> tuple[list[Row], dict[str, np.ndarray]]:
    """Each variant at each length."""
    table = np.array(
        [
            [cost(VARIANTS[name], length, task.heads, task.head_width) for length in task.lengths]
            for name in task.variants
        ]
    )
    rows = [
        {"label": f"{name}, {length} tokens", "milliseconds": 1e3 * seconds, "megabytes": size / 1e6}
        for name, found in zip(task.variants, table, strict=True)
        for length, (seconds, size) in zip(task.lengths, found, strict=True)
    ]
    return rows, {"lengths": np.array(task.lengths), "seconds": table[..., 0], "bytes": table[..., 1]}


def make_model(task: ConfigDict, position: str, size: int) -> GPT:
    """Two blocks of four heads, with room for four training lengths."""
    return GPT(size, 4 * task.trained_length, task.embedding_dim, 4, 2, position=position)


def extrapolate(task: ConfigDict, position: str, ids_N: np.ndarray, size: int, keys: Array) -> dict[str, np.ndarray]:
    """Losses of the last tokens of windows of one, two and four training lengths, after training on the first."""
    trained, model = task.trained_length, make_model(task, position, size)
    train_N, test_N = jnp.asarray(ids_N[: len(ids_N) // 2]), jnp.asarray(ids_N[len(ids_N) // 2 :])
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(task.learning_rate))

    def windows(text_N: Array, key: Array, count: int, length: int) -> Array:
        starts_B = jax.random.randint(key, (count,), 0, len(text_N) - length - 1)
        return text_N[starts_B[:, None] + jnp.arange(length + 1)[None]]

    def losses(params: Any, ids_BW: Array) -> Array:
        logits: Any = model.apply({"params": params}, ids_BW[:, :-1])
        return cross_entropy(logits, ids_BW[:, 1:], reduction="none")

    def one(key: Array) -> dict[str, Array]:
        start_key, train_key, test_key = jax.random.split(key, 3)
        params = model.init(start_key, jnp.zeros((1, trained), jnp.int32))["params"]

        def step(state: tuple[Any, Any], index: Array) -> tuple[tuple[Any, Any], None]:
            ids_BW = windows(train_N, jax.random.fold_in(train_key, index), 16, trained)
            slopes = jax.grad(lambda p: jnp.mean(losses(p, ids_BW)))(state[0])
            updates, moments = optimizer.update(slopes, state[1], state[0])
            return (optax.apply_updates(state[0], updates), moments), None

        (params, _), _ = lax.scan(step, (params, optimizer.init(params)), jnp.arange(task.steps))
        last = trained // 2  # the same number of tokens at every length
        return {
            f"loss_{factor}": jnp.mean(losses(params, windows(test_N, test_key, 32, factor * trained))[:, -last:])
            for factor in (1, 2, 4)
        }

    return train_all(one, keys)


def run(config: ConfigDict) -> Cells:
    """Costs of one layer, then losses beyond the training length for each kind of position."""
    task, seeds, keys = config.task, seeds_of(config), keys_of(config)
    rows, arrays = costs(task)
    text = generated_text(num_characters=60_000)
    tokenizer = train_characters([text])
    ids_N = np.asarray(tokenizer.encode(text))
    for position in task.positions:
        learn = partial(extrapolate, task, position, ids_N, tokenizer.vocabulary_size, keys)
        found = yield Cell(f"positions: {position}", learn)
        rows += make_rows(f"positions: {position}", seeds, **found)
        arrays[f"position_{position}"] = np.stack([found[f"loss_{factor}"] for factor in (1, 2, 4)])
    return Outcome(rows, arrays)


def check(config: ConfigDict) -> None:
    """Raises ValueError for lengths that are not whole numbers, or of which a dense layer takes more memory than there is,
    an odd training length, or a width that the heads and the positions cannot have."""
    check_some(config, "variants", "positions")
    check_whole(config, "lengths")
    for name in config.task.variants:
        choose(name, VARIANTS, "task.variants")
    for name in config.task.positions:
        choose(name, dict.fromkeys(POSITIONS), "task.positions")
    needed, free = 4 * config.task.heads * max(config.task.lengths) ** 2, available_bytes(jax.local_devices())
    if "dense" in config.task.variants and needed > free:
        raise ValueError(
            f"config.task.lengths={config.task.lengths}: a dense layer of {max(config.task.lengths)} tokens takes at least "
            f"{needed / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free; shorten it, or leave 'dense' out of task.variants"
        )
    if config.task.trained_length % 2:
        raise ValueError(f"config.task.trained_length={config.task.trained_length} must be even; add 1")
    for position in config.task.positions:
        model, ids_BT = make_model(config.task, position, 2), jnp.zeros((1, 2), jnp.int32)
        with naming("config.task.embedding_dim", config.task.embedding_dim):
            jax.eval_shape(model.init, jax.random.key(0), ids_BT)


STUDY: Study = Study(
    run,
    settings={
        "variants": "",
        "lengths": "[1, 65536]",
        "heads": "[1, inf)",
        "head_width": "[1, inf)",
        "positions": "",
        "trained_length": "[2, 4096]",
        "embedding_dim": "[4, inf)",
        "steps": "[1, inf)",
        "learning_rate": "(0, inf)",
    },
    columns=("milliseconds", "megabytes", "loss_1", "loss_2", "loss_4"),
    figures=("attention_variants",),
    check=check,
)
