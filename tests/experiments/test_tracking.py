"""Event files of TensorBoard and offline runs of Weights & Biases hold what the run directory holds."""

import struct
import sys
from pathlib import Path

import pytest

from experiments.run_directory import files, results
from experiments.training import tracking
from tests.experiments.test_continuing import config, run

__all__ = ["config"]
TENSORBOARD = "--config.log.tensorboard=true"


def events(folder: Path) -> list:
    """All events of the files in a folder, in the order of their writing."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    found = []
    for path in sorted(folder.glob("events.*")):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            found.append(event_pb2.Event.FromString(content[12 : 12 + length]))
            content = content[16 + length :]
    return found


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    """(step, value) of a metric."""
    return [
        (event.step, value.simple_value)
        for event in events(folder)
        for value in event.summary.value
        if value.tag == name and value.HasField("simple_value")
    ]


def test_a_run_is_followed_and_goes_on(config, tmp_path):
    pytest.importorskip("tensorboardX")
    words = [TENSORBOARD, "--config.figures=learning_curves"]
    assert run(config, tmp_path, *words, sweep=False) == 0
    assert run(config, tmp_path, *words, "--config.train.steps=12", sweep=False) == 0
    logged = [(row["step"], row["validation_loss"]) for row in results.read(tmp_path).metrics]
    found = scalars(tmp_path / "tensorboard", "validation_loss")
    assert [step for step, _ in found] == [step for step, _ in logged] == [0, 3, 6, 9, 12]
    assert [value for _, value in found] == pytest.approx([value for _, value in logged], rel=1e-6)
    tags = [value.tag for event in events(tmp_path / "tensorboard") for value in event.summary.value]
    assert tags.count("figures/learning_curves") == 2


def test_each_member_of_a_sweep_is_a_run_with_its_hparams(config, tmp_path):
    pytest.importorskip("tensorboardX")
    assert run(config, tmp_path, TENSORBOARD) == 0
    folders = sorted((tmp_path / "tensorboard").glob("member_*"))
    assert len(folders) == 4
    assert [step for step, _ in scalars(folders[1], "validation_loss")] == [0, 3, 6]
    (row,) = [row for row in results.read(tmp_path).rows if row["member"] == 1]
    assert scalars(folders[1], "final/test_loss")[0][1] == pytest.approx(row["test_loss"], rel=1e-6)
    tags = {value.tag for event in events(folders[1]) for value in event.summary.value}
    assert "_hparams_/session_start_info" in tags


def test_members_of_a_sweep_that_has_got_longer_are_written_once(config, tmp_path):
    pytest.importorskip("tensorboardX")
    assert run(config, tmp_path, TENSORBOARD) == 0 and run(config, tmp_path, TENSORBOARD, "--config.train.steps=9") == 0
    for folder in sorted((tmp_path / "tensorboard").glob("member_*")):
        assert [step for step, _ in scalars(folder, "validation_loss")] == [0, 3, 6, 9]
        assert len(scalars(folder, "final/test_loss")) == 1


@pytest.mark.parametrize("sweep", [True, False])
def test_a_run_that_has_ended_is_written_when_it_is_asked_for(config, tmp_path, sweep):
    pytest.importorskip("tensorboardX")
    words = ["--config.figures=learning_curves"]
    assert run(config, tmp_path, *words, sweep=sweep) == 0 and not (tmp_path / "tensorboard").exists()
    for _ in range(2):  # once is enough
        assert run(config, tmp_path, *words, TENSORBOARD, sweep=sweep) == 0
    folder = tmp_path / "tensorboard"
    assert [step for step, _ in scalars(folder / "member_0001" if sweep else folder, "validation_loss")] == [0, 3, 6]
    tags = [value.tag for event in events(folder) for value in event.summary.value]
    assert tags.count("figures/learning_curves") == 1


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_tracker_that_is_not_installed_names_its_extra(config, tmp_path, capsys, monkeypatch, name):
    monkeypatch.setitem(sys.modules, {"tensorboard": "tensorboardX"}.get(name, name), None)
    assert run(config, tmp_path / "run", f"--config.log.{name}=true") == 2
    assert f"pip install -e '.[{name}]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


class Refusing:
    """Weights & Biases as it is without a login, or without a network."""

    class Error(Exception):
        """Stands for wandb.Error."""

    run = None

    def __init__(self, known):
        self.known = known

    def login(self, prompt):
        assert not prompt
        return self.known

    def init(self, **about):
        raise self.Error(f"no network\nfor {about['name']}")


def test_wandb_without_a_login_is_refused_before_anything_is_trained(config, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setitem(sys.modules, "wandb", Refusing(known=False))
    assert run(config, tmp_path / "run", "--config.log.wandb=true") == 2
    error = capsys.readouterr().err
    assert "needs a login" in error and "WANDB_MODE=offline" in error and not (tmp_path / "run").exists()


@pytest.mark.parametrize("sweep", [True, False])
def test_a_run_outlives_a_failure_of_wandb(config, tmp_path, monkeypatch, capsys, sweep):
    monkeypatch.setitem(sys.modules, "wandb", Refusing(known=True))
    assert run(config, tmp_path, "--config.log.wandb=true", sweep=sweep) == 0
    error = capsys.readouterr().err
    assert "warning: Weights & Biases refused (no network for" in error and "Traceback" not in error
    assert files.read_status(tmp_path)["status"] == "finished" and results.read(tmp_path).rows


@pytest.mark.slow
def test_wandb_follows_a_run_offline_and_it_goes_on_as_the_same_run(config, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    logged, ends, log_row, write_end = [], [], tracking.log_row, tracking.write_end

    def noting(tracked, row):
        logged.append((tracked.id, row["step"]))
        log_row(tracked, row)

    def ending(*arguments):
        ends.append(len(logged))
        write_end(*arguments)

    monkeypatch.setattr(tracking, "log_row", noting)
    monkeypatch.setattr(tracking, "write_end", ending)
    words = ["--config.log.wandb=true"]
    assert run(config, tmp_path, *words, sweep=False) == 0
    assert run(config, tmp_path, *words, "--config.train.steps=12", sweep=False) == 0
    assert [step for _, step in logged] == [0, 3, 6, 9, 12] and ends == [3, 5]  # all of them while it trains
    folders = list((tmp_path / "wandb").glob("offline-run-*"))
    assert len(folders) == 2 and {folder.name.rpartition("-")[2] for folder in folders} == {id for id, _ in logged}
    assert len({id for id, _ in logged}) == 1 and all(list(folder.glob("*.wandb")) for folder in folders)


@pytest.mark.slow
def test_wandb_takes_the_members_of_a_sweep(config, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert run(config, tmp_path, "--config.log.wandb=true") == 0
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 4
