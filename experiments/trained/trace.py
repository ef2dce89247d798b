"""How a translator writes, step by step: tokens, start, the candidates of each step, end, text (F173)."""

from typing import Any, TextIO

import jax
import jax.numpy as jnp
import numpy as np

from experiments.trained.language_model import LanguageModel
from nn_core.data.packing import Marks
from nn_core.generation.options import new_token_limits

CANDIDATES = 5


def trace(model: LanguageModel, marks: Marks, source: str, lengths: dict[str, int], out: TextIO) -> str:
    """Writes the greedy walk for one source.

    Args:
        model: a translator with this one source in its params.
        marks: ids of the special tokens.
        source: as typed.
        lengths: max_new_tokens or max_length, by name.
        out: where it goes.
    Returns:
        One line about what was written.
    """
    source_1S = model.params[1]
    ids = [int(number) for number in source_1S[0] if number != marks.pad]
    out.write(f"source    {source}\n")
    out.write(f"tokens    {' '.join(model.tokenizer.tokens(ids))}\n")
    out.write(f"ids       {' '.join(map(str, ids))}\n")
    out.write(f"encoder   reads {len(ids)} tokens once; its output stays for all steps\n")
    cache = jax.jit(lambda params: model.decoder.init_cache(params, 1))(model.params)

    @jax.jit
    def step(params: Any, cache: Any, token_1: jax.Array, place_1: jax.Array) -> tuple[Any, jax.Array]:
        cache, logits_1V = model.decoder.step(params, cache, token_1, place_1)
        return cache, jax.nn.softmax(logits_1V[0].astype(jnp.float32))

    written: list[int] = []
    token = marks.start
    for place in range(int(new_token_limits([1], **lengths)[0])):
        cache, shares_V = step(model.params, cache, np.array([token], np.int32), np.array([place], np.int32))
        shares = np.asarray(shares_V)
        best = np.argsort(-shares, kind="stable")[:CANDIDATES]
        read = model.tokenizer.tokens([token])[0]
        candidates = "  ".join(f"{model.tokenizer.tokens([int(i)])[0]} {shares[i]:.3f}" for i in best)
        out.write(f"step {place + 1:<4} {read:<12} → {candidates}\n")
        token = int(best[0])
        if token == marks.end:
            break
        written.append(token)
    out.write(f"text      {model.tokenizer.decode(written)}\n")
    return f"{len(written)} new tokens, the end token not counted"
