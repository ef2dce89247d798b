"""Reading back: exact, verified, past damage, without the code that wrote it."""

import functools
import json
import shutil
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tensorstore

from nn_core.training import checkpoint, manifest, restore
from nn_core.training.checkpoint import open_checkpoints, save
from nn_core.training.manifest import CheckpointError, MismatchError
from nn_core.training.restore import restore_latest, restore_params
from tests.faults import DAMAGES, damage, files_below, finish, flip_any_bit, run, start

GOLDEN = Path(__file__).parents[1] / "golden" / "checkpoint"
NONE = np.zeros((0, 4), np.float32)


class State(NamedTuple):
    """A state with everything that a real one has: nested dicts, NamedTuples, None, several dtypes."""

    step: jax.Array
    params: Any
    opt_state: Any
    stopping: None
    diverged: jax.Array


@functools.cache
def state(seed: int) -> State:
    """A state that no other seed has."""
    kernel_key, bias_key = jax.random.split(jax.random.key(seed))
    params = {
        "dense_0": {
            "kernel": jax.random.normal(kernel_key, (4, 5)),
            "bias": jax.random.normal(bias_key, (5,), jnp.bfloat16),
        },
        "scale": jnp.float32(seed),
    }
    opt_state = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3)).init(params)
    return State(jnp.int32(seed), params, opt_state, None, jnp.zeros((), bool))


@functools.cache
def keys() -> jax.Array:
    return jax.random.split(jax.random.key(7), 3)


def rest(of: State) -> dict:
    """What is saved apart from the parameters, with keys and an array without elements."""
    return {
        "state": of._replace(params=None),
        "keys": keys(),
        "none": NONE,
    }


@functools.cache
def shapes() -> tuple[Any, Any]:
    """Shapes of what is saved; the state is made outside of the trace, for it is kept."""
    return jax.eval_shape(lambda *saved: saved, state(1).params, rest(state(1)))


def write(directory: Path, seeds: tuple[int, ...], **policy: int) -> None:
    with open_checkpoints(directory, **({"keep_latest": len(seeds)} | policy)) as checkpointer:
        for seed in seeds:
            save(checkpointer, 10 * seed, state(seed).params, rest(state(seed)), {"seed": seed}, 1.0 / seed)


def read(directory: Path) -> restore.Restored | None:
    with open_checkpoints(directory, keep_latest=3) as checkpointer:
        return restore_latest(checkpointer, *shapes())


def assert_is_state(restored: restore.Restored | None, seed: int) -> None:
    assert restored is not None and restored.step == 10 * seed and restored.record == {"seed": seed}
    expected = (state(seed).params, rest(state(seed)))
    assert jax.tree.structure((restored.params, restored.training)) == jax.tree.structure(expected)
    for found, wanted in zip(
        jax.tree.leaves((restored.params, restored.training)), jax.tree.leaves(expected), strict=True
    ):
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape) and isinstance(found, jax.Array)
        assert manifest.to_host(found).tobytes() == manifest.to_host(wanted).tobytes()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with sound steps 10, 20 and 30; tests copy it."""
    directory = tmp_path_factory.mktemp("three")
    write(directory, (1, 2, 3))
    return directory


def test_the_whole_state_comes_back_bit_for_bit_with_its_types(three: Path) -> None:
    restored = read(three)
    assert_is_state(restored, 3)
    assert isinstance(restored.training["state"].opt_state[1][0], optax.ScaleByAdamState)
    assert jax.random.key_impl(restored.training["keys"]) == jax.random.key_impl(jax.random.key(0))
    jax.random.normal(restored.training["keys"][0])
    assert restored.notes == ()


def test_an_empty_directory_is_no_checkpoint_and_no_error(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    (tmp_path / "figures").mkdir()
    assert read(tmp_path) is None


def test_steps_that_were_all_set_aside_are_no_fresh_start(tmp_path: Path) -> None:
    (tmp_path / "corrupt-3-1").mkdir()
    with pytest.raises(CheckpointError, match="has no sound checkpoint, only corrupt-3-1; restore a copy"):
        read(tmp_path)


def test_the_directory_may_move(three: Path, tmp_path: Path) -> None:
    shutil.copytree(three, tmp_path / "elsewhere")
    assert_is_state(read(tmp_path / "elsewhere"), 3)


def test_a_path_may_go_up(three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tensorstore refuses "..", which everyone types."""
    shutil.copytree(three, tmp_path / "run")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert restore_params("../run").step == 30
    with open_checkpoints("../run", keep_latest=3) as checkpointer:
        save(checkpointer, 40, state(4).params, rest(state(4)), {})
    assert restore_params("../run", 40).step == 40


