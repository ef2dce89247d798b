"""GPT-2 and DistilGPT-2: their names and ours (F139, F176). Their Conv1D keeps kernels as we do, (inputs, outputs)."""

from typing import Any

import numpy as np

from nn_core.models.transformer.gpt import GPT
from nn_core.pretrained.family import Family, Shapes, Structure, check_fields
from nn_core.pretrained.rows import TURNED, Row, by_layer, row
from nn_core.pretrained.settings import Settings, activation_name
from nn_core.pretrained.tensor_files import PretrainedError

_BLOCK = (
    row("transformer.h.{layer}.ln_1.weight", "stack/block_{layer}/attention_norm/scale"),
    row("transformer.h.{layer}.ln_1.bias", "stack/block_{layer}/attention_norm/bias"),
    row("transformer.h.{layer}.attn.c_attn.weight", "stack/block_{layer}/attention/qkv/kernel"),
    row("transformer.h.{layer}.attn.c_attn.bias", "stack/block_{layer}/attention/qkv/bias"),
    row("transformer.h.{layer}.attn.c_proj.weight", "stack/block_{layer}/attention/out/kernel"),
    row("transformer.h.{layer}.attn.c_proj.bias", "stack/block_{layer}/attention/out/bias"),
    row("transformer.h.{layer}.ln_2.weight", "stack/block_{layer}/feed_forward_norm/scale"),
    row("transformer.h.{layer}.ln_2.bias", "stack/block_{layer}/feed_forward_norm/bias"),
    row("transformer.h.{layer}.mlp.c_fc.weight", "stack/block_{layer}/feed_forward/up/kernel"),
    row("transformer.h.{layer}.mlp.c_fc.bias", "stack/block_{layer}/feed_forward/up/bias"),
    row("transformer.h.{layer}.mlp.c_proj.weight", "stack/block_{layer}/feed_forward/down/kernel"),
    row("transformer.h.{layer}.mlp.c_proj.bias", "stack/block_{layer}/feed_forward/down/bias"),
)
_ENDS = (
    row("transformer.wte.weight", "token_embedding/embedding"),
    row("transformer.wpe.weight", "position_embedding/embedding"),
    row("transformer.ln_f.weight", "norm_out/scale"),
    row("transformer.ln_f.bias", "norm_out/bias"),
)
_HEAD = row("lm_head.weight", "head/kernel", TURNED)


def _read(settings: Settings, kind: str, names: frozenset[str]) -> Structure:
    del kind, names
    settings.only(scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False, add_cross_attention=False)
    tied = settings.flag("tie_word_embeddings", True)
    model = GPT(
        vocabulary_size=settings.count("vocab_size"),
        context_size=settings.count("n_positions", "n_ctx"),
        embedding_dim=settings.count("n_embd"),
        heads_num=settings.count("n_head"),
        layers_num=settings.count("n_layer"),
        activation=settings.activation("activation_function", "gelu_new"),
        ffn_features=settings.count("n_inner", default=4 * settings.count("n_embd")),
        norm_epsilon=settings.number("layer_norm_epsilon", default=1e-5),
        tied_head=tied,
        head_bias=False,
    )
    if model.embedding_dim % model.heads_num:
        raise PretrainedError(
            f"{settings.where}: n_head={model.heads_num} does not divide n_embd={model.embedding_dim}"
        )
    rows: list[Row] = [*_ENDS, *by_layer(_BLOCK, model.layers_num), *([] if tied else [_HEAD])]
    ignored = ("*.attn.bias", "*.attn.masked_bias", *(("lm_head.weight",) if tied else ()))
    copies = (("lm_head.weight", "transformer.wte.weight"),) if tied else ()
    return Structure(model, tuple(rows), ((1, 1), np.int32), ignored, copies=copies)


def _write(model: Any, shapes: Shapes) -> dict[str, Any]:
    del shapes
    if not isinstance(model, GPT):
        raise TypeError(f"GPT-2 is a GPT, not a {type(model).__name__}")
    width = model.embedding_dim
    check_fields(
        "GPT-2",
        position=(model.position, "learned"),
        norm=(model.norm, "layer"),
        norm_position=(model.norm_position, "pre"),
        ffn=(model.ffn, "mlp"),
        window=(model.window, None),
        qk_norm=(model.qk_norm, None),
        scale_embedding=(model.scale_embedding, False),
        kv_heads_num=(model.kv_heads_num, None, model.heads_num),
        head_features=(model.head_features, None, width // model.heads_num),
    )
    head_bias = model.use_bias if model.head_bias is None else model.head_bias
    if not model.tied_head and head_bias:
        raise ValueError("GPT-2's head has no bias; train with model.tied_head=True or model.use_bias=False")
    name = activation_name(model.activation)
    if name is None:
        raise ValueError("GPT-2 has no counterpart of this activation; use gelu, gelu_tanh, relu or swish")
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": model.vocabulary_size,
        "n_positions": model.context_size,
        "n_embd": width,
        "n_head": model.heads_num,
        "n_layer": model.layers_num,
        "n_inner": model.ffn_features or 4 * width,
        "activation_function": name,
        "layer_norm_epsilon": 1e-5 if model.norm_epsilon is None else model.norm_epsilon,
        "tie_word_embeddings": model.tied_head,
        "bos_token_id": None,  # else transformers takes 50,256, which a small vocabulary does not have
        "eos_token_id": None,
    }


GPT2 = Family(
    model_types=("gpt2",),
    architectures={"GPT2LMHeadModel": "causal", "GPT2Model": "causal"},
    prefix="transformer.",
    read=_read,
    write=_write,
)
