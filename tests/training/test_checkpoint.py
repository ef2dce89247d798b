"""Saving: asynchronous, atomic, by policy, and honest about failures."""

import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nn_core.training import checkpoint, manifest, restore
from nn_core.training.checkpoint import CheckpointError, open_checkpoints, save, wait
from tests.faults import files_below, run

PARAMS = {"dense_0": {"kernel": jnp.arange(6.0).reshape(2, 3), "bias": jnp.ones(3, jnp.bfloat16)}}
TRAINING = {"step": jnp.int32(5)}
RECORD = {"config": {"name": "test", "sizes": [2, 3]}}


def write(checkpointer: checkpoint.Checkpointer, step: int, value: float | None = None) -> None:
    save(checkpointer, step, PARAMS, TRAINING, RECORD, value)
    wait(checkpointer)


def test_a_step_holds_orbax_checkpointables_and_a_manifest_of_everything(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path) as checkpointer:
        write(checkpointer, 5, 0.25)
    body = manifest.verify(tmp_path / "5")
    assert (body["step"], body["value"], body["record"]) == (5, 0.25, RECORD)
    assert body["leaves"]["params"]["dense_0/kernel"]["shape"] == [2, 3]
    assert body["leaves"]["training"]["step"]["dtype"] == "int32"
    names = {path.relative_to(tmp_path / "5").as_posix() for path in files_below(tmp_path / "5")}
    assert names - {"manifest.json"} == set(body["files"])
    from orbax.checkpoint import v1 as ocp

    loaded = ocp.load_checkpointables(tmp_path / "5")
    np.testing.assert_array_equal(loaded["params"]["dense_0/kernel"], PARAMS["dense_0"]["kernel"])


def test_the_latest_and_the_best_steps_are_kept(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, keep_latest=2, keep_best=2) as checkpointer:
        for step, value in ((1, 3.0), (2, 1.0), (3, 2.0), (4, None), (5, 9.0), (6, float("nan")), (7, 1.0)):
            write(checkpointer, step, value)
    # Of equal values the earlier one is the better: a later one is no improvement.
    assert checkpoint.values(tmp_path) == {2: 1.0, 6: None, 7: 1.0}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "6", "7"]


def test_the_best_of_an_earlier_process_is_still_kept(tmp_path: Path) -> None:
    for step, value in ((1, 0.5), (2, 2.0), (3, 1.0)):
        with open_checkpoints(tmp_path) as checkpointer:
            write(checkpointer, step, value)
    assert checkpoint.steps(tmp_path) == [1, 3]


def test_without_best_only_the_latest_stay_and_a_policy_that_keeps_nothing_is_refused(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, keep_best=0) as checkpointer:
        write(checkpointer, 1, 0.5)
        write(checkpointer, 2, 2.0)
    assert checkpoint.steps(tmp_path) == [2]
    with pytest.raises(ValueError, match="keep_latest=0 must be >= 1"), open_checkpoints(tmp_path, keep_latest=0):
        pass


def test_a_save_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_write, real = threading.Event(), checkpoint._write

    def slow(*arguments: object) -> None:
        assert may_write.wait(20)
        real(*arguments)

    monkeypatch.setattr(checkpoint, "_write", slow)
    with open_checkpoints(tmp_path) as checkpointer:
        save(checkpointer, 1, PARAMS, TRAINING, RECORD)  # would never return if it waited
        assert checkpoint.steps(tmp_path) == []
        may_write.set()
    assert checkpoint.steps(tmp_path) == [1]


def test_arrays_may_be_donated_or_overwritten_right_after_the_call(tmp_path: Path) -> None:
    device, host = jnp.arange(100_000.0), np.arange(1000.0)
    overwrite = jax.jit(lambda x: x * 0 - 1, donate_argnums=0)
    with open_checkpoints(tmp_path) as checkpointer:
        save(checkpointer, 1, {"w": device}, {"host": host}, RECORD)
        overwrite(device).block_until_ready()
        host[:] = -1
    with open_checkpoints(tmp_path) as checkpointer:
        shapes = {"w": jax.ShapeDtypeStruct((100_000,), jnp.float32)}
        with pytest.raises(manifest.MismatchError, match="enable jax_enable_x64"):
            restore.restore_latest(checkpointer, shapes, {"host": host})
    np.testing.assert_array_equal(restore.restore_params(tmp_path, "latest").params["w"], np.arange(100_000.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_not_finite_are_never_saved(tmp_path: Path, bad: float) -> None:
    params = {"fine": jnp.ones(2), "half": jnp.ones(3, jnp.bfloat16).at[1].set(bad)}
    with open_checkpoints(tmp_path) as checkpointer:
        write(checkpointer, 1)
        with pytest.raises(CheckpointError, match="parameter half is not finite at step 2"):
            save(checkpointer, 2, params, TRAINING, RECORD)
        # The state may hold infinities: a best value before the first evaluation is one.
        save(checkpointer, 3, PARAMS, {"best": jnp.float32(jnp.inf)}, RECORD)
    assert checkpoint.steps(tmp_path) == [3]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"a/b": jnp.ones(1)}, r"nested dicts with string keys without '/', not \['a/b'\]"),
        ({"a": [jnp.ones(1)]}, r"not \['a'\]\[0\]"),
        ({1: jnp.ones(1)}, r"not \[1\]"),
        (jnp.ones(1), "not a single array"),
    ],
)
def test_parameters_that_could_not_be_rebuilt_are_refused(tmp_path: Path, params, message: str) -> None:
    with open_checkpoints(tmp_path) as checkpointer, pytest.raises(CheckpointError, match=message):
        save(checkpointer, 1, params, TRAINING, RECORD)


