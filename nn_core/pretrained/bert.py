"""BERT, RoBERTa, MiniLM and sentence encoders of their shape: their names and ours (F138, F176).

RoBERTa counts positions from pad_token_id + 1, so nothing reads the first entries of its table; the head of its
classifier is BERT's pooler under another name.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from nn_core.models.transformer.encoder import (
    Encoder,
    HiddenStates,
    MaskedLanguageModel,
    NextSentence,
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


def dense(theirs: str, ours: str) -> tuple[Row, Row]:
    """Kernel and bias."""
    return row(f"{theirs}.weight", f"{ours}/kernel", TURNED), row(f"{theirs}.bias", f"{ours}/bias")


def norm(theirs: str, ours: str) -> tuple[Row, Row]:
    """Scale and bias."""
    return row(f"{theirs}.weight", f"{ours}/scale"), row(f"{theirs}.bias", f"{ours}/bias")


def _encoder_rows(encoder: Encoder, base: str, skipped: int) -> list[Row]:
    names = tuple(f"{base}{LAYER}attention.self.{name}." for name in ("query", "key", "value"))
    widths = (encoder.embedding_dim,) * 3
    block = (
        Row(tuple(f"{name}weight" for name in names), f"{OURS}attention/qkv/kernel", TURNED, widths),
        Row(tuple(f"{name}bias" for name in names), f"{OURS}attention/qkv/bias", None, widths),
        *dense(f"{base}{LAYER}attention.output.dense", f"{OURS}attention/out"),
        *norm(f"{base}{LAYER}attention.output.LayerNorm", f"{OURS}attention_norm"),
        *dense(f"{base}{LAYER}intermediate.dense", f"{OURS}feed_forward/up"),
        *dense(f"{base}{LAYER}output.dense", f"{OURS}feed_forward/down"),
        *norm(f"{base}{LAYER}output.LayerNorm", f"{OURS}feed_forward_norm"),
    )
    table = f"{base}embeddings."
    return [
        row(f"{table}word_embeddings.weight", "encoder/token_embedding/embedding"),
        row(f"{table}token_type_embeddings.weight", "encoder/segment_embedding/embedding"),
        row(f"{table}position_embeddings.weight", "encoder/tower/position_embedding/embedding", skipped=skipped),
        *norm(f"{table}LayerNorm", "encoder/tower/embedding_norm"),
        *by_layer(block, encoder.layers_num),
    ]


_POOLER = "encoder/pooler"
# What stands above the encoder: kind -> rows of BERT, rows of RoBERTa.
_WORDS = (
    *dense("cls.predictions.transform.dense", "masked_words/transform"),
    *norm("cls.predictions.transform.LayerNorm", "masked_words/transform_norm"),
)
_ROBERTA_WORDS = (
    *dense("lm_head.dense", "masked_words/transform"),
    *norm("lm_head.layer_norm", "masked_words/transform_norm"),
)
_HEADS: dict[str, tuple[tuple[Row, ...], tuple[Row, ...]]] = {
    "encoder": ((), ()),
    "pooled": (dense("bert.pooler.dense", _POOLER), dense("roberta.pooler.dense", _POOLER)),
    "masked": (_WORDS, _ROBERTA_WORDS),
    "pretraining": (
        (*_WORDS, *dense("cls.seq_relationship", "next_sentence"), *dense("bert.pooler.dense", _POOLER)),
        (),
    ),
    "following": ((*dense("cls.seq_relationship", "next_sentence"), *dense("bert.pooler.dense", _POOLER)), ()),
    "text_class": (
        (*dense("bert.pooler.dense", _POOLER), *dense("classifier", "output")),
        (*dense("classifier.dense", _POOLER), *dense("classifier.out_proj", "output")),
    ),
    "token_class": (dense("classifier", "output"), dense("classifier", "output")),
    "span": (dense("qa_outputs", "output"), dense("qa_outputs", "output")),
}
_IGNORED = (
    *("*position_ids", "*token_type_ids", "*pooler.dense.*"),
    *("cls.seq_relationship.*", "cls.predictions.*", "lm_head.*"),  # of a head that this architecture does not have
)


def _word_rows(head: str, names: frozenset[str], tied: bool) -> list[Row]:
    """What becomes logits of words: the bias, under either of its names, and the kernel where it is not the embedding."""
    decoder = f"{head}.decoder.bias"
    bias = decoder if decoder in names or (not tied and f"{head}.bias" not in names) else f"{head}.bias"
    kernel = [] if tied else [row(f"{head}.decoder.weight", "masked_words/kernel", TURNED)]
    return [row(bias, "masked_words/bias"), *kernel]


def module_of(encoder: Encoder, kind: str, num_labels: int, tied: bool) -> Any:
    """An encoder with the head of a kind."""
    makers: dict[str, Callable[[], Any]] = {
        "encoder": lambda: HiddenStates(encoder),
        "pooled": lambda: HiddenStates(encoder, with_pooled=True),
        "masked": lambda: MaskedLanguageModel(encoder, tied),
        "pretraining": lambda: Pretraining(encoder, tied),
        "following": lambda: NextSentence(encoder),
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
    tied, head = settings.flag("tie_word_embeddings", True), "lm_head" if roberta else "cls.predictions"
    rows = [*_encoder_rows(encoder, base, skipped), *_HEADS[kind][roberta]]
    rows += _word_rows(head, names, tied) if kind in ("masked", "pretraining") else []
    embedding = f"{base}embeddings.word_embeddings.weight"
    copies = ((f"{head}.decoder.weight", embedding),) if tied and kind in ("masked", "pretraining") else ()
    module = module_of(encoder, kind, len(labels), tied)
    return Structure(module, tuple(rows), ((1, 1), np.int32), _IGNORED, labels, copies)


MODULES: dict[type, str] = {
    HiddenStates: "encoder",
    MaskedLanguageModel: "masked",
    Pretraining: "pretraining",
    NextSentence: "following",
    TextClassifier: "text_class",
    TokenClassifier: "token_class",
    SpanReader: "span",
}
CLASSES = {
    "encoder": "Model",
    "masked": "ForMaskedLM",
    "pretraining": "ForPreTraining",
    "following": "ForNextSentencePrediction",
    "text_class": "ForSequenceClassification",
    "token_class": "ForTokenClassification",
    "span": "ForQuestionAnswering",
}
_BERT_ONLY = ("pretraining", "following")


def check_encoder(family: str, encoder: Encoder) -> None:
    """Raises ValueError where an encoder's structure is not BERT's."""
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


def _write(module: Any, shapes: Shapes, roberta: bool) -> dict[str, Any]:
    family = "RoBERTa" if roberta else "BERT"
    if type(module) not in MODULES:
        raise TypeError(f"{family} is not a {type(module).__name__}")
    encoder, kind = module.encoder, MODULES[type(module)]
    check_encoder(family, encoder)
    if isinstance(module, TextClassifier):
        check_fields(family, pooling=(module.pooling, "first"), pooler_activation=(encoder.pooler_activation, jnp.tanh))
    if encoder.num_segments == 1 and not roberta:
        raise ValueError("BERT tells two segments apart; with one it is RoBERTa")
    if roberta and kind in _BERT_ONLY:
        raise ValueError("RoBERTa does not tell whether a sentence follows; use BERT's two segments")
    if not encoder.num_segments:
        raise ValueError(f"{family} has segments; use num_segments=1 or 2")
    name = activation_name(encoder.activation)
    if name is None:
        raise ValueError(f"{family} has no counterpart of this activation; use gelu, gelu_tanh, relu or swish")
    labels = shapes["output/bias"][0] if kind in ("text_class", "token_class") else 0
    return {
        "model_type": family.lower(),
        "architectures": [f"{'Roberta' if roberta else 'Bert'}{CLASSES[kind]}"],
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
        "tie_word_embeddings": getattr(module, "tied_head", True),
        **({"id2label": {str(i): f"LABEL_{i}" for i in range(labels)}} if labels else {}),
    }


def _architectures(prefix: str) -> dict[str, str]:
    return {f"{prefix}{name}": kind for kind, name in CLASSES.items() if prefix == "Bert" or kind not in _BERT_ONLY}


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
