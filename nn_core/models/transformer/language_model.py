"""Functions of a language model besides its logits: losses, counts, attention maps, and decoding with a cache.

Sources: F123, F127, F132, F149.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from nn_core.generation.decoder import Cache, Decoder, take_rows
from nn_core.losses import cross_entropy
from nn_core.models.attention.branches import branch, extend_rows, first_lines
from nn_core.models.transformer.block import feed_forward_width
from nn_core.models.transformer.gpt import GPT

Params = Any


def parameter_count(model: GPT) -> int:
    """Number of parameters, in closed form (F132): 10.8 million for V = 65, T = 256, D = 384, L = 6."""
    width, bias = model.embedding_dim, int(model.use_bias)
    head = model.head_features or width // model.heads_num
    q_width, kv_width = head * model.heads_num, head * (model.kv_heads_num or model.heads_num)
    qkv_bias, out_bias, head_bias = (
        bias if given is None else int(given) for given in (model.qkv_bias, model.out_bias, model.head_bias)
    )
    features = model.ffn_features or feed_forward_width(width, model.ffn)
    up = features if model.ffn == "mlp" else 2 * features
    norm = width * (1 + (bias if model.norm == "layer" else 0))
    attention = (width + qkv_bias) * (q_width + 2 * kv_width) + (q_width + out_bias) * width
    attention += 0 if model.qk_norm is None else 2 * head
    feed_forward = (width + bias) * up + features * width + bias * width
    total = model.vocabulary_size * width + model.layers_num * (attention + feed_forward + 2 * norm)
    total += norm if model.norm_position == "pre" else 0
    total += model.context_size * width if model.position == "learned" else 0
    total += 32 * model.heads_num if model.position == "relative" else 0
    return total + (0 if model.tied_head else (width + head_bias) * model.vocabulary_size)


def token_losses(
    model: GPT,
    params: Params,
    ids_BT: Array,
    targets_BT: Array,
    *,
    dropout_key: Array | None = None,
    chunk_size: int | None = None,
) -> Array:
    """-ln P(target | the tokens so far), in float32 for every dtype of the model (F134, F144).

    Args:
      model: its structure.
      params: its parameters.
      ids_BT: int32 tokens.
      targets_BT: int32, the token after each one.
      dropout_key: typed key of a training step; None: deterministic.
      chunk_size: None, or how many tokens' logits are in memory at a time, in both passes: for large vocabularies.

    Returns:
      (B, T) float32, each >= 0.
    """
    variables = {"params": params}
    rngs = None if dropout_key is None else {"dropout": dropout_key}
    hidden_BTD = _apply(model, variables, ids_BT, dropout_key is None, rngs=rngs, method="hidden")

    def losses(hidden_ND: Array, targets_N: Array) -> Array:
        return cross_entropy(_apply(model, variables, hidden_ND, method="logits"), targets_N, reduction="none")

    hidden_ND, targets_N = hidden_BTD.reshape(-1, hidden_BTD.shape[-1]), targets_BT.reshape(-1)
    if chunk_size is None:
        return losses(hidden_ND, targets_N).reshape(targets_BT.shape)
    padding = -targets_N.size % chunk_size
    hidden_CND = jnp.pad(hidden_ND, ((0, padding), (0, 0))).reshape(-1, chunk_size, hidden_ND.shape[-1])
    targets_CN = jnp.pad(targets_N, (0, padding)).reshape(-1, chunk_size)
    chunks = lax.map(jax.checkpoint(lambda chunk: losses(*chunk)), (hidden_CND, targets_CN))
    return chunks.reshape(-1)[: targets_N.size].reshape(targets_BT.shape)


def attention_maps(model: GPT, params: Params, ids_BT: Array) -> Array:
    """The attention weights of every layer and head, for heat maps (F123).

    Args:
      model: any attention implementation; the weights are computed densely.
      params: its parameters.
      ids_BT: int32 tokens.

    Returns:
      (L, B, H, T, T) float32; row t of a map sums to 1 and is 0 beyond column t.

    Raises:
      ValueError: linear attention, which has no weights of this kind.
    """
    if model.attention == "linear":
        raise ValueError("attention='linear' has no softmax weights to show; use another attention")
    _, state = _apply(model, {"params": params}, ids_BT, mutable=["intermediates"], method="hidden")
    layers = state["intermediates"]["stack"]
    if model.scan_layers:
        return layers["blocks"]["attention"]["attention_weights"][0]
    maps = [layers[f"block_{i}"]["attention"]["attention_weights"][0] for i in range(model.layers_num)]
    return jnp.stack(maps)


def embedding_norm_ratio(model: GPT, params: Params, ids_BT: Array) -> Array:
    """Mean length of a token vector over that of a position vector when they are added: about 1 if neither dominates.

    Raises:
      ValueError: a model that adds no positions (F127).
    """
    if model.position not in ("learned", "sinusoidal"):
        raise ValueError(f"position {model.position!r} adds no vectors; use 'learned' or 'sinusoidal'")
    positions_1T = jnp.arange(ids_BT.shape[1])[None]
    variables = {"params": params}
    sums_BTD = _apply(model, variables, ids_BT, positions_1T, method="embed")
    tokens_BTD = _apply(model.clone(position="none"), variables, ids_BT, positions_1T, method="embed")
    token_norms, position_norms = (jnp.linalg.norm(x, axis=-1) for x in (tokens_BTD, sums_BTD - tokens_BTD))
    return jnp.mean(token_norms) / jnp.mean(position_norms)


def unstack_layers(params: Params) -> Params:
    """Parameters of a scanned model, for the same model with scan_layers=False; others are returned as they are."""
    if "blocks" not in params["stack"]:
        return params
    blocks = params["stack"]["blocks"]
    num_layers = jax.tree.leaves(blocks)[0].shape[0]
    stack = {f"block_{i}": jax.tree.map(lambda leaf, i=i: leaf[i], blocks) for i in range(num_layers)}
    return {**params, "stack": stack}


def stack_layers(params: Params) -> Params:
    """The inverse of `unstack_layers`."""
    if "blocks" in params["stack"]:
        return params
    blocks = [params["stack"][f"block_{i}"] for i in range(len(params["stack"]))]
    return {**params, "stack": {"blocks": jax.tree.map(lambda *leaves: jnp.stack(leaves), *blocks)}}


class TextCache(NamedTuple):
    """What a row carries while it is written.

    Attributes:
      layers: each layer's keys and values, of B rows, or of P prompts whose rows share them.
      lines_BS: the table of rows that share, see `nn_core.models.attention.branches`; None: each row has its own.
    """

    layers: Cache
    lines_BS: Array | None = None


def make_decoder(model: GPT) -> Decoder:
    """The model with a cache of context_size keys and values per layer (F139, F149).

    One token costs one row through the network and a look at the cache, whatever its position; rows may stand at
    different positions. When a row's window is full the loops read its last tokens again from position 0, which is
    right for every kind of position (learned ones have no others).

    Args:
      model: its structure; dropout is off, and scanned layers are taken apart.

    Returns:
      A Decoder; keep it: the compiled loops are remembered by its functions.
    """
    attention = "linear" if model.attention == "linear" else "dense"
    flat = model.clone(scan_layers=False, remat=False, attention=attention, dropout_rate=None)

    def extend(params: Params, cache: TextCache, *tokens: Array) -> tuple[Array, TextCache]:
        variables = {"params": unstack_layers(params), **({} if cache.layers is None else {"cache": cache.layers})}

        def run(*inputs: Any) -> tuple[Array, Cache]:
            hidden_BTD, state = _apply(flat, variables, *inputs, mutable=["cache"], method="extend")
            return hidden_BTD, state["cache"]

        hidden_BTD, *found = extend_rows(run, *cache, *tokens)
        return hidden_BTD, TextCache(*found)

    def init_cache(params: Params, batch_size: int) -> TextCache:
        token_B1 = jnp.zeros((batch_size, 1), jnp.int32)
        _, shapes = jax.eval_shape(lambda p: extend(p, TextCache(None), token_B1, token_B1, token_B1 == 0), params)
        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

    def step(params: Params, cache: TextCache, ids_B: Array, positions_B: Array) -> tuple[TextCache, Array]:
        valid_B1 = jnp.ones((ids_B.shape[0], 1), bool)
        hidden_B1D, cache = extend(params, cache, ids_B[:, None], positions_B[:, None], valid_B1)
        return cache, _apply(flat, {"params": params}, hidden_B1D[:, 0], method="logits")

    def prefill(params: Params, cache: TextCache, ids_BT: Array, start: Array, lengths_B: Array) -> TextCache:
        offsets_1T = jnp.arange(ids_BT.shape[1])[None]
        positions_BT = jnp.broadcast_to(start + offsets_1T, ids_BT.shape)
        return extend(params, cache, ids_BT, positions_BT, offsets_1T < lengths_B[:, None])[1]

    def share(cache: TextCache, rows: int) -> TextCache:
        prompts = jax.tree.leaves(cache.layers)[0].shape[0]
        return TextCache(branch(cache.layers, rows), first_lines(prompts, rows, model.context_size))

    return Decoder(init_cache, step, prefill, model.context_size, reorder, share=share)


def reorder(cache: TextCache, rows_B: Array) -> TextCache:
    """Rows that go on from others: only the table changes where they share a cache."""
    if cache.lines_BS is None:
        return take_rows(cache, rows_B)
    return cache._replace(lines_BS=cache.lines_BS[rows_B])


def _apply(model: GPT, variables: Any, *inputs: Any, **options: Any) -> Any:
    """Linen's apply, whose declared type is a union of all that it may return."""
    return model.apply(variables, *inputs, **options)
