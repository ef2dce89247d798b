"""Shapes of parameters: equal layers are traced once, and nothing else is taken for equal."""

from collections.abc import Sequence
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from nn_core.models.transformer.gpt import GPT
from nn_core.pretrained.load import read_structure, tensors
from nn_core.pretrained.shapes import parameter_shapes
from nn_core.training.manifest import named_leaves
from tests.pretrained.folders import FOLDERS, write_folder

IDS = jax.ShapeDtypeStruct((1, 1), jnp.int32)


class Tower(nn.Module):
    """Numbered layers of the given widths."""

    widths: Sequence[int]

    @nn.compact
    def __call__(self, x_BD: jax.Array) -> jax.Array:
        for i, width in enumerate(self.widths):
            x_BD = nn.Dense(width, name=f"layer_{i}")(x_BD)
        return x_BD


def all_traced(module: nn.Module, example: jax.ShapeDtypeStruct) -> dict[str, tuple[int, ...]]:
    params = jax.eval_shape(module.init, jax.random.key(0), example)["params"]
    return {name: leaf.shape for name, leaf in named_leaves(params).items()}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folders_shapes_are_those_of_its_module(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path / name, name)
    structure = read_structure(folder, frozenset(tensors(folder)))[3]
    shape, dtype = structure.example
    example = jax.ShapeDtypeStruct(shape, dtype)
    assert parameter_shapes(structure.module, example) == all_traced(structure.module, example)


@pytest.mark.parametrize("widths", [(5, 5, 5), (5, 7, 5), (3, 5, 5)])
def test_layers_of_other_widths_or_inputs_are_not_taken_for_equal(widths: tuple[int, ...]) -> None:
    example = jax.ShapeDtypeStruct((1, 3), jnp.float32)
    assert parameter_shapes(Tower(widths), example) == all_traced(Tower(widths), example)


def test_equal_layers_are_traced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing the layers was half of the time of loading a large folder."""
    calls, call = [], nn.Dense.__call__
    monkeypatch.setattr(nn.Dense, "__call__", lambda self, x: calls.append(self.name) or call(self, x))

    def traced(num_layers: int) -> int:
        calls.clear()
        parameter_shapes(GPT(97, 8, 12, 2, num_layers), IDS)
        return len(calls)

    assert traced(1) == traced(5)
