"""Tiny folders in Hugging Face's layout, written with NumPy alone: names and shapes as transformers 5.24 saves them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

V, D, F, H, L = 97, 24, 40, 3, 2  # vocabulary, width, feed-forward width, heads, layers
Shapes = dict[str, tuple[int, ...]]


def linear(name: str, inputs: int, outputs: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": (outputs, inputs)} | ({f"{name}.bias": (outputs,)} if bias else {})


def norm(name: str, width: int = D) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def gpt2() -> Shapes:
    shapes: Shapes = {"transformer.wte.weight": (V, D), "transformer.wpe.weight": (64, D), **norm("transformer.ln_f")}
    for i in range(L):
        block = f"transformer.h.{i}"
        shapes |= norm(f"{block}.ln_1") | norm(f"{block}.ln_2")
        for name, inputs, outputs in (
            ("attn.c_attn", D, 3 * D),
            ("attn.c_proj", D, D),
            ("mlp.c_fc", D, 4 * D),
            ("mlp.c_proj", 4 * D, D),
        ):
            shapes |= {f"{block}.{name}.weight": (inputs, outputs), f"{block}.{name}.bias": (outputs,)}
    return shapes


def llama(heads: int, kv: int, head: int, *, tied: bool, biases: bool = False, norms: bool = False) -> Shapes:
    shapes: Shapes = {"model.embed_tokens.weight": (V, D), "model.norm.weight": (D,)}
    shapes |= {} if tied else {"lm_head.weight": (V, D)}
    for i in range(L):
        block = f"model.layers.{i}"
        shapes |= {f"{block}.input_layernorm.weight": (D,), f"{block}.post_attention_layernorm.weight": (D,)}
        for name, width in (("q", heads), ("k", kv), ("v", kv)):
            shapes |= linear(f"{block}.self_attn.{name}_proj", D, width * head, biases)
        shapes |= linear(f"{block}.self_attn.o_proj", heads * head, D, bias=False)
        for name, inputs, outputs in (("gate", D, F), ("up", D, F), ("down", F, D)):
            shapes |= linear(f"{block}.mlp.{name}_proj", inputs, outputs, bias=False)
        if norms:
            shapes |= {f"{block}.self_attn.{name}_norm.weight": (head,) for name in "qk"}
    return shapes


def vit(base: str, tokens: int, heads: tuple[str, ...]) -> Shapes:
    embeddings = f"{base}embeddings"
    shapes: Shapes = {f"{embeddings}.cls_token": (1, 1, D), f"{embeddings}.position_embeddings": (1, 9 + tokens, D)}
    shapes |= {f"{embeddings}.distillation_token": (1, 1, D)} if tokens == 2 else {}
    shapes |= {f"{embeddings}.patch_embeddings.projection.weight": (D, 3, 4, 4)}
    shapes |= {f"{embeddings}.patch_embeddings.projection.bias": (D,), **norm(f"{base}layernorm")}
    for i in range(L):
        block = f"{base}encoder.layer.{i}"
        for name in ("query", "key", "value"):
            shapes |= linear(f"{block}.attention.attention.{name}", D, D)
        shapes |= linear(f"{block}.attention.output.dense", D, D) | linear(f"{block}.intermediate.dense", D, F)
        shapes |= linear(f"{block}.output.dense", F, D)
        shapes |= norm(f"{block}.layernorm_before") | norm(f"{block}.layernorm_after")
    for head in heads:
        shapes |= linear(head, D, 5)
    return shapes


def bert(base: str, positions: int, segments: int, heads: Shapes) -> Shapes:
    table = f"{base}.embeddings"
    shapes: Shapes = {f"{table}.word_embeddings.weight": (V, D), f"{table}.position_embeddings.weight": (positions, D)}
    shapes |= {f"{table}.token_type_embeddings.weight": (segments, D), **norm(f"{table}.LayerNorm")}
    for i in range(L):
        block = f"{base}.encoder.layer.{i}"
        for name in ("query", "key", "value"):
            shapes |= linear(f"{block}.attention.self.{name}", D, D)
        shapes |= linear(f"{block}.attention.output.dense", D, D) | norm(f"{block}.attention.output.LayerNorm")
        shapes |= linear(f"{block}.intermediate.dense", D, F) | linear(f"{block}.output.dense", F, D)
        shapes |= norm(f"{block}.output.LayerNorm")
    return shapes | heads


def distilbert(heads: Shapes) -> Shapes:
    table = "distilbert.embeddings"
    shapes: Shapes = {f"{table}.word_embeddings.weight": (V, D), f"{table}.position_embeddings.weight": (64, D)}
    shapes |= norm(f"{table}.LayerNorm")
    for i in range(L):
        block = f"distilbert.transformer.layer.{i}"
        for name in ("q_lin", "k_lin", "v_lin", "out_lin"):
            shapes |= linear(f"{block}.attention.{name}", D, D)
        shapes |= linear(f"{block}.ffn.lin1", D, F) | linear(f"{block}.ffn.lin2", F, D)
        shapes |= norm(f"{block}.sa_layer_norm") | norm(f"{block}.output_layer_norm")
    return shapes | heads


def t5(gated: bool, tied: bool) -> Shapes:
    shapes: Shapes = {"shared.weight": (V, D)} | ({} if tied else {"lm_head.weight": (V, D)})
    for side, feed in (("encoder", 1), ("decoder", 2)):
        shapes |= {f"{side}.final_layer_norm.weight": (D,)}
        shapes |= {f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight": (32, H)}
        for i in range(L):
            block = f"{side}.block.{i}.layer"
            for attention in ("0.SelfAttention", "1.EncDecAttention")[:feed]:
                for name in "qkv":
                    shapes |= linear(f"{block}.{attention}.{name}", D, H * 8, bias=False)
                shapes |= linear(f"{block}.{attention}.o", H * 8, D, bias=False)
            shapes |= {f"{block}.{place}.layer_norm.weight": (D,) for place in range(feed + 1)}
            for name in ("wi_0", "wi_1") if gated else ("wi",):
                shapes |= linear(f"{block}.{feed}.DenseReluDense.{name}", D, F, bias=False)
            shapes |= linear(f"{block}.{feed}.DenseReluDense.wo", F, D, bias=False)
    return shapes


def encoder(model_type: str, architecture: str, **more: Any) -> dict[str, Any]:
    """config.json of the BERT kind."""
    return {
        "model_type": model_type,
        "architectures": [architecture],
        "vocab_size": V,
        "hidden_size": D,
        "intermediate_size": F,
        "num_hidden_layers": L,
        "num_attention_heads": H,
        "hidden_act": "gelu",
        "max_position_embeddings": 64,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "tie_word_embeddings": True,
    } | more


def distilled(architecture: str, **more: Any) -> dict[str, Any]:
    """config.json of DistilBERT."""
    return {
        "model_type": "distilbert",
        "architectures": [architecture],
        "vocab_size": V,
        "dim": D,
        "hidden_dim": F,
        "n_layers": L,
        "n_heads": H,
        "activation": "gelu",
        "max_position_embeddings": 64,
        "pad_token_id": 0,
        "tie_word_embeddings": True,
    } | more


def seq2seq(form: str, tied: bool) -> dict[str, Any]:
    return {
        "model_type": "t5",
        "architectures": ["T5ForConditionalGeneration"],
        "is_encoder_decoder": True,
        "vocab_size": V,
        "d_model": D,
        "d_kv": 8,
        "d_ff": F,
        "num_heads": H,
        "num_layers": L,
        "num_decoder_layers": L,
        "feed_forward_proj": form,
        "tie_word_embeddings": tied,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "decoder_start_token_id": 0,
    }


def causal(model_type: str, name: str, **more: Any) -> dict[str, Any]:
    """config.json of the Llama kind."""
    return {
        "model_type": model_type,
        "architectures": [f"{name}ForCausalLM"],
        "vocab_size": V,
        "hidden_size": D,
        "intermediate_size": F,
        "num_hidden_layers": L,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_act": "silu",
        "max_position_embeddings": 640,
        "rms_norm_eps": 1e-6,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "tie_word_embeddings": False,
    } | more


def image(model_type: str, architecture: str) -> dict[str, Any]:
    return {
        "model_type": model_type,
        "architectures": [architecture],
        "hidden_size": D,
        "num_hidden_layers": L,
        "num_attention_heads": H,
        "intermediate_size": F,
        "image_size": 12,
        "patch_size": 4,
        "num_channels": 3,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "qkv_bias": True,
        "id2label": {str(i): name for i, name in enumerate(("cat", "dog", "eel", "fox", "gnu"))},
        "label2id": {name: i for i, name in enumerate(("cat", "dog", "eel", "fox", "gnu"))},
    }


LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
LABELS = {"id2label": {"0": "bad", "1": "good", "2": "so-so"}, "label2id": {"bad": 0, "good": 1, "so-so": 2}}
WORDS = (
    linear("cls.predictions.transform.dense", D, D)
    | norm("cls.predictions.transform.LayerNorm")
    | {"cls.predictions.bias": (V,)}
)
POOLER = linear("bert.pooler.dense", D, D)
ROBERTA = {"max_position_embeddings": 66, "type_vocab_size": 1, "pad_token_id": 1}
ROBERTA_WORDS = linear("lm_head.dense", D, D) | norm("lm_head.layer_norm") | {"lm_head.bias": (V,)}
DISTILLED_WORDS = linear("vocab_transform", D, D) | norm("vocab_layer_norm") | {"vocab_projector.bias": (V,)}
ROBERTA_HEAD = linear("classifier.dense", D, D) | linear("classifier.out_proj", D, 3)
GPT2_CONFIG = {
    "model_type": "gpt2",
    "architectures": ["GPT2LMHeadModel"],
    "vocab_size": V,
    "n_positions": 64,
    "n_embd": D,
    "n_head": H,
    "n_layer": L,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
FOLDERS: dict[str, tuple[dict[str, Any], Shapes]] = {
    "gpt2": (GPT2_CONFIG, gpt2()),
    "llama": (causal("llama", "Llama", rope_parameters=LLAMA3), llama(4, 2, 6, tied=False)),
    "mistral": (causal("mistral", "Mistral", sliding_window=37, head_dim=8), llama(4, 2, 8, tied=False)),
    "qwen2": (
        causal("qwen2", "Qwen2", tie_word_embeddings=True, rope_theta=1e6),
        llama(4, 2, 6, tied=True, biases=True),
    ),
    "qwen3": (causal("qwen3", "Qwen3", head_dim=8), llama(4, 2, 8, tied=False, norms=True)),
    "bert": (
        encoder("bert", "BertForPreTraining"),
        bert("bert", 64, 2, WORDS | POOLER | linear("cls.seq_relationship", D, 2)),
    ),
    "bert_words": (encoder("bert", "BertForMaskedLM"), bert("bert", 64, 2, WORDS)),
    "bert_untied": (
        encoder("bert", "BertForMaskedLM", tie_word_embeddings=False),
        bert("bert", 64, 2, WORDS | linear("cls.predictions.decoder", D, V)),
    ),
    "bert_follows": (
        encoder("bert", "BertForNextSentencePrediction"),
        bert("bert", 64, 2, POOLER | linear("cls.seq_relationship", D, 2)),
    ),
    "bert_pooled": (encoder("bert", "BertModel"), bert("bert", 64, 2, POOLER)),
    "bert_text": (
        encoder("bert", "BertForSequenceClassification", **LABELS),
        bert("bert", 64, 2, POOLER | linear("classifier", D, 3)),
    ),
    "bert_tokens": (
        encoder("bert", "BertForTokenClassification", **LABELS),
        bert("bert", 64, 2, linear("classifier", D, 3)),
    ),
    "bert_span": (encoder("bert", "BertForQuestionAnswering"), bert("bert", 64, 2, linear("qa_outputs", D, 2))),
    "roberta": (encoder("roberta", "RobertaForMaskedLM", **ROBERTA), bert("roberta", 66, 1, ROBERTA_WORDS)),
    "roberta_untied": (
        encoder("roberta", "RobertaForMaskedLM", **ROBERTA | {"tie_word_embeddings": False}),
        bert("roberta", 66, 1, ROBERTA_WORDS | linear("lm_head.decoder", D, V)),
    ),
    "roberta_xlm": (encoder("xlm-roberta", "XLMRobertaForMaskedLM", **ROBERTA), bert("roberta", 66, 1, ROBERTA_WORDS)),
    "roberta_text": (
        encoder("roberta", "RobertaForSequenceClassification", **ROBERTA, **LABELS),
        bert("roberta", 66, 1, ROBERTA_HEAD),
    ),
    "roberta_tokens": (
        encoder("roberta", "RobertaForTokenClassification", **ROBERTA, **LABELS),
        bert("roberta", 66, 1, linear("classifier", D, 3)),
    ),
    "roberta_span": (
        encoder("roberta", "RobertaForQuestionAnswering", **ROBERTA),
        bert("roberta", 66, 1, linear("qa_outputs", D, 2)),
    ),
    "distilbert": (distilled("DistilBertModel"), distilbert({})),
    "distilbert_words": (distilled("DistilBertForMaskedLM"), distilbert(DISTILLED_WORDS)),
    "distilbert_text": (
        distilled("DistilBertForSequenceClassification", **LABELS),
        distilbert(linear("pre_classifier", D, D) | linear("classifier", D, 3)),
    ),
    "distilbert_tokens": (
        distilled("DistilBertForTokenClassification", **LABELS),
        distilbert(linear("classifier", D, 3)),
    ),
    "distilbert_span": (distilled("DistilBertForQuestionAnswering"), distilbert(linear("qa_outputs", D, 2))),
    "t5": (seq2seq("relu", tied=True), t5(gated=False, tied=True)),
    "flan": (seq2seq("gated-gelu", tied=False), t5(gated=True, tied=False)),
    "mt5": (
        seq2seq("gated-gelu", tied=False) | {"model_type": "mt5", "architectures": ["MT5ForConditionalGeneration"]},
        t5(gated=True, tied=False),
    ),
    "vit": (image("vit", "ViTForImageClassification"), vit("vit.", 1, ("classifier",))),
    "vit_base": (image("vit", "ViTModel"), vit("", 1, ()) | linear("pooler.dense", D, D)),
    "deit_base": (image("deit", "DeiTModel"), vit("", 2, ()) | linear("pooler.dense", D, D)),
    "deit": (
        image("deit", "DeiTForImageClassificationWithTeacher"),
        vit("deit.", 2, ("cls_classifier", "distillation_classifier")),
    ),
    "deit_one_head": (image("deit", "DeiTForImageClassification"), vit("deit.", 2, ("classifier",))),
}


def draw(shapes: Shapes, seed: int) -> dict[str, np.ndarray]:
    """Weights that make every part matter: no zeros, no identities."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for name, shape in shapes.items():
        values = rng.standard_normal(shape) * (0.3 if len(shape) > 1 else 0.2)
        if name.endswith("Attention.q.weight"):  # T5 does not scale its scores; else a softmax is all or nothing
            values *= 0.35
        tensors[name] = (values + (1 if len(shape) == 1 and ("norm" in name.lower() or "ln_" in name) else 0)).astype(
            np.float32
        )
    return tensors


