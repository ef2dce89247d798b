"""From a module and its parameters to a folder in Hugging Face's layout, which transformers loads (F174, F176)."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from nn_core.files import user_path, whole_file
from nn_core.models.transformer.language_model import unstack_layers
from nn_core.pretrained.families import FAMILIES
from nn_core.pretrained.family import Family, Shapes, Structure
from nn_core.pretrained.folder import CONFIG, WEIGHTS
from nn_core.pretrained.load import DTYPES, shapes
from nn_core.pretrained.rows import views
from nn_core.pretrained.settings import Settings
from nn_core.pretrained.tensor_files import write_file
from nn_core.training.manifest import named_leaves

# Parameters that config.json does not mention, and the tensors that show the families whether they exist.
_TELLING = {"head/kernel": "lm_head.weight", "encoder/pooler/kernel": "bert.pooler.dense.weight"}


def settings_of(module: Any, shapes: Shapes) -> tuple[Family, dict[str, Any]]:
    """The family that computes what a module does, and its config.json.

    Args:
        module: GPT, ViT, …
        shapes: of its parameters.
    Raises:
        ValueError: there is none; says why, family by family.
    """
    reasons = []
    for family in FAMILIES.values():
        try:
            return family, family.write(module, shapes)
        except TypeError:  # another kind of module
            continue
        except ValueError as error:
            reasons.append(str(error))
    reason = "; ".join(reasons) or f"no family computes what a {type(module).__name__} does"
    raise ValueError(f"this model has no counterpart in transformers: {reason}")


def export(
    folder: str | Path, module: Any, params: Any, dtype: str = "float32", settings: Mapping[str, Any] | None = None
) -> Path:
    """Writes config.json and model.safetensors; the tokenizer is `tokenizer_files.write_tokenizer`'s.

    A bias that the module lacks and the family has is written as zeros: the same function.

    Args:
        folder: is made; its files of these names are replaced.
        module: GPT, ViT, …
        params: its parameters.
        dtype: that is written: float32, bfloat16 or float16.
        settings: more of config.json, such as labels, ids of special tokens, the size of the images.
    Returns:
        The folder.
    Raises:
        ValueError: no family has this structure, or the parameters do not fit it.
    """
    folder = user_path(folder)
    if dtype not in DTYPES:
        raise ValueError(f"dtype={dtype!r} is unknown; use one of {', '.join(DTYPES)}")
    leaves = {name: np.asarray(jax.device_get(leaf)) for name, leaf in named_leaves(unscanned(params)).items()}
    family, values = settings_of(module, {name: leaf.shape for name, leaf in leaves.items()})
    values = {**values, "dtype": dtype, "torch_dtype": dtype, **(settings or {})}
    kind = family.architectures[values["architectures"][0]]
    names = frozenset(leaves) | {theirs for ours, theirs in _TELLING.items() if ours in leaves}
    structure = family.read(Settings(values, CONFIG), kind, names)
    arrays = list(_arrays(structure, leaves, np.dtype(DTYPES[dtype])))
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / WEIGHTS, arrays, {"format": "pt"})
    with whole_file(folder / CONFIG) as part:
        part.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8", newline="\n")
    return folder


def unscanned(params: Any) -> Any:
    """Parameters with a block for each layer."""
    return unstack_layers(params) if "stack" in params else params


def _arrays(
    structure: Structure, leaves: Mapping[str, np.ndarray], dtype: np.dtype
) -> Iterator[tuple[str, np.ndarray]]:
    wanted = shapes(structure)
    extra = leaves.keys() - wanted.keys()
    if extra:
        raise ValueError(f"the parameters {', '.join(sorted(extra)[:4])} have no place in {CONFIG}'s model")
    for row in structure.rows:
        leaf = leaves.get(row.ours)
        if leaf is None and row.ours.endswith("/bias"):
            leaf = np.zeros(wanted[row.ours], dtype)
        if leaf is None or leaf.shape != wanted[row.ours]:
            found = "missing" if leaf is None else f"of shape {leaf.shape}"
            raise ValueError(f"parameter {row.ours} is {found}; it must be {wanted[row.ours]}")
        yield from views(row, leaf if leaf.dtype == dtype else leaf.astype(dtype))
