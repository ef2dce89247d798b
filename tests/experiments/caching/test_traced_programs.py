"""Kept programs: found again they are traced no more and give the same bits; what changes a trace changes their key."""

import os
import shutil
from functools import partial, update_wrapper
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from configs import base
from configs.grid import axis
from experiments.building.experiment import build
from experiments.caching import traced_programs
from experiments.caching.traced_programs import Store, open_store
from experiments.training import plan
from nn_core.training import program
from nn_core.training.population import place

CONFIG_FILE = Path("configs/digits.py")
FUNCTIONS = ("advance", "evaluate", "finish")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Where programs are kept in a test."""
    opened = open_store(tmp_path, CONFIG_FILE)
    assert opened is not None
    return opened


def small(**changes: Any) -> ConfigDict:
    """A classifier of two inputs with momentum, whose state holds the best parameters."""
    config = base.experiment()
    config.task = base.classification()
    config.model = base.mlp(hidden_sizes=(5,))
    config.data = base.examples("blobs", train=7, validation=5, test=3, num_examples=15)
    config.data.batch_size = 7
    config.optimizer.name, config.hparams.momentum, config.hparams.learning_rate = "momentum", 0.5, 0.1
    config.train.steps = config.train.eval_every = config.train.chunk_steps = 4
    config.update(changes)
    return config


def checked(store: Store | None, members: int = 1, config: ConfigDict | None = None) -> tuple[plan.Group, set[str]]:
    """A group as the command checks it, and which of its programs were traced."""
    SEEN.update(dict.fromkeys(FUNCTIONS, 0))
    (group,) = plan.group(plan.expand(config or small(), lambda _: axis("seed", range(members))), store=store)
    return group, {name for name in FUNCTIONS if SEEN[name]}


def written(group: plan.Group) -> None:
    """Keeps its programs, as their first call does."""
    for name in FUNCTIONS:
        getattr(group.traced.program, name).keep()


def trained(group: plan.Group) -> Any:
    """What a population comes to in four steps, as bytes: NaN equals itself."""
    functions, mesh = group.traced.program, group.traced.mesh
    data = place(group.experiment.data, mesh, by_member=False)
    ((_, arrays),) = plan.parts(group, len(group.members), len(jax.local_devices()))
    keys, hparams = place(arrays, mesh, by_member=True)
    state, own = functions.start(keys, hparams, data), functions.prepare(keys, data)
    state, metrics = functions.advance(state, keys, hparams, own, data, np.int32(4))
    result = state, metrics, functions.finish(state, keys, hparams, own, data)
    return jax.tree.map(lambda leaf: leaf.tobytes(), jax.device_get(result))


SEEN: dict[str, int] = {}


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts the runs of the Python code of each function."""
    SEEN.update(dict.fromkeys(FUNCTIONS, 0))

    def counting(function: Any, *arguments: Any) -> Any:
        SEEN[function.__name__] += 1
        return function(*arguments)

    for name in FUNCTIONS:
        function = getattr(program, name)
        monkeypatch.setattr(program, name, update_wrapper(partial(counting, function), function))


def test_a_second_start_traces_nothing_that_is_kept_and_gives_the_same_bits(store: Store) -> None:
    first, traced = checked(store, members=4)
    assert traced == set(FUNCTIONS)
    expected = trained(first)
    second, traced = checked(store, members=4)
    assert traced == {"evaluate"} and trained(second) == expected
    assert second.traced.results == first.traced.results
    plain, traced = checked(None, members=4)
    assert traced == set(FUNCTIONS) and trained(plain) == expected


def test_a_damaged_program_is_traced_again(store: Store) -> None:
    written(checked(store)[0])
    (mine,) = store.folder.iterdir()
    damages = {
        "empty": lambda raw: b"",
        "short": lambda raw: raw[:30],
        "truncated": lambda raw: raw[: len(raw) // 2],
        "flipped": lambda raw: raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :],
    }
    for damage in damages.values():
        for path in mine.iterdir():
            path.write_bytes(damage(path.read_bytes()))
        group, traced = checked(store)
        assert traced == set(FUNCTIONS)
        written(group)
    (mine / "evaluate").unlink()
    assert checked(store)[1] == {"evaluate"}


