"""Functions of an encoder-decoder besides its logits: attention maps, and decoding with a cache (F137, F173).

A translator is a `Decoder` whose cache also holds the source: its params are the pair (weights, source_BS).
Sources: F123, F136, F137, F149.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.generation.decoder import Cache, Decoder
from nn_core.models.attention.branches import branch, extend_rows, first_lines
from nn_core.models.transformer.encoder_decoder import EncoderDecoder

Params = Any
TOWERS = ("encoder", "decoder")
MEMORY = ("memory_key", "memory_value")  # what `MultiHeadAttention` keeps of a source


class SourceCache(NamedTuple):
    """What a row carries while its target is written. A source has one row, whatever the number of its targets.

    Attributes:
      layers: each decoder layer's keys and values, of the target so far and of the source.
      keep_BS: which source tokens are not padding.
      lines_BS: the table of targets that share the keys and values of their tokens, see
        `nn_core.models.attention.branches`; None: each has its own.
    """

    layers: Cache
    keep_BS: Array
    lines_BS: Array | None = None


def make_decoder(model: EncoderDecoder) -> Decoder:
    """The model as the generation loops see it: sources are read once, then a token costs one row of the decoder.

    Args:
      model: its structure; dropout is off, and scanned layers are taken apart.

    Returns:
      A Decoder of params (weights, source_BS), one source for each prompt; keep it: the compiled loops are remembered
      by its functions.
    """
    attention = "linear" if model.attention == "linear" else "dense"
    flat = model.clone(scan_layers=False, remat=False, attention=attention, dropout_rate=None)

    def extend(weights: Params, cache: SourceCache, memory: Array | None, *tokens: Array) -> tuple[Array, SourceCache]:
        variables = {"params": weights, **({"cache": cache.layers} if memory is None else {})}

        def run(*inputs: Any) -> tuple[Array, Cache]:
            more = (memory, cache.keep_BS)
            hidden_BTD, state = _apply(flat, variables, *inputs, *more, mutable=["cache"], method="extend")
            return hidden_BTD, state["cache"]

        hidden_BTD, layers, lines_BS = extend_rows(run, cache.layers, cache.lines_BS, *tokens)
        return hidden_BTD, cache._replace(layers=layers, lines_BS=lines_BS)

    def init_cache(params: Params, batch_size: int) -> SourceCache:
        weights, source_BS = params
        if source_BS.shape[0] != batch_size:
            raise ValueError(f"{source_BS.shape[0]} sources for batch_size={batch_size}; give one source for each row")
        weights = unstack_towers(weights)
        memory_BSD = _apply(flat, {"params": weights}, source_BS, method="encode")
        start = SourceCache(None, _apply(flat, {"params": weights}, source_BS, method="keep"))
        nothing_B1 = jnp.zeros((batch_size, 1), jnp.int32)
        # This token is not written: only the memory's keys and values remain from this pass.
        return extend(weights, start, memory_BSD, nothing_B1, nothing_B1, nothing_B1 > 0)[1]

    def step(params: Params, cache: SourceCache, ids_B: Array, positions_B: Array) -> tuple[SourceCache, Array]:
        weights = unstack_towers(params[0])
        valid_B1 = jnp.ones((ids_B.shape[0], 1), bool)
        hidden_B1D, cache = extend(weights, cache, None, ids_B[:, None], positions_B[:, None], valid_B1)
        return cache, _apply(flat, {"params": weights}, hidden_B1D[:, 0], method="logits")

    def prefill(params: Params, cache: SourceCache, ids_BT: Array, start: Array, lengths_B: Array) -> SourceCache:
        offsets_1T = jnp.arange(ids_BT.shape[1])[None]
        positions_BT = jnp.broadcast_to(start + offsets_1T, ids_BT.shape)
        valid_BT = offsets_1T < lengths_B[:, None]
        return extend(unstack_towers(params[0]), cache, None, ids_BT, positions_BT, valid_BT)[1]

    def share(cache: SourceCache, rows: int) -> SourceCache:
        lines_BS = first_lines(len(cache.keep_BS), rows, model.context_size)
        return cache._replace(layers=branch(cache.layers, rows), lines_BS=lines_BS)

    return Decoder(init_cache, step, prefill, model.context_size, reorder, repeat, share)


def reorder(cache: SourceCache, rows_B: Array) -> SourceCache:
    """The rows of the target in another order; the source's keys and values are those of all rows of a prompt."""
    if cache.lines_BS is not None:
        return cache._replace(lines_BS=cache.lines_BS[rows_B])
    return cache._replace(layers=of_target(lambda leaf: leaf[rows_B], cache.layers))


def repeat(cache: SourceCache, times: int) -> SourceCache:
    """Several rows for each source, one after the other; they read the same keys and values of the source."""
    return cache._replace(layers=of_target(lambda leaf: jnp.repeat(leaf, times, axis=0), cache.layers))


def of_target(change: Callable[[Array], Array], layers: Cache) -> Cache:
    """Layers with a change of everything but what they keep of the source."""
    return jax.tree.map_with_path(lambda path, leaf: leaf if path[-1].key in MEMORY else change(leaf), layers)


def attention_maps(model: EncoderDecoder, params: Params, source_BS: Array, target_BT: Array) -> dict[str, Array]:
    """The attention weights of every layer and head, for heat maps (F123).

    Args:
      model: any attention with a softmax; the weights are computed densely.
      params: its parameters.
      source_BS, target_BT: int32 tokens.

    Returns:
      {"encoder": (L, B, H, S, S), "decoder": (L, B, H, T, T), "cross": (L, B, H, T, S)} float32; rows sum to 1.

    Raises:
      ValueError: linear attention, which has no weights of this kind.
    """
    if model.attention == "linear":
        raise ValueError("attention='linear' has no softmax weights to show; use another attention")
    flat = model.clone(scan_layers=False, remat=False, dropout_rate=None)
    variables = {"params": unstack_towers(params)}
    _, state = _apply(flat, variables, (source_BS, target_BT), mutable=["intermediates"])
    towers = state["intermediates"]

    def maps(tower: str, name: str) -> Array:
        stack = towers[tower]["stack"]
        return jnp.stack([stack[f"block_{i}"][name]["attention_weights"][0] for i in range(len(stack))])

    return {
        "encoder": maps("encoder", "attention"),
        "decoder": maps("decoder", "attention"),
        "cross": maps("decoder", "cross_attention"),
    }


def unstack_towers(params: Params) -> Params:
    """Parameters of a scanned model, for the same model with scan_layers=False; others are returned as they are."""
    return params | {name: unstack_layers(params[name]) for name in TOWERS}


def unstack_layers(tower: Params) -> Params:
    """The same for one tower."""
    if "blocks" not in tower["stack"]:
        return tower
    blocks = tower["stack"]["blocks"]
    num_layers = jax.tree.leaves(blocks)[0].shape[0]
    stack = {f"block_{i}": jax.tree.map(lambda leaf, i=i: leaf[i], blocks) for i in range(num_layers)}
    return {**tower, "stack": stack}


def _apply(model: EncoderDecoder, variables: Any, *inputs: Any, **options: Any) -> Any:
    """Linen's apply, whose declared type is a union of all that it may return."""
    return model.apply(variables, *inputs, **options)
