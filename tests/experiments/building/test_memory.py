"""The estimate is a lower bound from shapes alone, and a config that cannot fit is refused without being allocated."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
import psutil
import pytest

from experiments.building import memory
from experiments.building.memory import Demand, available_bytes, check_fits, demand, show_bytes, tree_bytes


def test_bytes_are_counted_by_shape_and_type() -> None:
    tree = {"a": jnp.zeros((3, 5)), "b": jnp.zeros(7, jnp.bfloat16), "c": jnp.zeros((), bool), "none": None}
    assert tree_bytes(tree) == 60 + 14 + 1
    assert tree_bytes(jax.eval_shape(lambda: tree)) == 75
    assert tree_bytes(jax.random.split(jax.random.key(0), 3)) == 3 * 8


def test_adam_needs_five_times_its_parameters() -> None:
    params = jax.eval_shape(lambda: {"kernel": jnp.zeros((11, 13))})
    state = jax.eval_shape(lambda: (params_of(params), optax.adam(1e-3).init(params_of(params))))
    batch = jax.ShapeDtypeStruct((2, 11), jnp.float32)
    own = {"train": jax.ShapeDtypeStruct((5,), jnp.int32)}
    needed = demand(state, params, batch, jnp.zeros(17), own, data_copies=2)
    size = 4 * 11 * 13
    assert needed == Demand(state=3 * size + 4, gradients=2 * size, batch=88, data=136 + 20)
    assert needed.total == sum(needed)


def params_of(shapes: dict) -> dict:
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


def test_ten_to_the_thirteen_parameters_are_refused_in_three_seconds_without_memory() -> None:
    resource = pytest.importorskip("resource")  # not on Windows
    started, peak = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = nn.Dense(10_000_000)
    x = jax.ShapeDtypeStruct((1, 1_000_000), jnp.float32)
    params = jax.eval_shape(model.init, jax.random.key(0), x)
    state = jax.eval_shape(lambda p: (p, optax.adam(1e-3).init(p)), params)
    with pytest.raises(
        ValueError, match=r"at least 200 TB of memory \(state 120 TB, gradients 80 TB, batch 4 MB\)"
    ) as caught:
        check_fits(demand(state, params, x, ()), available_bytes(jax.local_devices()))
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < 3
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert taken * (1 if sys.platform == "darwin" else 1024) < 100 * 2**20


def test_what_fits_exactly_is_allowed() -> None:
    check_fits(Demand(1, 2, 3, 4), 10)
    with pytest.raises(ValueError, match=r"at least 10 B of memory \(state 1 B, .*\), 9 B are free; make the model"):
        check_fits(Demand(1, 2, 3, 4), 9)


def test_accelerators_are_asked_for_their_own_memory() -> None:
    def device(platform: str, stats: dict | None) -> SimpleNamespace:
        return SimpleNamespace(platform=platform, memory_stats=lambda: stats)

    free = {"bytes_limit": 100, "bytes_in_use": 30}
    assert available_bytes([device("gpu", free), device("gpu", free)]) == 140
    assert available_bytes([device("cpu", None)]) > 10**6
    assert available_bytes([device("tpu", None)]) > 10**6


def test_the_smaller_of_free_memory_and_the_containers_limit_counts(tmp_path: Path, monkeypatch) -> None:
    assert 10**8 < memory.system_bytes() < psutil.virtual_memory().total
    assert memory.container_bytes(tmp_path) is None
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.container_bytes(tmp_path) is None
    (tmp_path / "memory.max").write_text("4096\n")
    assert memory.container_bytes(tmp_path) == 4096
    monkeypatch.setattr(memory, "system_bytes", lambda: 7168)
    monkeypatch.setattr(memory, "container_bytes", lambda: 4096)
    assert memory.host_bytes() == 4096
    monkeypatch.setattr(memory, "container_bytes", lambda: None)
    assert memory.host_bytes() == 7168


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (999_600, "1 MB"), (1_500_000, "1.5 MB"), (10**21, "1e+03 EB")]
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert show_bytes(count) == text