def write_tensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """A safetensors file, by the letter of the format."""
    header, body = {}, b""
    for name, array in tensors.items():
        kind = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "bool": "BOOL", "int64": "I64"}[
            str(array.dtype)
        ]
        entry = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(body), len(body) + array.nbytes]}
        header[name], body = entry, body + np.ascontiguousarray(array).tobytes()
    text = json.dumps(header | {"__metadata__": {"format": "pt"}}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def write_folder(folder: Path, name: str, vocabulary: int = V) -> Path:
    """One of FOLDERS, perhaps with another vocabulary; the same bytes every time."""
    config, shapes = FOLDERS[name]
    resized = {key: tuple(vocabulary if size == V else size for size in shape) for key, shape in shapes.items()}
    config = config | ({"vocab_size": vocabulary} if "vocab_size" in config else {})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    write_tensors(folder / "model.safetensors", draw(resized, seed=len(name)))
    return folder


def inputs() -> dict[str, np.ndarray]:
    """What the models are asked, here and by the oracle."""
    rng = np.random.default_rng(7)
    texts = rng.integers(2, V, (2, 17))
    padding = np.arange(17)[None] >= np.array([[17], [11]])
    return {
        "texts": texts,
        "padding": padding,
        "segments": ((np.arange(17)[None] >= 6) & ~padding).astype(np.int64),
        "targets": np.concatenate([np.zeros((2, 1), np.int64), rng.integers(2, V, (2, 8))], axis=1),
        "short": rng.integers(2, V, (2, 13)),
        "long": rng.integers(2, V, (1, 500)),
        "pixels": rng.uniform(-1, 1, (2, 12, 12, 3)).astype(np.float32),
    }
