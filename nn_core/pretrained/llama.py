"""Llama 2 and 3, Mistral, Qwen 2 and 3, SmolLM: one shape with switches (F139, F141, F176).

family    queries, keys, values    heads                    window
llama     attention_bias           H of K = D / H           none
mistral   no biases                K may be given           sliding_window
qwen2     biases                   K = D / H                sliding_window where use_sliding_window
qwen3     attention_bias           K given, RMS norms       sliding_window where use_sliding_window
"""

from typing import Any

import numpy as np

from nn_core.models.attention.positions import Rope
from nn_core.models.transformer.block import feed_forward_width
from nn_core.models.transformer.gpt import GPT
from nn_core.pretrained.family import Family, Shapes, Structure, check_fields
from nn_core.pretrained.rows import TURNED, Row, by_layer, row
from nn_core.pretrained.settings import Settings
from nn_core.pretrained.tensor_files import PretrainedError

LAYER, OURS = "model.layers.{layer}.", "stack/block_{layer}/"
ROPE_KINDS = ("default", "linear", "llama3")


def _rows(model: GPT) -> list[Row]:
    head = model.head_features or model.embedding_dim // model.heads_num
    query, key = head * model.heads_num, head * (model.kv_heads_num or model.heads_num)
    projections = tuple(f"{LAYER}self_attn.{name}_proj." for name in "qkv")
    gates = tuple(f"{LAYER}mlp.{name}_proj." for name in ("gate", "up"))
    features = model.ffn_features or feed_forward_width(model.embedding_dim, model.ffn)
    qkv_bias, out_bias = (model.use_bias if b is None else b for b in (model.qkv_bias, model.out_bias))

    def joined(names: tuple[str, ...], ours: str, widths: tuple[int, ...], bias: bool) -> list[Row]:
        kernel = Row(tuple(f"{name}weight" for name in names), f"{ours}/kernel", TURNED, widths)
        return [kernel, *([Row(tuple(f"{name}bias" for name in names), f"{ours}/bias", None, widths)] if bias else [])]

    block = [
        row(f"{LAYER}input_layernorm.weight", f"{OURS}attention_norm/scale"),
        *joined(projections, f"{OURS}attention/qkv", (query, key, key), qkv_bias),
        *joined((f"{LAYER}self_attn.o_proj.",), f"{OURS}attention/out", (), out_bias),
        row(f"{LAYER}post_attention_layernorm.weight", f"{OURS}feed_forward_norm/scale"),
        *joined(gates, f"{OURS}feed_forward/up", (features, features), model.use_bias),
        *joined((f"{LAYER}mlp.down_proj.",), f"{OURS}feed_forward/down", (), model.use_bias),
    ]
    if model.qk_norm is not None:
        block += [
            row(f"{LAYER}self_attn.q_norm.weight", f"{OURS}attention/query_norm/scale"),
            row(f"{LAYER}self_attn.k_norm.weight", f"{OURS}attention/key_norm/scale"),
        ]
    ends = [row("model.embed_tokens.weight", "token_embedding/embedding"), row("model.norm.weight", "norm_out/scale")]
    if not model.tied_head:
        ends.append(row("lm_head.weight", "head/kernel", TURNED))
    return [*ends, *by_layer(tuple(block), model.layers_num)]


def _rope(settings: Settings) -> Rope:
    """Both spellings: rope_parameters (transformers 5), or rope_theta beside rope_scaling."""
    section = {**settings.section("rope_scaling"), **settings.section("rope_parameters")}
    given = Settings(section, f"{settings.where} (rope)")
    kind = section.get("rope_type") or section.get("type") or "default"
    if kind not in ROPE_KINDS:
        raise PretrainedError(
            f"{settings.where} has the rope type {kind!r}, which is not supported; computed are {', '.join(ROPE_KINDS)}"
        )
    given.only(partial_rotary_factor=1.0)
    theta = given.number("rope_theta", default=settings.number("rope_theta", default=10_000.0))
    if kind == "default":
        return Rope(theta)
    if kind == "linear":
        return Rope(theta, given.number("factor"))
    low, high = given.number("low_freq_factor"), given.number("high_freq_factor")
    if low >= high:
        raise PretrainedError(f"{settings.where} has low_freq_factor={low:g} >= high_freq_factor={high:g}; swap them")
    return Rope(theta, given.number("factor"), given.count("original_max_position_embeddings"), low, high)


def _window(settings: Settings, model_type: str, num_layers: int) -> int | None:
    layers = settings.values.get("layer_types")
    kinds = set(layers) if isinstance(layers, list) else set()
    if len(kinds) > 1 or (layers is not None and len(layers) != num_layers):
        raise PretrainedError(
            f"{settings.where} has layers of several kinds ({', '.join(map(str, sorted(kinds)))}), which are not supported"
        )
    if "sliding_window" not in settings or model_type == "llama":
        return None
    if model_type.startswith("qwen"):
        if not settings.flag("use_sliding_window", False) or kinds == {"full_attention"}:
            return None
        if not kinds and settings.count("max_window_layers", default=num_layers) < num_layers:
            raise PretrainedError(f"{settings.where} has windows in some layers only, which is not supported")
        if not kinds:
            return None  # the first max_window_layers layers see everything
    return settings.count("sliding_window")