@pytest.mark.parametrize("step", [-1, 2**31])
def test_steps_out_of_range_are_refused(tmp_path: Path, step: int) -> None:
    with open_checkpoints(tmp_path) as checkpointer, pytest.raises(CheckpointError, match=f"step={step} is outside"):
        save(checkpointer, step, PARAMS, TRAINING, RECORD)


def fail(times: int, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Lets so many writes fail half-way, as on a full disk."""
    state, real = SimpleNamespace(left=times), checkpoint._write

    def failing(directory: Path, step: int, *rest: object) -> None:
        if state.left:
            state.left -= 1
            (directory / f"{step}.partial").mkdir(exist_ok=True)
            raise OSError(28, "No space left on device")
        real(directory, step, *rest)

    monkeypatch.setattr(checkpoint, "_write", failing)
    return state


def test_one_failed_write_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_checkpoints(tmp_path) as checkpointer:
        state = fail(1, monkeypatch)
        write(checkpointer, 1)
    assert checkpoint.steps(tmp_path) == [1] and state.left == 0


def test_two_failed_writes_are_told_at_the_next_save_and_the_older_steps_stay(tmp_path: Path, monkeypatch) -> None:
    with open_checkpoints(tmp_path) as checkpointer:
        write(checkpointer, 1)
        fail(2, monkeypatch)
        save(checkpointer, 2, PARAMS, TRAINING, RECORD)
        with pytest.raises(CheckpointError, match="step 2 is not saved .*No space left.*earlier steps") as caught:
            save(checkpointer, 3, PARAMS, TRAINING, RECORD)
        assert "\n" not in str(caught.value)
        write(checkpointer, 4)  # there is space again
    assert checkpoint.steps(tmp_path) == [4]


def test_a_failed_last_save_is_told_on_leaving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(2, monkeypatch)
    with pytest.raises(CheckpointError, match="step 1 is not saved"), open_checkpoints(tmp_path) as checkpointer:
        save(checkpointer, 1, PARAMS, TRAINING, RECORD)


def test_an_exception_in_the_block_lets_the_save_finish_and_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_checkpoints(tmp_path) as checkpointer:
        save(checkpointer, 1, PARAMS, TRAINING, RECORD)
        raise KeyboardInterrupt
    manifest.verify(tmp_path / "1")


FULL_DISK = """
import sys, jax.numpy as jnp, numpy as np
from nn_core.training.checkpoint import CheckpointError, open_checkpoints, save, wait
noise = np.random.default_rng(0).random(200_000).astype(np.float32)
with open_checkpoints(sys.argv[1]) as checkpointer:
    save(checkpointer, 1, {"w": jnp.ones(3)}, {}, {})
    wait(checkpointer)
    try:
        save(checkpointer, 2, {"w": jnp.asarray(noise)}, {}, {})
        wait(checkpointer)
    except CheckpointError as error:
        print(error)
        sys.exit(7)
"""


def test_a_disk_that_fills_up_during_a_save_ends_in_one_line_with_the_older_step_intact(tmp_path: Path) -> None:
    pytest.importorskip("resource")  # Windows has no limits for files
    ended = run([sys.executable, "-c", FULL_DISK, str(tmp_path)], file_size=100_000)
    assert ended.code == 7 and ended.err == ""
    assert "step 2 is not saved" in ended.out and ended.out.count("\n") == 1
    assert restore.restore_params(tmp_path, "latest").step == 1


def test_leftovers_of_a_killed_save_are_removed_and_foreign_files_stay(tmp_path: Path) -> None:
    (tmp_path / "7.partial").mkdir()
    (tmp_path / "7.partial.orbax-checkpoint-tmp").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "best").mkdir()
    with open_checkpoints(tmp_path) as checkpointer:
        write(checkpointer, 8)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["8", "best", "notes.txt"]


def test_saving_a_step_again_replaces_it(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path) as checkpointer:
        write(checkpointer, 1, 0.5)
        save(checkpointer, 1, {"w": jnp.full(2, 7.0)}, {}, {}, 0.25)
    assert checkpoint.values(tmp_path) == {1: 0.25}
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert restore.restore_params(tmp_path).params["w"].tolist() == [7.0, 7.0]


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CheckpointError, match="file/steps cannot be written"),
        open_checkpoints(tmp_path / "file" / "steps"),
    ):
        pass


def test_only_names_of_steps_are_steps(tmp_path: Path) -> None:
    for name in ("0", "10", "2", "007", "-1", "1e3", "corrupt-3-1", "5.partial", "99999999999", "٣"):
        (tmp_path / name).mkdir()
    (tmp_path / "4").touch()
    assert checkpoint.steps(tmp_path) == [0, 2, 10]
    assert checkpoint.steps(tmp_path / "missing") == []


def test_set_aside_steps_never_overwrite_one_another(tmp_path: Path) -> None:
    for expected in ("corrupt-3-1", "corrupt-3-2"):
        (tmp_path / "3").mkdir()
        assert checkpoint.set_aside(tmp_path, 3) == expected


def test_a_full_optimizer_state_is_small_work_for_the_caller(tmp_path: Path) -> None:
    params = {f"layer_{index}": {"kernel": jnp.ones((8, 8))} for index in range(5)}
    with open_checkpoints(tmp_path) as checkpointer:
        save(checkpointer, 1, params, optax.adamw(1e-3).init(params), RECORD)
    assert len(manifest.verify(tmp_path / "1")["leaves"]["training"]) == 11