def test_programs_for_other_arguments_are_not_taken(store: Store) -> None:
    """A key that does not tell two programs apart costs a trace, not a wrong number."""
    written(checked(store)[0])
    (mine,) = store.folder.iterdir()
    wider = small(model=base.mlp(hidden_sizes=(3,)))
    written(checked(store, config=wider)[0])
    (other,) = set(store.folder.iterdir()) - {mine}
    shutil.rmtree(other)
    shutil.copytree(mine, other)
    assert checked(store, config=wider)[1] == set(FUNCTIONS)


def test_the_key_holds_all_that_a_trace_may_depend_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"inputs": np.arange(6.0), "targets": (np.arange(3),)}

    def key(structure: str = "a", data: Any = data, rows: int = 1, store: Store = store) -> str:
        traced_programs.surroundings.cache_clear()
        path = traced_programs.place(store, structure, data, rows)
        assert path.parent == store.folder
        return path.name

    keys = [key(), key("b"), key(rows=2)]
    keys.append(key(data=data | {"inputs": np.arange(6.0) + np.eye(6)[2] * 1e-9}))
    keys.append(key(data=data | {"inputs": np.arange(6.0).reshape(2, 3)}))
    keys.append(key(data=data | {"inputs": np.arange(6.0).astype(np.float32)}))
    assert key() == keys[0]
    source = store.folder / "own.py"
    for text in ("x = 1\n", "x = 2\n"):
        source.write_text(text)
        keys.append(key(store=store._replace(config_file=source)))
    monkeypatch.setattr(traced_programs, "ROOT", store.folder)
    keys.append(key())
    (store.folder / "nn_core").mkdir()
    (store.folder / "nn_core" / "model.py").write_text("y = 1\n")
    keys.append(key())
    monkeypatch.setenv("XLA_FLAGS", "--xla_something")
    keys.append(key())
    monkeypatch.setitem(traced_programs.COMPILER_OPTIONS, "cpu", {"xla_backend_optimization_level": 2})
    keys.append(key())
    with jax.numpy_rank_promotion("allow"):
        jax.config.update("jax_default_matmul_precision", "default")
        keys.append(key())
        jax.config.update("jax_default_matmul_precision", "highest")
    assert len(set(keys)) == len(keys)
    traced_programs.surroundings.cache_clear()


def test_seeds_and_values_of_hparams_share_a_program_and_structures_do_not(store: Store) -> None:
    written(checked(store)[0])
    faster = small(seed=5)
    faster.hparams.learning_rate = 0.25
    assert checked(store, config=faster)[1] == set()
    assert len(list(store.folder.iterdir())) == 1
    longer = small()
    longer.train.chunk_steps = longer.train.eval_every = 2
    assert checked(store, config=longer)[1] == set(FUNCTIONS)


def test_what_a_check_refuses_is_refused_again(store: Store) -> None:
    config = small()
    config.hparams.beta2 = 0.9
    for _ in range(2):
        with pytest.raises(ValueError, match=r"config\.hparams\.beta2=0\.9 is read by nothing"):
            checked(store, config=config)


def test_another_runs_parameters_are_never_kept(store: Store) -> None:
    config = small()
    experiment = build(config)
    assert plan.place_of(store, config, experiment, 1) is not None
    config.transfer.source = "checkpoints/other"
    assert plan.place_of(store, config, experiment, 1) is None


def test_a_folder_that_cannot_be_used_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for unusable in (tmp_path / "file", Path("gs://bucket/cache"), None):
        assert open_store(unusable, CONFIG_FILE) is None


def test_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traced_programs, "MOST", 2)
    for age, name in enumerate(("new", "middle", "old", "oldest")):
        (tmp_path / "traced" / name).mkdir(parents=True)
        (tmp_path / "traced" / name / "advance").write_text("")
        os.utime(tmp_path / "traced" / name, (1e9 - age, 1e9 - age))
    open_store(tmp_path, CONFIG_FILE)
    assert {path.name for path in (tmp_path / "traced").iterdir()} == {"new", "middle"}
