"""Training speed of the GPT as the command runs it, against the same network in PyTorch and in transformers.

On a CPU: batch 64, context 64, 4 layers, width 128, and 6 layers, width 384, context 256, batch 16. On a GPU: the baby
config in bfloat16 (6 layers, width 384, context 256, batch 64, dropout 0.2). One session, turns in alternation, ratios
per round.
"""

import os
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from configs import base
from experiments.benchmark.timing import alternate, installed, machine, median_ratio, seconds
from experiments.benchmark.turns import chunk_turns
from experiments.training import plan

ROUNDS = 7
# name -> (batch, context, layers, heads, width, dropout, dtype, steps of a turn). A turn is one call of the compiled chunk,
# which allocates its gigabyte again: with one step a call, that is a tenth of the large size's time; runs use 20 or more.
CPU_SIZES = {
    "4 layers, width 128, context 64, batch 64": (64, 64, 4, 4, 128, None, "float32", 10),
    "6 layers, width 384, context 256, batch 16": (16, 256, 6, 6, 384, None, "float32", 5),
}
GPU_SIZES = {
    "baby: 6 layers, width 384, context 256, batch 64, dropout 0.2, bfloat16": (
        64,
        256,
        6,
        6,
        384,
        0.2,
        "bfloat16",
        50,
    ),
}
Setting = tuple[int, int, int, int, int, float | None, str, int]


def make_config(setting: Setting) -> ConfigDict:
    """A run of this size: nanoGPT's optimizer, no biases, tied head."""
    batch, context, layers, heads, width, dropout, dtype, steps = setting
    config = base.experiment()
    config.task = base.language()
    config.model = base.gpt(layers_num=layers, heads_num=heads, embedding_dim=width)
    config.model.use_bias, config.model.tied_head, config.model.dtype = False, True, dtype
    config.data = base.text("generated", context_size=context, batch_size=batch)
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 1e-3
    config.hparams.weight_decay = 0.1
    config.hparams.beta2 = 0.99
    config.hparams.clip_norm = 1.0
    config.hparams.dropout_rate = dropout
    config.train.evaluate_train = False
    config.train.eval_every = config.train.chunk_steps = config.train.steps = steps
    return config


def ours(setting: Setting) -> tuple[Callable[[], None], int, np.ndarray, int]:
    """A turn of the compiled chunk, the number of parameters, the text and the vocabulary's size."""
    (group,) = plan.group(plan.expand(make_config(setting), None))
    assert group.experiment.corpus is not None
    vocabulary = group.experiment.corpus.tokenizer.vocabulary_size
    return *chunk_turns(group, setting[-1]), group.experiment.data["train"], vocabulary


def matmul_rate(dtype: str) -> Callable[[], float]:
    """A function that measures the rate of a matrix product in FLOP/s, the reference for the utilisation."""
    size, repeats = (8192, 20) if jax.default_backend() != "cpu" else (2048, 3)
    a = jnp.full((size, size), 1e-3, dtype)

    @jax.jit
    def products(a: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, repeats, lambda _, x: (x @ a) * jnp.asarray(1e-3, dtype), a)

    products(a).block_until_ready()
    return lambda: 2 * size**3 * repeats / seconds(lambda: products(a).block_until_ready())


def flops_per_step(setting: Setting, parameters: int) -> float:
    """Forward and backward: 6 FLOP per parameter and token (positions do not multiply), 12 L T D for the attention."""
    batch, context, layers, _, width, *_ = setting
    return batch * context * (6 * (parameters - context * width) + 12 * layers * context * width)


def peers(setting: Setting, ids: np.ndarray, vocabulary: int) -> dict[str, Callable[[], None]]:
    """Turns of the peers that are installed."""
    if not installed("torch"):
        return {}
    from experiments.benchmark import torch_gpt

    batch, context, layers, heads, width, dropout, _, steps = setting
    size = torch_gpt.Size(vocabulary, context, width, heads, layers, batch, dropout or 0.0)
    found = {"PyTorch, eager": torch_gpt.training_steps(torch_gpt.GPT(size), size, ids.astype(np.int64), steps)}
    if installed("transformers"):
        model = torch_gpt.transformers_gpt(size)
        found["transformers"] = torch_gpt.training_steps(model, size, ids.astype(np.int64), steps)
    return found


def compare(name: str, setting: Setting) -> None:
    """Times one size: all contestants in turn."""
    run, parameters, ids, vocabulary = ours(setting)
    contestants = {"nn_core": run} | peers(setting, ids, vocabulary)
    print(f"\n{name}: {parameters:,} parameters")
    for function in contestants.values():
        function()
    rate = matmul_rate(setting[6])
    rates = [rate()]
    times = dict(zip(contestants, alternate(list(contestants.values()), ROUNDS, pause=0.3), strict=True))
    rates.append(rate())
    batch, context, steps = setting[0], setting[1], setting[-1]
    for peer, measured in times.items():
        step = float(np.median(measured)) / steps
        used = flops_per_step(setting, parameters) / step / max(rates)
        ratio = "" if peer == "nn_core" else f"   nn_core is {median_ratio(measured, times['nn_core']):.2f}x as fast"
        speed = f"{step * 1e3:8.1f} ms a step {batch * context / step:10,.0f} tokens/s   MFU {used:4.0%}"
        print(f"  {peer:16s} {speed}{ratio}")
    print(f"  (utilisation of {max(rates) / 1e9:,.0f} GFLOP/s, the rate of a matrix product here)", flush=True)


def main() -> None:
    """Prints the tables."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # a GPU's memory is shared with the peers
    print(machine())
    for name, setting in (CPU_SIZES if jax.default_backend() == "cpu" else GPU_SIZES).items():
        compare(name, setting)