def _read(settings: Settings, kind: str, names: frozenset[str]) -> Structure:
    del kind, names
    settings.only(hidden_act="silu", pretraining_tp=1, head_type=None)
    model_type = str(settings.values.get("model_type", "llama"))
    width, heads = settings.count("hidden_size"), settings.count("num_attention_heads")
    layers = settings.count("num_hidden_layers")
    head = settings.count("head_dim", default=128 if model_type == "qwen3" else width // heads or 1)
    kv_heads = settings.count("num_key_value_heads", default=heads)
    if head % 2 or heads % kv_heads or ("head_dim" not in settings and width % heads):
        raise PretrainedError(
            f"{settings.where}: {heads} heads of {head} with {kv_heads} key heads do not fit hidden_size={width}"
        )
    attention_bias = model_type == "qwen2" or settings.flag("attention_bias", False)
    model = GPT(
        vocabulary_size=settings.count("vocab_size"),
        context_size=settings.count("max_position_embeddings"),
        embedding_dim=width,
        heads_num=heads,
        layers_num=layers,
        use_bias=settings.flag("mlp_bias", False),
        position="rotary",
        rope=_rope(settings),
        norm="rms",
        norm_epsilon=settings.number("rms_norm_eps", default=1e-6),
        ffn="swiglu",
        ffn_features=settings.count("intermediate_size"),
        kv_heads_num=kv_heads,
        head_features=head,
        qkv_bias=attention_bias,
        out_bias=attention_bias and model_type != "qwen2",
        qk_norm=settings.number("rms_norm_eps", default=1e-6) if model_type == "qwen3" else None,
        tied_head=settings.flag("tie_word_embeddings", False),
        head_bias=False,
        window=_window(settings, model_type, layers),
    )
    ignored = ("*.rotary_emb.inv_freq", *(("lm_head.weight",) if model.tied_head else ()))
    copies = (("lm_head.weight", "model.embed_tokens.weight"),) if model.tied_head else ()
    return Structure(model, tuple(_rows(model)), ((1, 1), np.int32), ignored, copies=copies)


def _rope_parameters(rope: Rope) -> dict[str, Any]:
    """The inverse of `_rope`."""
    theta = {"rope_theta": rope.max_wavelength}
    if rope.original_length is None:
        return theta | (
            {"rope_type": "default"} if rope.factor == 1 else {"rope_type": "linear", "factor": rope.factor}
        )
    turns = {"low_freq_factor": rope.low, "high_freq_factor": rope.high}
    length = {"original_max_position_embeddings": rope.original_length}
    return theta | {"rope_type": "llama3", "factor": rope.factor} | turns | length


def _write(model: Any, shapes: Shapes) -> dict[str, Any]:
    del shapes
    if not isinstance(model, GPT):
        raise TypeError(f"Llama is a GPT, not a {type(model).__name__}")
    check_fields(
        "Llama",
        position=(model.position, "rotary"),
        norm=(model.norm, "rms"),
        norm_position=(model.norm_position, "pre"),
        ffn=(model.ffn, "swiglu"),
        scale_embedding=(model.scale_embedding, False),
    )
    head_bias = model.use_bias if model.head_bias is None else model.head_bias
    if not model.tied_head and head_bias:
        raise ValueError("Llama's head has no bias; train with model.tied_head=True or model.use_bias=False")
    qkv_bias, out_bias = (model.use_bias if b is None else b for b in (model.qkv_bias, model.out_bias))
    model_type = "qwen3" if model.qk_norm is not None else "mistral" if model.window is not None else "llama"
    if qkv_bias != out_bias:
        model_type = "qwen2"
        if out_bias or model.use_bias or model.qk_norm is not None or model.window is not None:
            raise ValueError("biases of queries, keys and values alone are Qwen 2's, without any others")
    if model_type in ("mistral", "qwen3") and (model.use_bias or (model_type == "mistral" and qkv_bias)):
        raise ValueError(f"{model_type} has no biases there; train with model.use_bias=False")
    if model_type == "qwen3" and model.window is not None:
        raise ValueError("a window with norms of queries and keys is not written; train without one of them")
    names = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3"}
    biases = {"attention_bias": qkv_bias, "mlp_bias": model.use_bias} if model_type == "llama" else {}
    return {
        "model_type": model_type,
        "architectures": [f"{names[model_type]}ForCausalLM"],
        "vocab_size": model.vocabulary_size,
        "max_position_embeddings": model.context_size,
        "hidden_size": model.embedding_dim,
        "num_attention_heads": model.heads_num,
        "num_key_value_heads": model.kv_heads_num or model.heads_num,
        "head_dim": model.head_features or model.embedding_dim // model.heads_num,
        "num_hidden_layers": model.layers_num,
        "intermediate_size": model.ffn_features or feed_forward_width(model.embedding_dim, model.ffn),
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6 if model.norm_epsilon is None else model.norm_epsilon,
        "rope_theta": (model.rope or Rope()).max_wavelength,
        "rope_parameters": _rope_parameters(model.rope or Rope()),
        "tie_word_embeddings": model.tied_head,
        **biases,
        **({"attention_bias": qkv_bias} if model_type == "qwen3" else {}),
        **({"sliding_window": model.window} if model_type == "mistral" else {}),
    }


LLAMA = Family(
    model_types=("llama", "mistral", "qwen2", "qwen3"),
    architectures={
        f"{name}{suffix}": "causal"
        for name in ("Llama", "Mistral", "Qwen2", "Qwen3")
        for suffix in ("ForCausalLM", "Model")
    },
    prefix="model.",
    read=_read,
    write=_write,
)
