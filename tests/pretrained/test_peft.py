"""Adapters in PEFT's layout: names, shapes, and the logits that PEFT itself gives."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from nn_core.pretrained.load import load
from nn_core.pretrained.peft import export_adapters
from nn_core.pretrained.tensor_files import read_header
from nn_core.transfer.lora import Lora, init_adapters, merge
from tests.pretrained.folders import inputs, write_folder
from tests.pretrained.oracle_python import ORACLE

ALPHA, RANK = 6.0, 3
TARGETS = ("*/attention/qkv/kernel", "*/feed_forward/down/kernel")


class Adapted(NamedTuple):
    module: Any
    params: Any
    adapters: Any


def adapted(folder: Path) -> Adapted:
    """A model and adapters of it; of an encoder, what stands below its head."""
    model = load(folder)
    module: Any = model.module
    inside = hasattr(module, "encoder")
    module, params = (module.encoder, model.params["encoder"]) if inside else (module, model.params)
    adapters = init_adapters(jax.random.key(0), params, Lora(RANK, TARGETS))
    rng = np.random.default_rng(1)
    adapters = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32) * 0.3, adapters)
    return Adapted(module, params, adapters)


@pytest.mark.parametrize(
    ("name", "modules", "turned"),
    [
        ("gpt2", {"transformer.h.0.attn.c_attn": (24, 72), "transformer.h.1.mlp.c_proj": (96, 24)}, True),
        ("llama", {"model.layers.0.self_attn.k_proj": (24, 12), "model.layers.1.mlp.down_proj": (40, 24)}, False),
        (
            "bert_text",
            {"encoder.layer.0.attention.self.key": (24, 24), "encoder.layer.1.output.dense": (40, 24)},
            False,
        ),
        ("roberta", {"encoder.layer.0.attention.self.key": (24, 24), "encoder.layer.1.output.dense": (40, 24)}, False),
    ],
)
def test_names_and_shapes(tmp_path: Path, name: str, modules: dict[str, tuple[int, int]], turned: bool) -> None:
    model = adapted(write_folder(tmp_path / name, name))
    export_adapters(tmp_path / "adapters", model.module, model.adapters, ALPHA)
    about = json.loads((tmp_path / "adapters" / "adapter_config.json").read_text(encoding="utf-8"))
    held = read_header(tmp_path / "adapters" / "adapter_model.safetensors")
    assert (about["r"], about["lora_alpha"], about["fan_in_fan_out"]) == (RANK, ALPHA, turned)
    for module, (inside, outside) in modules.items():
        assert module in about["target_modules"]
        assert held[f"base_model.model.{module}.lora_A.weight"].shape == (RANK, inside)
        assert held[f"base_model.model.{module}.lora_B.weight"].shape == (outside, RANK)
    assert len(held) == 2 * len(about["target_modules"])


def test_adapters_in_half_precision(tmp_path: Path) -> None:
    model = adapted(write_folder(tmp_path / "gpt2", "gpt2"))
    export_adapters(tmp_path / "adapters", model.module, model.adapters, ALPHA, dtype="bfloat16")
    held = read_header(tmp_path / "adapters" / "adapter_model.safetensors")
    assert {stored.dtype for stored in held.values()} == {"BF16"}


def test_a_layer_that_is_not_there(tmp_path: Path) -> None:
    model = adapted(write_folder(tmp_path / "gpt2", "gpt2"))
    stranger = {"head": {"a": np.zeros((24, 2)), "b": np.zeros((2, 97))}}
    with pytest.raises(ValueError, match="the adapter of head has no counterpart"):
        export_adapters(tmp_path / "adapters", model.module, stranger, ALPHA)


@pytest.mark.slow
@pytest.mark.skipif(not ORACLE.is_file(), reason="needs a Python with torch and peft: NN_CORE_ORACLE_PYTHON")
@pytest.mark.parametrize("name", ["gpt2", "llama", "bert_words"])
def test_peft_computes_the_same(tmp_path: Path, name: str) -> None:
    model = adapted(write_folder(tmp_path / name, name))
    export_adapters(tmp_path / "adapters", model.module, model.adapters, ALPHA, base=str(tmp_path / name))
    places = [str(tmp_path / part) for part in ("x.npy", "adapters")]
    command = [str(ORACLE), "-m", "tests.pretrained.oracle_peft", *places]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])
    merged = merge(model.params, model.adapters, ALPHA / RANK)
    found = model.module.apply({"params": merged}, inputs()["short"])
    np.testing.assert_allclose(found, np.load(tmp_path / "x.npy"), atol=2e-4, rtol=1e-4)
    assert np.abs(found - model.module.apply({"params": model.params}, inputs()["short"])).max() > 0.1
