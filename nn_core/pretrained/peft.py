"""Adapters in the layout of Hugging Face's PEFT: adapter_config.json and adapter_model.safetensors (F180).

    y = x W + (alpha / r) x A B:   lora_A.weight = A^T (r, inputs),   lora_B.weight = B^T (outputs, r)

A kernel of ours that holds several of their tensors side by side gives each of them the same A and its part of B.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nn_core.models.transformer.encoder import Encoder, HiddenStates
from nn_core.pretrained.export import settings_of
from nn_core.pretrained.folder import CONFIG
from nn_core.pretrained.load import DTYPES, shapes
from nn_core.pretrained.rows import TURNED, pieces
from nn_core.pretrained.settings import Settings
from nn_core.pretrained.shapes import parameter_shapes
from nn_core.pretrained.tensor_files import write_file
from nn_core.text.interface import write_json
from nn_core.training.manifest import named_leaves

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_TASKS = {"causal": "CAUSAL_LM", "seq2seq": "SEQ_2_SEQ_LM", "text_class": "SEQ_CLS", "token_class": "TOKEN_CLS"}
_TASKS |= dict.fromkeys(("encoder", "pooled"), "FEATURE_EXTRACTION")


def export_adapters(
    folder: str | Path, module: Any, adapters: Any, alpha: float, base: str = "", dtype: str = "float32"
) -> Path:
    """Writes the adapters of a module that has a counterpart in transformers.

    Args:
        folder: is made.
        module: the structure of the base; an encoder has no head, as transformers' AutoModel reads it.
        adapters: from `nn_core.transfer.lora`, by the paths of the module.
        alpha: they count alpha / rank.
        base: name or folder of the base model, for PEFT.
        dtype: that is written: float32, bfloat16 or float16.
    Returns:
        The folder.
    Raises:
        ValueError: no family computes the module, or an adapter of a layer that it does not have.
    """
    folder = Path(folder)
    module, inside = (HiddenStates(module), "encoder/") if isinstance(module, Encoder) else (module, "")
    pairs: dict[str, dict[str, np.ndarray]] = {}
    for path, leaf in named_leaves(adapters).items():
        layer, name = f"{inside}{path}".rsplit("/", 1)
        pairs.setdefault(layer, {})[name] = np.asarray(jax.device_get(leaf), np.dtype(DTYPES[dtype]))
    ours = parameter_shapes(module, jax.ShapeDtypeStruct((1, 1), jnp.int32))
    family, values = settings_of(module, ours)
    kind = family.architectures[values["architectures"][0]]
    structure = family.read(Settings(values, CONFIG), kind, frozenset(ours))
    rows, sizes = {row.ours: row for row in structure.rows}, shapes(structure)
    tensors: list[tuple[str, np.ndarray]] = []
    targets: list[str] = []
    for layer, pair in pairs.items():
        row = rows.get(f"{layer}/kernel")
        if row is None:
            raise ValueError(f"the adapter of {layer} has no counterpart in {values['architectures'][0]}")
        for piece in pieces(row, sizes[row.ours]):
            target = piece.name.removesuffix(".weight").removeprefix(family.prefix if inside else "")
            targets.append(target)
            part = pair["b"][:, piece.start : piece.stop]
            tensors.append((f"base_model.model.{target}.lora_A.weight", np.ascontiguousarray(pair["a"].T)))
            tensors.append((f"base_model.model.{target}.lora_B.weight", np.ascontiguousarray(part.T)))
    turned = any(rows[f"{layer}/kernel"].axes != TURNED for layer in pairs)
    about: Mapping[str, Any] = {
        "peft_type": "LORA",
        "task_type": _TASKS.get(kind),
        "r": next(iter(pairs.values()))["a"].shape[1],
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": turned,
        "target_modules": targets,
        "base_model_name_or_path": base,
        "inference_mode": True,
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / ADAPTER_WEIGHTS, tensors, {"format": "pt"})
    write_json(folder / ADAPTER_CONFIG, json.dumps(about, indent=2) + "\n")
    return folder
