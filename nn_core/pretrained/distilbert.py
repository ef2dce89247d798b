"""DistilBERT: a BERT without segments and without a pooler; its classifier has a ReLU (F138, F176)."""

from typing import Any

import numpy as np

from nn_core.activations import relu
from nn_core.models.transformer.encoder import Encoder, HiddenStates, TextClassifier
from nn_core.pretrained.bert import MODULES, OURS, check_encoder, dense, module_of, norm
from nn_core.pretrained.family import Family, Shapes, Structure, check_fields
from nn_core.pretrained.rows import TURNED, Row, by_layer, row
from nn_core.pretrained.settings import Settings, activation_name
from nn_core.pretrained.tensor_files import PretrainedError

LAYER = "distilbert.transformer.layer.{layer}."
TABLE = "distilbert.embeddings."
DECODER = "vocab_projector.weight"
EPSILON = 1e-12  # of every norm; config.json does not say it
_HEADS: dict[str, tuple[Row, ...]] = {
    "encoder": (),
    "masked": (
        *dense("vocab_transform", "masked_words/transform"),
        *norm("vocab_layer_norm", "masked_words/transform_norm"),
        row("vocab_projector.bias", "masked_words/bias"),
    ),
    "text_class": (*dense("pre_classifier", "encoder/pooler"), *dense("classifier", "output")),
    "token_class": dense("classifier", "output"),
    "span": dense("qa_outputs", "output"),
}
_CLASSES = {
    "encoder": "DistilBertModel",
    "masked": "DistilBertForMaskedLM",
    "text_class": "DistilBertForSequenceClassification",
    "token_class": "DistilBertForTokenClassification",
    "span": "DistilBertForQuestionAnswering",
}
_IGNORED = ("*position_ids", "vocab_*")  # buffers, and the head of the words that another architecture does not have


def _encoder_rows(encoder: Encoder) -> list[Row]:
    names = tuple(f"{LAYER}attention.{name}_lin." for name in "qkv")
    widths = (encoder.embedding_dim,) * 3
    block = (
        Row(tuple(f"{name}weight" for name in names), f"{OURS}attention/qkv/kernel", TURNED, widths),
        Row(tuple(f"{name}bias" for name in names), f"{OURS}attention/qkv/bias", None, widths),
        *dense(f"{LAYER}attention.out_lin", f"{OURS}attention/out"),
        *norm(f"{LAYER}sa_layer_norm", f"{OURS}attention_norm"),
        *dense(f"{LAYER}ffn.lin1", f"{OURS}feed_forward/up"),
        *dense(f"{LAYER}ffn.lin2", f"{OURS}feed_forward/down"),
        *norm(f"{LAYER}output_layer_norm", f"{OURS}feed_forward_norm"),
    )
    return [
        row(f"{TABLE}word_embeddings.weight", "encoder/token_embedding/embedding"),
        row(f"{TABLE}position_embeddings.weight", "encoder/tower/position_embedding/embedding"),
        *norm(f"{TABLE}LayerNorm", "encoder/tower/embedding_norm"),
        *by_layer(block, encoder.layers_num),
    ]


def _read(settings: Settings, kind: str, names: frozenset[str]) -> Structure:
    del names
    pad = settings.values.get("pad_token_id")
    encoder = Encoder(
        vocabulary_size=settings.count("vocab_size"),
        context_size=settings.count("max_position_embeddings"),
        embedding_dim=settings.count("dim"),
        heads_num=settings.count("n_heads"),
        layers_num=settings.count("n_layers"),
        num_segments=0,
        pad_id=0 if pad is None else pad,
        norm_epsilon=EPSILON,
        activation=settings.activation("activation", "gelu"),
        ffn_features=settings.count("hidden_dim"),
        pooler_activation=relu,
    )
    if encoder.embedding_dim % encoder.heads_num:
        raise PretrainedError(f"{settings.where}: {encoder.heads_num} heads do not divide {encoder.embedding_dim}")
    labels = settings.labels() if kind in ("text_class", "token_class") else ()
    rows = [*_encoder_rows(encoder), *_HEADS[kind]]
    tied = settings.flag("tie_word_embeddings", True)
    if kind == "masked" and not tied:
        rows.append(row(DECODER, "masked_words/kernel", TURNED))
    copies = ((DECODER, f"{TABLE}word_embeddings.weight"),) if kind == "masked" and tied else ()
    module = module_of(encoder, kind, len(labels), tied)
    return Structure(module, tuple(rows), ((1, 1), np.int32), _IGNORED, labels, copies)


def _write(module: Any, shapes: Shapes) -> dict[str, Any]:
    kind = MODULES.get(type(module))
    if kind not in _CLASSES:
        raise TypeError(f"DistilBERT is not a {type(module).__name__}")
    encoder = module.encoder
    check_encoder("DistilBERT", encoder)
    check_fields("DistilBERT", num_segments=(encoder.num_segments, 0), norm_epsilon=(encoder.norm_epsilon, EPSILON))
    if isinstance(module, TextClassifier):
        check_fields("DistilBERT", pooling=(module.pooling, "first"), pooler=(encoder.pooler_activation, relu))
    if isinstance(module, HiddenStates):
        check_fields("DistilBERT", with_pooled=(module.with_pooled, False))
    name = activation_name(encoder.activation)
    if name is None:
        raise ValueError("DistilBERT has no counterpart of this activation; use gelu, gelu_tanh, relu or swish")
    labels = shapes["output/bias"][0] if kind in ("text_class", "token_class") else 0
    return {
        "model_type": "distilbert",
        "architectures": [_CLASSES[kind]],
        "vocab_size": encoder.vocabulary_size,
        "max_position_embeddings": encoder.context_size,
        "dim": encoder.embedding_dim,
        "n_heads": encoder.heads_num,
        "n_layers": encoder.layers_num,
        "hidden_dim": encoder.ffn_features or 4 * encoder.embedding_dim,
        "activation": name,
        "pad_token_id": encoder.pad_id,
        "tie_word_embeddings": getattr(module, "tied_head", True),
        **({"id2label": {str(i): f"LABEL_{i}" for i in range(labels)}} if labels else {}),
    }


DISTILBERT = Family(
    model_types=("distilbert",),
    architectures={name: kind for kind, name in _CLASSES.items()},
    prefix="distilbert.",
    read=_read,
    write=_write,
)
