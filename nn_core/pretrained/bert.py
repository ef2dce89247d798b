"""BERT, RoBERTa, MiniLM and sentence encoders of their shape: their names and ours (F138, F176).

RoBERTa counts positions from pad_token_id + 1, so nothing reads the first entries of its table; the head of its
classifier is BERT's pooler under another name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_core.models.transformer.encoder import (
    Encoder,
    HiddenStates,
    MaskedLanguageModel,
    Pretraining,
    SpanReader,
    TextClassifier,
    TokenClassifier,
)
from nn_core.pretrained.family import Family, Shapes, Structure, check_fields
from nn_core.pretrained.rows import TURNED, Row, by_layer, row
from nn_core.pretrained.settings import Settings, activation_name
from nn_core.pretrained.tensor_files import PretrainedError

LAYER, OURS = "encoder.layer.{layer}.", "encoder/tower/stack/block_{layer}/"


def _dense(theirs: str, ours: str) -> tuple[Row, Row]:
    return row(f"{theirs}.weight", f"{ours}/kernel", TURNED), row(f"{theirs}.bias", f"{ours}/bias")


def _norm(theirs: str, ours: str) -> tuple[Row, Row]:
    return row(f"{theirs}.weight", f"{ours}/scale"), row(f"{theirs}.bias", f"{ours}/bias")


def _encoder_rows(encoder: Encoder, base: str, skipped: int) -> list[Row]:
    names = tuple(f"{base}{LAYER}attention.self.{name}." for name in ("query", "key", "value"))
    widths = (encoder.embedding_dim,) * 3
    block = (
        Row(tuple(f"{name}weight" for name in names), f"{OURS}attention/qkv/kernel", TURNED, widths),
        Row(tuple(f"{name}bias" for name in names), f"{OURS}attention/qkv/bias", None, widths),
        *_dense(f"{base}{LAYER}attention.output.dense", f"{OURS}attention/out"),
        *_norm(f"{base}{LAYER}attention.output.LayerNorm", f"{OURS}attention_norm"),
        *_dense(f"{base}{LAYER}intermediate.dense", f"{OURS}feed_forward/up"),
        *_dense(f"{base}{LAYER}output.dense", f"{OURS}feed_forward/down"),
        *_norm(f"{base}{LAYER}output.LayerNorm", f"{OURS}feed_forward_norm"),
    )
    table = f"{base}embeddings."
    return [
        row(f"{table}word_embeddings.weight", "encoder/token_embedding/embedding"),
        row(f"{table}token_type_embeddings.weight", "encoder/segment_embedding/embedding"),
        row(f"{table}position_embeddings.weight", "encoder/tower/position_embedding/embedding", skipped=skipped),
        *_norm(f"{table}LayerNorm", "encoder/tower/embedding_norm"),
        *by_layer(block, encoder.layers_num),
    ]


_POOLER = "encoder/pooler"
# What stands above the encoder: kind -> rows of BERT, rows of RoBERTa.
_WORDS = (
    *_dense("cls.predictions.transform.dense", "masked_words/transform"),
    *_norm("cls.predictions.transform.LayerNorm", "masked_words/transform_norm"),
    row("cls.predictions.bias", "masked_words/bias"),
)
_ROBERTA_WORDS = (
    *_dense("lm_head.dense", "masked_words/transform"),
    *_norm("lm_head.layer_norm", "masked_words/transform_norm"),
    row("lm_head.bias", "masked_words/bias"),
)
_HEADS: dict[str, tuple[tuple[Row, ...], tuple[Row, ...]]] = {
    "encoder": ((), ()),
    "pooled": (_dense("bert.pooler.dense", _POOLER), _dense("roberta.pooler.dense", _POOLER)),
    "masked": (_WORDS, _ROBERTA_WORDS),
    "pretraining": (
        (*_WORDS, *_dense("cls.seq_relationship", "next_sentence"), *_dense("bert.pooler.dense", _POOLER)),
        (),
    ),
    "text_class": (
        (*_dense("bert.pooler.dense", _POOLER), *_dense("classifier", "output")),
        (*_dense("classifier.dense", _POOLER), *_dense("classifier.out_proj", "output")),
    ),
    "token_class": (_dense("classifier", "output"), _dense("classifier", "output")),
    "span": (_dense("qa_outputs", "output"), _dense("qa_outputs", "output")),
}
_IGNORED = (
    *("*position_ids", "*token_type_ids", "*pooler.dense.*", "cls.predictions.decoder.*", "lm_head.decoder.*"),
    *("cls.seq_relationship.*", "cls.predictions.*", "lm_head.*"),  # of a head that this architecture does not have
)


def _module(encoder: Encoder, kind: str, num_labels: int) -> Any:
    makers: dict[str, Callable[[], Any]] = {
        "encoder": lambda: HiddenStates(encoder),
        "pooled": lambda: HiddenStates(encoder, with_pooled=True),
        "masked": lambda: MaskedLanguageModel(encoder),
        "pretraining": lambda: Pretraining(encoder),
        "text_class": lambda: TextClassifier(encoder, num_labels),
        "token_class": lambda: TokenClassifier(encoder, num_labels),
        "span": lambda: SpanReader(encoder),
    }
    return makers[kind]()


def _read(settings: Settings, kind: str, names: frozenset[str], roberta: bool) -> Structure:
    settings.only(position_embedding_type="absolute", is_decoder=False, add_cross_attention=False)
    base = "roberta." if roberta else "bert."
    if kind == "encoder" and any(name.endswith("pooler.dense.weight") for name in names):
        kind = "pooled"
    pad = settings.values.get("pad_token_id")
    pad = (1 if roberta else 0) if pad is None else pad
    skipped = pad + 1 if roberta else 0
    places = settings.count("max_position_embeddings")
    if not isinstance(pad, int) or pad < 0 or skipped >= places:
        raise PretrainedError(f"{settings.where} has pad_token_id={pad!r}; it must be an id, below the positions")
    encoder = Encoder(
        vocabulary_size=settings.count("vocab_size"),
        context_size=places - skipped,
        embedding_dim=settings.count("hidden_size"),
        heads_num=settings.count("num_attention_heads"),
        layers_num=settings.count("num_hidden_layers"),
        num_segments=settings.count("type_vocab_size", default=1 if roberta else 2),
        pad_id=pad,
        norm_epsilon=settings.number("layer_norm_eps", default=1e-12),
        activation=settings.activation("hidden_act", "gelu"),
        ffn_features=settings.count("intermediate_size"),
    )
    if encoder.embedding_dim % encoder.heads_num:
        raise PretrainedError(f"{settings.where}: {encoder.heads_num} heads do not divide {encoder.embedding_dim}")
    labels = settings.labels() if kind in ("text_class", "token_class") else ()
    rows = [*_encoder_rows(encoder, base, skipped), *_HEADS[kind][roberta]]
    return Structure(_module(encoder, kind, len(labels)), tuple(rows), ((1, 1), np.int32), _IGNORED, labels)


_KINDS: dict[type, str] = {
    HiddenStates: "encoder",
    MaskedLanguageModel: "masked",
    Pretraining: "pretraining",
    TextClassifier: "text_class",
    TokenClassifier: "token_class",
    SpanReader: "span",
}
_CLASSES = {
    "encoder": "Model",
    "masked": "ForMaskedLM",
    "pretraining": "ForPreTraining",
    "text_class": "ForSequenceClassification",
    "token_class": "ForTokenClassification",
    "span": "ForQuestionAnswering",
}


def _write(module: Any, shapes: Shapes, roberta: bool) -> dict[str, Any]:
    family = "RoBERTa" if roberta else "BERT"
    if type(module) not in _KINDS:
        raise TypeError(f"{family} is not a {type(module).__name__}")
    encoder, kind = module.encoder, _KINDS[type(module)]
    check_fields(
        family,
        position=(encoder.position, "learned"),
        norm=(encoder.norm, "layer"),
        norm_position=(encoder.norm_position, "post"),
        embedding_norm=(encoder.embedding_norm, True),
        ffn=(encoder.ffn, "mlp"),
        window=(encoder.window, None),
        stride=(encoder.stride, None),
        attention=(encoder.attention, "dense", "blockwise", "cudnn"),
        kv_heads_num=(encoder.kv_heads_num, None, encoder.heads_num),
        head_features=(encoder.head_features, None, encoder.embedding_dim // encoder.heads_num),
        scale_scores=(encoder.scale_scores, True),
    )
    if isinstance(module, TextClassifier):
        check_fields(family, pooling=(module.pooling, "first"))
    if encoder.num_segments == 1 and not roberta:
        raise ValueError("BERT tells two segments apart; with one it is RoBERTa")
    if roberta and kind == "pretraining":
        raise ValueError("RoBERTa does not tell whether a sentence follows; use BERT's two segments")
    if not encoder.num_segments:
        raise ValueError(f"{family} has segments; use num_segments=1 or 2")
    name = activation_name(encoder.activation)
    if name is None:
        raise ValueError(f"{family} has no counterpart of this activation; use gelu, gelu_tanh, relu or swish")
    labels = shapes["output/bias"][0] if kind in ("text_class", "token_class") else 0
    return {
        "model_type": family.lower(),
        "architectures": [f"{'Roberta' if roberta else 'Bert'}{_CLASSES[kind]}"],
        "vocab_size": encoder.vocabulary_size,
        "max_position_embeddings": encoder.context_size + (encoder.pad_id + 1 if roberta else 0),
        "hidden_size": encoder.embedding_dim,
        "num_attention_heads": encoder.heads_num,
        "num_hidden_layers": encoder.layers_num,
        "intermediate_size": encoder.ffn_features or 4 * encoder.embedding_dim,
        "type_vocab_size": encoder.num_segments,
        "hidden_act": name,
        "layer_norm_eps": 1e-5 if encoder.norm_epsilon is None else encoder.norm_epsilon,
        "pad_token_id": encoder.pad_id,
        **({"id2label": {str(i): f"LABEL_{i}" for i in range(labels)}} if labels else {}),
    }


def _architectures(prefix: str) -> dict[str, str]:
    return {f"{prefix}{name}": kind for kind, name in _CLASSES.items() if prefix == "Bert" or kind != "pretraining"}


BERT = Family(
    model_types=("bert",),
    architectures=_architectures("Bert"),
    prefix="bert.",
    read=lambda settings, kind, names: _read(settings, kind, names, roberta=False),
    write=lambda module, shapes: _write(module, shapes, roberta=False),
    aliases=(("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")),
)
ROBERTA = Family(
    model_types=("roberta", "xlm-roberta"),
    architectures=_architectures("Roberta") | _architectures("XLMRoberta"),
    prefix="roberta.",
    read=lambda settings, kind, names: _read(settings, kind, names, roberta=True),
    write=lambda module, shapes: _write(module, shapes, roberta=True),
)
