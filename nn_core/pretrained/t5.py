"""T5, its versions 1.1 and Flan, mT5: their names and ours (F140, F176).

`tie_word_embeddings` says two things there: that the head is the embedding, and that the input of a tied head is divided
by sqrt(D). transformers 5 writes the second one as `scale_decoder_outputs`; a separate head shows by its own tensor.
"""

from typing import Any

import numpy as np

from nn_core.activations import gelu, gelu_tanh, relu, swish
from nn_core.models.transformer.block import feed_forward_width
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.pretrained.family import Family, Shapes, Structure, check_fields
from nn_core.pretrained.rows import TURNED, Row, by_layer, row
from nn_core.pretrained.settings import Settings
from nn_core.pretrained.tensor_files import PretrainedError

# feed_forward_proj -> ffn, activation
_FORMS: dict[str, tuple[str, Any]] = {
    "relu": ("mlp", relu),
    "gelu": ("mlp", gelu),
    "gelu_new": ("mlp", gelu_tanh),
    "silu": ("mlp", swish),
    "gated-gelu": ("geglu", gelu),
    "gated-silu": ("swiglu", gelu),
}
BUCKETS, DISTANCE = 32, 128
HEAD = "lm_head.weight"


def _tower(side: str, model: EncoderDecoder, layers: int) -> list[Row]:
    block, ours = f"{side}.block.{{layer}}.layer.", f"{side}/stack/block_{{layer}}/"
    heads = (model.heads_num * (model.head_features or model.embedding_dim // model.heads_num),) * 3
    names = tuple(f"{block}0.SelfAttention.{name}.weight" for name in "qkv")
    last = 2 if side == "decoder" else 1
    features = model.ffn_features or feed_forward_width(model.embedding_dim, model.ffn)
    up = f"{block}{last}.DenseReluDense.wi"
    gated = model.ffn != "mlp"
    rows = [
        row(f"{block}0.layer_norm.weight", f"{ours}attention_norm/scale"),
        Row(names, f"{ours}attention/qkv/kernel", TURNED, heads),
        row(f"{block}0.SelfAttention.o.weight", f"{ours}attention/out/kernel", TURNED),
        row(f"{block}{last}.layer_norm.weight", f"{ours}feed_forward_norm/scale"),
        row(f"{block}{last}.DenseReluDense.wo.weight", f"{ours}feed_forward/down/kernel", TURNED),
        Row(
            (f"{up}_0.weight", f"{up}_1.weight") if gated else (f"{up}.weight",),
            f"{ours}feed_forward/up/kernel",
            TURNED,
            (features, features) if gated else (),
        ),
    ]
    if side == "decoder":
        rows.append(row(f"{block}1.layer_norm.weight", f"{ours}cross_attention_norm/scale"))
        for name, mine in (("q", "query"), ("k", "key"), ("v", "value"), ("o", "out")):
            rows.append(row(f"{block}1.EncDecAttention.{name}.weight", f"{ours}cross_attention/{mine}/kernel", TURNED))
    bias = f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    ends = [
        row(bias, f"{side}/relative_bias/embedding"),
        row(f"{side}.final_layer_norm.weight", f"{side}/norm_out/scale"),
    ]
    return [*ends, *by_layer(tuple(rows), layers)]


def _read(settings: Settings, kind: str, names: frozenset[str]) -> Structure:
    del kind
    settings.only(relative_attention_num_buckets=BUCKETS, relative_attention_max_distance=DISTANCE)
    form = settings.values.get("feed_forward_proj", "relu")
    if form not in _FORMS:
        raise PretrainedError(f"{settings.where} has feed_forward_proj={form!r}; it must be one of {', '.join(_FORMS)}")
    scaled = settings.flag("scale_decoder_outputs", settings.flag("tie_word_embeddings", True))
    tied = (scaled or HEAD not in names) if names else settings.flag("tie_word_embeddings", True)
    pad = settings.values.get("pad_token_id")
    layers = settings.count("num_layers")
    model = EncoderDecoder(
        vocabulary_size=settings.count("vocab_size"),
        context_size=settings.count("n_positions", default=512),
        embedding_dim=settings.count("d_model"),
        heads_num=settings.count("num_heads"),
        layers_num=layers,
        decoder_layers_num=settings.count("num_decoder_layers", default=layers),
        pad_id=0 if pad is None else pad,
        use_bias=False,
        position="relative",
        norm="rms",
        norm_position="pre",
        norm_epsilon=settings.number("layer_norm_epsilon", default=1e-6),
        activation=_FORMS[form][1],
        ffn=_FORMS[form][0],
        ffn_features=settings.count("d_ff"),
        head_features=settings.count("d_kv"),
        scale_scores=False,
        tied_head=tied,
        scale_embedding=False,
        scale_logits=scaled and tied,
    )
    rows = [
        row("shared.weight", "token_embedding/embedding"),
        *_tower("encoder", model, layers),
        *_tower("decoder", model, model.decoder_layers_num or layers),
        *([] if tied else [row(HEAD, "head/kernel", TURNED)]),
    ]
    copies = tuple((f"{side}.embed_tokens.weight", "shared.weight") for side in ("encoder", "decoder"))
    ignored = (
        *((HEAD,) if tied else ()),
        "encoder.embed_tokens.weight",
        "decoder.embed_tokens.weight",
        "*EncDecAttention.relative_attention_bias.*",
    )
    copies += ((HEAD, "shared.weight"),) if tied else ()
    return Structure(model, tuple(rows), ((2, 1, 1), np.int32), ignored, copies=copies)


def _write(model: Any, shapes: Shapes) -> dict[str, Any]:
    del shapes
    if not isinstance(model, EncoderDecoder):
        raise TypeError(f"T5 is not a {type(model).__name__}")
    check_fields(
        "T5",
        position=(model.position, "relative"),
        norm=(model.norm, "rms"),
        norm_position=(model.norm_position, "pre"),
        use_bias=(model.use_bias, False),
        embedding_norm=(model.embedding_norm, False),
        scale_scores=(model.scale_scores, False),
        scale_embedding=(model.scale_embedding, False),
        target_vocabulary_size=(model.target_vocabulary_size, None),
        head_bias=(model.head_bias, False),
        window=(model.window, None),
        kv_heads_num=(model.kv_heads_num, None, model.heads_num),
    )
    forms = [
        name for name, form in _FORMS.items() if form == (model.ffn, model.activation if model.ffn == "mlp" else gelu)
    ]
    if not forms:
        raise ValueError("T5 has no counterpart of this feed-forward layer; use relu, gelu, swiglu or geglu")
    return {
        "model_type": "t5",
        "architectures": ["T5ForConditionalGeneration"],
        "is_encoder_decoder": True,
        "vocab_size": model.vocabulary_size,
        "n_positions": model.context_size,
        "d_model": model.embedding_dim,
        "d_kv": model.head_features or model.embedding_dim // model.heads_num,
        "d_ff": model.ffn_features or feed_forward_width(model.embedding_dim, model.ffn),
        "num_heads": model.heads_num,
        "num_layers": model.layers_num,
        "num_decoder_layers": model.decoder_layers_num or model.layers_num,
        "feed_forward_proj": forms[0],
        "layer_norm_epsilon": 1e-6 if model.norm_epsilon is None else model.norm_epsilon,
        "relative_attention_num_buckets": BUCKETS,
        "relative_attention_max_distance": DISTANCE,
        # transformers 5 takes tie_word_embeddings=False for "not scaled", and looks for the head's tensor.
        "tie_word_embeddings": model.scale_logits if model.tied_head else False,
        "scale_decoder_outputs": model.scale_logits,
        "pad_token_id": model.pad_id,
        "decoder_start_token_id": model.pad_id,
    }


T5 = Family(
    model_types=("t5", "mt5"),
    architectures={"T5ForConditionalGeneration": "seq2seq", "MT5ForConditionalGeneration": "seq2seq"},
    prefix="",
    read=_read,
    write=_write,
)
