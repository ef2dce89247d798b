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
    embeddings = f"{base}.embeddings"
    shapes: Shapes = {f"{embeddings}.cls_token": (1, 1, D), f"{embeddings}.position_embeddings": (1, 9 + tokens, D)}
    shapes |= {f"{embeddings}.distillation_token": (1, 1, D)} if tokens == 2 else {}
    shapes |= {f"{embeddings}.patch_embeddings.projection.weight": (D, 3, 4, 4)}
    shapes |= {f"{embeddings}.patch_embeddings.projection.bias": (D,), **norm(f"{base}.layernorm")}
    for i in range(L):
        block = f"{base}.encoder.layer.{i}"
        for name in ("query", "key", "value"):
            shapes |= linear(f"{block}.attention.attention.{name}", D, D)
        shapes |= linear(f"{block}.attention.output.dense", D, D) | linear(f"{block}.intermediate.dense", D, F)
        shapes |= linear(f"{block}.output.dense", F, D)
        shapes |= norm(f"{block}.layernorm_before") | norm(f"{block}.layernorm_after")
    for head in heads:
        shapes |= linear(head, D, 5)
    return shapes


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
    "vit": (image("vit", "ViTForImageClassification"), vit("vit", 1, ("classifier",))),
    "deit": (
        image("deit", "DeiTForImageClassificationWithTeacher"),
        vit("deit", 2, ("cls_classifier", "distillation_classifier")),
    ),
}


def draw(shapes: Shapes, seed: int) -> dict[str, np.ndarray]:
    """Weights that make every part matter: no zeros, no identities."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for name, shape in shapes.items():
        values = rng.standard_normal(shape) * (0.3 if len(shape) > 1 else 0.2)
        tensors[name] = (values + (1 if "norm" in name.lower() or "ln_" in name else 0)).astype(np.float32)
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


def write_folder(folder: Path, name: str) -> Path:
    """One of FOLDERS; the same bytes every time."""
    config, shapes = FOLDERS[name]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    write_tensors(folder / "model.safetensors", draw(shapes, seed=len(name)))
    return folder


def inputs() -> dict[str, np.ndarray]:
    """What the models are asked, here and by the oracle."""
    rng = np.random.default_rng(7)
    return {
        "short": rng.integers(2, V, (2, 13)),
        "long": rng.integers(2, V, (1, 500)),
        "pixels": rng.uniform(-1, 1, (2, 12, 12, 3)).astype(np.float32),
    }
