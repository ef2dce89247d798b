"""Sampling speed at 6 layers, width 384, context 256, top-k 50, against transformers and a plain PyTorch loop.

transformers has a cache as we do; the plain loop reads the whole window for every token, as nanoGPT does. The
parameters are random: speed does not depend on them. On a GPU in bfloat16. One session, turns in alternation, ratios
per round.
"""

import os
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmark.timing import alternate, installed, machine, median_ratio
from nn_core.generation.decode import generate
from nn_core.generation.filters import Sampling
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import make_decoder

VOCABULARY, CONTEXT, WIDTH, HEADS, LAYERS = 65, 256, 384, 6, 6
NEW_TOKENS, TOP_K, ROUNDS = 200, 50, 5
BATCHES = (1, 16)


def ours(batch: int) -> Callable[[], None]:
    """A turn of the compiled loop with its cache."""
    model = GPT(
        vocabulary_size=VOCABULARY,
        context_size=CONTEXT,
        embedding_dim=WIDTH,
        heads_num=HEADS,
        layers_num=LAYERS,
        use_bias=False,
        tied_head=True,
        dtype=None if jax.default_backend() == "cpu" else jnp.bfloat16,
    )
    params = jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, CONTEXT), jnp.int32))["params"]
    decoder, turn = make_decoder(model), iter(range(10**6))

    def run() -> None:
        made = generate(
            decoder,
            params,
            [[0]] * batch,
            key=jax.random.key(next(turn)),
            sampling=Sampling(top_k=TOP_K),
            max_new_tokens=NEW_TOKENS,
        )
        assert np.all(np.asarray(made.lengths_B) == NEW_TOKENS)

    return run


def peers(batch: int) -> dict[str, Callable[[], None]]:
    """Turns of the installed peers; the plain loop only at batch 1, because it already takes seconds."""
    if not installed("torch"):
        return {}
    from experiments.benchmark import torch_gpt

    size = torch_gpt.Size(VOCABULARY, CONTEXT, WIDTH, HEADS, LAYERS, batch)
    found = {}
    if installed("transformers"):
        model = torch_gpt.transformers_gpt(size)
        found["transformers"] = torch_gpt.transformers_sampling(model, batch, NEW_TOKENS, TOP_K)
    if batch == 1:
        found["PyTorch, no cache"] = torch_gpt.plain_sampling(torch_gpt.GPT(size), size, batch, NEW_TOKENS, TOP_K)
    return found


def main() -> None:
    """Prints the tables."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # a GPU's memory is shared with the peers
    print(machine())
    print(f"{LAYERS} layers, width {WIDTH}, context {CONTEXT}, top-k {TOP_K}, {NEW_TOKENS} new tokens")
    for batch in BATCHES:
        contestants = {"nn_core": ours(batch)} | peers(batch)
        for function in contestants.values():
            function()
        times = dict(zip(contestants, alternate(list(contestants.values()), ROUNDS, pause=0.3), strict=True))
        print(f"\nbatch {batch}")
        for peer, measured in times.items():
            speed = batch * NEW_TOKENS / float(np.median(measured))
            ratio = (
                "" if peer == "nn_core" else f"   nn_core is {median_ratio(measured, times['nn_core']):.2f}x as fast"
            )
            print(f"  {peer:18s} {speed:10,.0f} tokens/s{ratio}", flush=True)
