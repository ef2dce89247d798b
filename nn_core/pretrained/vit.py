"""ViT and DeiT: their names and ours (F150, F176, F178).

DeiT has a second token beside the class token. `DeiTForImageClassificationWithTeacher` takes the mean of what two heads
read there; `DeiTForImageClassification` has one head, on the class token. `ViTModel` and `DeiTModel` have none.
"""

import math
from typing import Any

import numpy as np

from nn_core.models.transformer.vit import ViT
from nn_core.pretrained.family import Family, Shapes, Structure, check_fields
from nn_core.pretrained.rows import IMAGE, TURNED, Row, by_layer, row
from nn_core.pretrained.settings import Settings, activation_name
from nn_core.pretrained.tensor_files import PretrainedError

HEADLESS = "image_encoder"
ONE_HEAD, TWO_HEADS = "DeiTForImageClassification", "DeiTForImageClassificationWithTeacher"


def _rows(model: ViT, base: str) -> list[Row]:
    layer, ours = f"{base}encoder.layer.{{layer}}.", "stack/block_{layer}/"
    attention = tuple(f"{layer}attention.attention.{name}." for name in ("query", "key", "value"))
    widths = (model.embedding_dim,) * 3
    dense = {
        f"{layer}attention.output.dense": f"{ours}attention/out",
        f"{layer}intermediate.dense": f"{ours}feed_forward/up",
        f"{layer}output.dense": f"{ours}feed_forward/down",
    }
    norms = {
        f"{layer}layernorm_before": f"{ours}attention_norm",
        f"{layer}layernorm_after": f"{ours}feed_forward_norm",
    }
    block = [Row(tuple(f"{name}weight" for name in attention), f"{ours}attention/qkv/kernel", TURNED, widths)]
    if model.qkv_bias is not False:
        block.append(Row(tuple(f"{name}bias" for name in attention), f"{ours}attention/qkv/bias", None, widths))
    for theirs, mine in dense.items():
        block += [row(f"{theirs}.weight", f"{mine}/kernel", TURNED), row(f"{theirs}.bias", f"{mine}/bias")]
    for theirs, mine in norms.items():
        block += [row(f"{theirs}.weight", f"{mine}/scale"), row(f"{theirs}.bias", f"{mine}/bias")]
    embeddings = f"{base}embeddings."
    ends = [
        row(f"{embeddings}cls_token", "class_token/embedding", leading=1),
        row(f"{embeddings}position_embeddings", "position_embedding/embedding", leading=1),
        row(f"{embeddings}patch_embeddings.projection.weight", "patch_embedding/kernel", IMAGE),
        row(f"{embeddings}patch_embeddings.projection.bias", "patch_embedding/bias"),
        row(f"{base}layernorm.weight", "norm_out/scale"),
        row(f"{base}layernorm.bias", "norm_out/bias"),
    ]
    heads = {"classifier": "head"}
    if model.distilled:
        ends.append(row(f"{embeddings}distillation_token", "distillation_token/embedding", leading=1))
    if model.num_outputs is None:
        heads = {}
    elif model.distilled and model.second_head:
        heads = {"cls_classifier": "head", "distillation_classifier": "distillation_head"}
    for theirs, mine in heads.items():
        ends += [row(f"{theirs}.weight", f"{mine}/kernel", TURNED), row(f"{theirs}.bias", f"{mine}/bias")]
    return [*ends, *by_layer(tuple(block), model.layers_num)]


def _read(settings: Settings, kind: str, names: frozenset[str]) -> Structure:
    del names
    model_type = settings.values.get("model_type", "vit")
    size, patch = settings.count("image_size"), settings.count("patch_size")
    labels = () if kind == HEADLESS else settings.labels()
    model = ViT(
        num_outputs=None if kind == HEADLESS else len(labels),
        patch_size=patch,
        embedding_dim=settings.count("hidden_size"),
        heads_num=settings.count("num_attention_heads"),
        layers_num=settings.count("num_hidden_layers"),
        activation=settings.activation("hidden_act", "gelu"),
        qkv_bias=settings.flag("qkv_bias", True),
        features=settings.count("intermediate_size"),
        norm_epsilon=settings.number("layer_norm_eps", default=1e-12),
        distilled=model_type == "deit",
        second_head=kind == "image" and ONE_HEAD not in (settings.values.get("architectures") or ()),
    )
    if size % patch or model.embedding_dim % model.heads_num:
        raise PretrainedError(f"{settings.where}: patches of {patch} do not fill images of {size}, or heads the width")
    image = (1, size, size, settings.count("num_channels", default=3))
    base = "" if kind == HEADLESS else "deit." if model.distilled else "vit."
    ignored = ("*.embeddings.mask_token", "*.pooler.dense.*", "pooler.dense.*")
    return Structure(model, tuple(_rows(model, base)), (image, np.float32), ignored, labels)


def _write(model: Any, shapes: Shapes) -> dict[str, Any]:
    if not isinstance(model, ViT):
        raise TypeError(f"ViT is not a {type(model).__name__}")
    check_fields("ViT", position=(model.position, "learned"), pooling=(model.pooling, "class"))
    name = activation_name(model.activation)
    if name is None:
        raise ValueError("ViT has no counterpart of this activation; use gelu, gelu_tanh, relu or swish")
    qkv_bias = model.use_bias if model.qkv_bias is None else model.qkv_bias
    deit = TWO_HEADS if model.second_head else ONE_HEAD
    architecture = deit if model.distilled else "ViTForImageClassification"
    if model.num_outputs is None:
        architecture = "DeiTModel" if model.distilled else "ViTModel"
    places = shapes["position_embedding/embedding"][0] - (2 if model.distilled else 1)
    if math.isqrt(places) ** 2 != places:
        raise ValueError(f"ViT reads square images, and {places} patches fill none; train on square images")
    return {
        "model_type": "deit" if model.distilled else "vit",
        "architectures": [architecture],
        "image_size": math.isqrt(places) * model.patch_size,
        "patch_size": model.patch_size,
        "num_channels": shapes["patch_embedding/kernel"][2],
        "hidden_size": model.embedding_dim,
        "num_attention_heads": model.heads_num,
        "num_hidden_layers": model.layers_num,
        "intermediate_size": model.features or 4 * model.embedding_dim,
        "hidden_act": name,
        "qkv_bias": qkv_bias,
        "layer_norm_eps": 1e-5 if model.norm_epsilon is None else model.norm_epsilon,
        **({} if model.num_outputs is None else {"id2label": {str(i): f"LABEL_{i}" for i in range(model.num_outputs)}}),
    }


VIT = Family(
    model_types=("vit", "deit"),
    architectures=dict.fromkeys(("ViTForImageClassification", TWO_HEADS, ONE_HEAD), "image")
    | dict.fromkeys(("ViTModel", "DeiTModel"), HEADLESS),
    prefix="vit.",
    read=_read,
    write=_write,
)