@pytest.fixture
def newest(three: Path, tmp_path: Path) -> Callable[[], Path]:
    """Brings back a directory with sound steps 20 and 30 and returns the newest one, to be damaged."""
    shutil.copytree(three / "20", tmp_path / "run" / "20")

    def renewed() -> Path:
        for leftover in (tmp_path / "run").glob("*30*"):
            shutil.rmtree(leftover)
        return shutil.copytree(three / "30", tmp_path / "run" / "30")

    return renewed


def test_every_file_with_every_kind_of_damage_is_noticed_and_the_older_step_taken(three: Path, newest) -> None:
    names = [path.relative_to(three / "30") for path in files_below(three / "30")]
    cases = 0
    for number, name in enumerate(names):
        for kind in DAMAGES:
            step = newest()
            if not damage(step / name, kind, seed=number):
                continue  # an empty file cannot be truncated
            restored = read(step.parent)
            assert_is_state(restored, 2)
            [note] = restored.notes
            assert f"{step}: {name.as_posix()} " in note and "\n" not in note
            assert note.endswith("set aside as corrupt-30-1, continuing from step 20")
            assert (step.parent / "corrupt-30-1").is_dir()
            cases += 1
    assert len(names) > 10 and cases >= 4 * len(names) - 3


def test_a_hundred_random_bit_flips_never_give_a_wrong_state(newest) -> None:
    for seed in range(100):
        step = newest()
        flip_any_bit(step, seed)
        restored = read(step.parent)
        assert_is_state(restored, 2)
        assert len(restored.notes) == 1


