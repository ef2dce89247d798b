"""A folder in Hugging Face's layout: config.json, and weights in one safetensors file or in shards with an index."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nn_core.pretrained.tensor_files import PretrainedError, Stored, read_header

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
LARGEST_JSON = 50 * 2**20  # bytes; the tokenizers of large models have up to 30 million
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.msgpack", "*.onnx", "*.gguf")


def is_folder(path: Path) -> bool:
    """Whether a path is a folder of this kind; a run directory of the project has another config.json, and no weights
    of this kind beside it."""
    if (path / CONFIG).is_file() and any((path / name).is_file() for name in (WEIGHTS, INDEX)):
        return True
    try:
        content = json.loads((path / CONFIG).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and ("model_type" in content or "architectures" in content)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        PretrainedError: no such file, no JSON, or no object.
    """
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise PretrainedError(f"{path} has {path.stat().st_size:,} bytes, more than {LARGEST_JSON:,}; it is none")
        content = json.loads(path.read_bytes().decode("utf-8-sig"))  # some editors put a mark first
    except OSError as error:
        raise PretrainedError(f"{path} cannot be read ({error.strerror}); download it again") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, PretrainedError):
            raise
        raise PretrainedError(f"{path} is not JSON ({str(error).splitlines()[0]}); download it again") from None
    if not isinstance(content, dict):
        raise PretrainedError(f"{path} holds {type(content).__name__} instead of an object; download it again")
    return content


def tensors(folder: Path) -> dict[str, Stored]:
    """All tensors of a folder by name; headers only.

    Raises:
        PretrainedError: no weights, pickles only, a shard that is missing, damaged or outside of the folder, an index
            that does not agree with the shards.
    """
    if (folder / WEIGHTS).is_file():
        return read_header(folder / WEIGHTS)
    if (folder / INDEX).is_file():
        return _sharded(folder, read_json(folder / INDEX).get("weight_map"))
    others = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if others:
        raise PretrainedError(
            f"{folder} holds {', '.join(others[:3])}, which is not read: a pickle can run any program; in the "
            "environment that made it, save again with model.save_pretrained(folder, safe_serialization=True)"
        )
    raise PretrainedError(f"{folder} has no weights; it needs {WEIGHTS}, or {INDEX} and its shards")


def _sharded(folder: Path, weight_map: Any) -> dict[str, Stored]:
    index = folder / INDEX
    if not isinstance(weight_map, Mapping) or not weight_map:
        raise PretrainedError(f"{index} has no weight_map; download it again")
    for name in weight_map.values():
        if not isinstance(name, str) or Path(name).name != name or "\\" in name or "\0" in name or name in ("", ".."):
            raise PretrainedError(
                f"{index} names the shard {str(name)[:80]!r}, which is not a file of this folder; refused"
            )
        if not name.endswith(".safetensors"):
            raise PretrainedError(f"{index} names the shard {name[:80]!r}, which is not a safetensors file; refused")
    found: dict[str, Stored] = {}
    for shard in sorted(set(weight_map.values())):
        if not (folder / shard).is_file():
            raise PretrainedError(f"{folder / shard} is missing, {index.name} names it; download it again")
        held = read_header(folder / shard)
        wrong = [name for name in held if weight_map.get(name) != shard]
        if wrong:
            raise PretrainedError(f"{folder / shard} holds {wrong[0]!r}, which {index.name} has elsewhere; refused")
        found |= held
    missing = [name for name in weight_map if name not in found]
    if missing:
        raise PretrainedError(f"{index} names {missing[0]!r}, which its shard does not hold; download it again")
    return found