def test_after_damage_the_steps_can_be_saved_again(three: Path, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    shutil.copytree(three, directory)
    damage(directory / "30" / "manifest.json", "truncate")
    damage(directory / "20" / "manifest.json", "delete")
    restored = read(directory)
    assert_is_state(restored, 1)
    assert len(restored.notes) == 2
    write(directory, (2, 3), keep_latest=3)
    assert_is_state(read(directory), 3)
    assert {path.name for path in directory.iterdir()} == {"10", "20", "30", "corrupt-30-1", "corrupt-20-1"}


def test_stray_directories_named_like_steps_are_set_aside(three: Path, tmp_path: Path) -> None:
    shutil.copytree(three / "10", tmp_path / "10")
    (tmp_path / "100").mkdir()
    (tmp_path / "200").mkdir()
    (tmp_path / "200" / "file").write_text("?")
    (tmp_path / "file").write_text("?")
    restored = read(tmp_path)
    assert_is_state(restored, 1)
    assert len(restored.notes) == 2


def test_when_every_step_is_damaged_it_stops_names_each_and_moves_nothing(three: Path, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    shutil.copytree(three, directory)
    for step in ("10", "20", "30"):
        damage(directory / step / "params" / "_METADATA", "flip")
    for _ in range(2):  # a second start must not find an empty directory and begin from zero
        with pytest.raises(
            CheckpointError, match=r"no sound checkpoint \(step 30: params/_METADATA is damaged; step 20: "
        ) as e:
            read(directory)
        assert "\n" not in str(e.value)
    assert checkpoint.steps(directory) == [10, 20, 30]


def test_an_array_that_is_read_wrong_is_noticed_although_every_file_is_as_written(three: Path, tmp_path: Path) -> None:
    for step in ("20", "30"):
        shutil.copytree(three / step, tmp_path / step)
    path = tmp_path / "30" / "manifest.json"
    body = manifest.unseal(path.read_bytes())
    entry = body["leaves"]["params"]["dense_0/kernel"]
    entry["sha256"] = entry["sha256"][::-1]  # as if the bytes had changed between memory and disk
    path.write_bytes(manifest.seal(body))
    restored = read(tmp_path)
    assert_is_state(restored, 2)
    assert "array params/dense_0/kernel is damaged" in restored.notes[0]


def test_a_sound_step_that_cannot_be_read_is_an_error_and_is_not_set_aside(newest, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a very\nlong message" * 100)

    directory = newest().parent
    monkeypatch.setattr(tensorstore, "open", broken)
    with pytest.raises(CheckpointError, match="run/30 cannot be read .KeyError") as caught:
        read(directory)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert checkpoint.steps(directory) == [20, 30]


def test_a_step_that_a_running_training_removes_meanwhile_is_passed_over(newest, monkeypatch) -> None:
    directory, real = newest().parent, tensorstore.open

    def removed(spec: dict, **options: object) -> object:
        if "/30/" in spec["kvstore"]["base"]["path"]:
            shutil.rmtree(directory / "30", ignore_errors=True)
        return real(spec, **options)

    monkeypatch.setattr(tensorstore, "open", removed)
    restored = restore_params(directory, "latest")
    assert restored.step == 20 and len(restored.notes) == 1


def renamed(params: dict) -> dict:
    return {"dense_1": params["dense_0"], "scale": params["scale"]}


def reshaped(params: dict) -> dict:
    return params | {"dense_0": params["dense_0"] | {"kernel": jnp.zeros((4, 6))}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            renamed,
            r"- params/dense_0/bias bfloat16\[5\]; - .*; \+ params/dense_1/bias bfloat16\[5\]",
        ),
        (reshaped, r"- params/dense_0/kernel float32\[4, 5\]; \+ params/dense_0/kernel float32\[4, 6\]$"),
        (lambda p: p | {"scale": jnp.int32(0)}, r"- params/scale float32\[\]; \+ params/scale int32\[\]$"),
        (
            lambda p: {"scale": p["scale"]},
            r"\): - params/dense_0/bias bfloat16\[5\]; - params/dense_0/kernel",
        ),
        (lambda p: p | {"new": jnp.zeros(2)}, r"\): \+ params/new float32\[2\]$"),
    ],
)
def test_another_structure_is_refused_with_a_diff_and_nothing_is_moved(three, tmp_path, change, message) -> None:
    shutil.copytree(three / "30", tmp_path / "30")
    with open_checkpoints(tmp_path) as checkpointer, pytest.raises(MismatchError, match=message) as caught:
        restore_latest(checkpointer, change(state(3).params), rest(state(3)))
    assert "\n" not in str(caught.value)
    assert checkpoint.steps(tmp_path) == [30]


def test_another_optimizer_is_refused_too(three: Path) -> None:
    training = rest(state(3)) | {"state": state(3)._replace(params=None, opt_state=optax.sgd(0.1).init({}))}
    with (
        open_checkpoints(three, keep_latest=3) as checkpointer,
        pytest.raises(MismatchError, match="- training/state/opt_state"),
    ):
        restore_latest(checkpointer, state(3).params, training)


def test_leaves_go_where_the_target_says(three: Path) -> None:
    mesh = jax.sharding.Mesh(np.asarray(jax.devices()[:2]), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d"))
    params, training = shapes()
    kernel = params["dense_0"]["kernel"]
    params["dense_0"]["kernel"] = jax.ShapeDtypeStruct(kernel.shape, kernel.dtype, sharding=sharding)
    with open_checkpoints(three, keep_latest=3) as checkpointer:
        restored = restore_latest(checkpointer, params, training)
    assert_is_state(restored, 3)
    assert restored.params["dense_0"]["kernel"].sharding == sharding


def test_a_sharded_state_is_saved_whole(three: Path, tmp_path: Path) -> None:
    mesh = jax.sharding.Mesh(np.asarray(jax.devices()[:2]), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d"))
    w = jax.device_put(jnp.arange(8.0), sharding)
    with open_checkpoints(tmp_path) as checkpointer:
        save(checkpointer, 1, {"w": w}, {"keys": jax.device_put(jax.random.split(jax.random.key(0), 4), sharding)}, {})
    assert restore_params(tmp_path, "latest").params["w"].tolist() == list(range(8))


class TestParamsAlone:
    def test_best_latest_and_any_step_from_the_path_alone(self, three: Path) -> None:
        assert [restore_params(three, which).step for which in ("best", "latest", 10, 20)] == [30, 30, 10, 20]
        restored = restore_params(three, 20)
        assert restored.training is None and restored.record == {"seed": 2} and restored.value == 0.5
        assert jax.tree.structure(restored.params) == jax.tree.structure(state(2).params)
        jax.tree.map(np.testing.assert_array_equal, restored.params, state(2).params)
        assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(restored.params))

    def test_best_is_the_lowest_value_and_not_the_newest(self, tmp_path: Path) -> None:
        with open_checkpoints(tmp_path) as checkpointer:
            for step, value in ((1, 2.0), (2, 0.5), (3, 1.0)):
                save(checkpointer, step, {"w": jnp.float32(step)}, {}, {}, value)
        assert restore_params(tmp_path).step == 2
        assert restore_params(str(tmp_path), "latest").step == 3

    def test_one_member_of_a_population(self, tmp_path: Path) -> None:
        kernels_PDF = jnp.arange(24.0).reshape(4, 2, 3)
        with open_checkpoints(tmp_path) as checkpointer:
            save(checkpointer, 1, {"dense": {"kernel": kernels_PDF}}, {}, {})
        restored = restore_params(tmp_path, 1, member=2)
        np.testing.assert_array_equal(restored.params["dense"]["kernel"], kernels_PDF[2])
        for member in (4, -1):
            with pytest.raises(
                MismatchError, match=f"member={member} does not exist: parameter dense/kernel has 4 members"
            ):
                restore_params(tmp_path, 1, member=member)

    def test_a_member_of_what_is_no_population_is_refused(self, three: Path) -> None:
        with pytest.raises(MismatchError, match="parameter scale has 0 members"):
            restore_params(three, member=0)

    def test_damage_is_passed_over_with_a_note_and_nothing_is_moved(self, three: Path, tmp_path: Path) -> None:
        directory = tmp_path / "run"
        shutil.copytree(three, directory)
        damage(directory / "30" / "params" / "manifest.ocdbt", "flip")
        damage(directory / "20" / "manifest.json", "flip")
        for which in ("best", "latest"):
            restored = restore_params(directory, which)
            assert restored.step == 10
            jax.tree.map(np.testing.assert_array_equal, restored.params, state(1).params)
            assert len(restored.notes) == 2 and all("using step 10 instead" in note for note in restored.notes)
        with pytest.raises(CheckpointError, match=r"no sound checkpoint \(step 30: params/manifest.ocdbt is damaged\)"):
            restore_params(directory, 30)
        assert checkpoint.steps(directory) == [10, 20, 30]

    @pytest.mark.parametrize(
        ("which", "message"),
        [
            (40, "no checkpoint 40; there are steps 10, 20, 30"),
            ("newest", "no checkpoint 'newest'; there are steps 10"),
        ],
    )
    def test_a_step_that_is_not_there(self, three: Path, which: str | int, message: str) -> None:
        with pytest.raises(CheckpointError, match=message):
            restore_params(three, which)

    def test_a_directory_without_checkpoints_or_without_values(self, tmp_path: Path) -> None:
        with pytest.raises(CheckpointError, match="no checkpoint 'best'; it holds no checkpoint"):
            restore_params(tmp_path / "missing")
        with open_checkpoints(tmp_path) as checkpointer:
            save(checkpointer, 4, {"w": jnp.ones(2)}, {}, {})
        with pytest.raises(
            CheckpointError, match="no step has a validation value; ask for 'latest' or a step: there are steps 4"
        ):
            restore_params(tmp_path)


OTHER_DEVICES = """
import json, sys
import jax
jax.config.update("jax_num_cpu_devices", 8)
from nn_core.training.restore import restore_params
restored = restore_params(sys.argv[1], "latest")
print(json.dumps([len(jax.devices()), restored.params["w"].tolist()]))
"""


def test_another_number_of_devices_reads_the_same_numbers(tmp_path: Path) -> None:
    mesh = jax.sharding.Mesh(np.asarray(jax.devices()[:2]), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
    w = jax.device_put(jnp.linspace(0, 1, 6), jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d")))
    with open_checkpoints(tmp_path) as checkpointer:
        save(checkpointer, 1, {"w": w}, {}, {})
    ended = run([sys.executable, "-c", OTHER_DEVICES, str(tmp_path)])
    assert ended.code == 0, ended.err
    assert json.loads(ended.out) == [8, w.tolist()]


TWO_PROCESSES = """
import sys
import jax
jax.config.update("jax_num_cpu_devices", 2)
jax.distributed.initialize(sys.argv[2], 2, int(sys.argv[3]), initialization_timeout=30)
import jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from nn_core.training.checkpoint import open_checkpoints, save
from nn_core.training.restore import restore_latest, restore_params
mesh = Mesh(np.asarray(jax.devices()), ("d",), axis_types=(AxisType.Auto,))
sharding = NamedSharding(mesh, PartitionSpec("d"))
w, keys = jax.jit(lambda: (jnp.arange(8.0), jax.random.split(jax.random.key(0), 4)), out_shardings=sharding)()
with open_checkpoints(sys.argv[1]) as checkpointer:
    save(checkpointer, 3, {"w": w}, {"keys": keys}, {}, 0.5)
    restored = restore_latest(checkpointer, {"w": w}, {"keys": keys})
assert restored.params["w"].sharding == sharding
assert float(jax.jit(jnp.sum)(restored.params["w"])) == 28
assert bool(jax.jit(lambda a, b: jnp.all(a == b))(restored.training["keys"], keys))
assert restore_params(sys.argv[1]).params["w"].tolist() == list(range(8))
print("done")
"""


@pytest.mark.slow
def test_two_processes_save_together_and_one_reads_it(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-c", TWO_PROCESSES, str(tmp_path), address]
    processes = [start([*command, str(index)]) for index in range(2)]
    for process in processes:
        ended = finish(process)
        assert ended.code == 0 and ended.out.endswith("done\n"), ended.err
    assert restore_params(tmp_path, "latest").params["w"].tolist() == list(range(8))


def test_the_golden_checkpoint_of_the_first_version_still_loads() -> None:
    """Written by tests/golden/write.py and never again: what a released version wrote must keep loading."""
    assert sum(path.stat().st_size for path in files_below(GOLDEN)) < 50_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restored = restore_params(GOLDEN)
    assert (restored.step, restored.value, restored.notes) == (7, 0.5, ())
    assert restored.record["config"] == {"name": "golden", "model": {"hidden_sizes": [3]}}
    kernel = np.asarray(restored.params["dense_0"]["kernel"])
    np.testing.assert_array_equal(kernel, np.arange(6, dtype=np.float32).reshape(2, 3) / 4)
    assert str(restored.params["dense_0"]["bias"].dtype) == "bfloat16"
    body = manifest.verify(GOLDEN / "7")
    assert body["leaves"]["training"]["keys"]["key_impl"] == "threefry2x32"


def test_the_golden_checkpoint_resumes(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN, tmp_path / "run")
    params = {"dense_0": {"kernel": jnp.zeros((2, 3)), "bias": jnp.zeros(3, jnp.bfloat16)}}
    training = {"opt_state": optax.adam(1e-3).init(params), "keys": jax.random.split(jax.random.key(0), 2)}
    with open_checkpoints(tmp_path / "run") as checkpointer:
        restored = restore_latest(checkpointer, params, training)
    assert restored.step == 7
    assert (restored.training["keys"] == jax.random.split(jax.random.key(5), 2)).all()
    assert restored.training["opt_state"][0].count == 0
