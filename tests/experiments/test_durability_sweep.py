"""Sweeps and language models that are killed, stopped and continued elsewhere."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.run_directory import results
from experiments.run_directory.results import GROUPS
from nn_core.training import checkpoint
from tests.conftest import CACHE
from tests.experiments.test_durability import LIVES, content, fingerprint, has_saved, one_error
from tests.faults import files_below
from tests.lives import Parent, arguments, open_parent

pytestmark = LIVES
# Two structures, one member that diverges, and a number that does not fill two devices.
SWEEP = """
from configs import digits
from configs.grid import axis, product, union, zipped

get_config = digits.get_config

def get_sweep(config):
    return union(
        product(axis("model.activation", ("tanh",)), axis("seed", (0, 1, 2))),
        zipped({"seed": (0, 1, 2), "hparams.l2": (0.1, 0.2, 0.3), "hparams.learning_rate": (1e-3, 1e30, 1e-2)}),
    )
"""
TEXT = {
    "config": "configs/gpt_quick.py",
    "task__name": None,
    "table": None,
    "model__hidden_sizes": None,
    "data__train": None,
    "data__validation": None,
    "data__test": None,
    "data__standardize": None,
    "data__batch_size": 2,
    "data__context_size": 8,
    "data__name": "generated",
    "data__evaluation_windows": 4,
    "data__evaluation_batch": 4,
    "model__layers_num": 1,
    "model__heads_num": 2,
    "model__embedding_dim": 8,
    "model__position": "none",
    "hparams__patience": None,
    "train__sample_every": 20,
    "train__steps": 40,
    "train__chunk_steps": 5,
    "schedule__warmup_steps": 2,
    "hparams__dropout_rate": 0.1,
    "sample__max_new_tokens": 5,
}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parent]:
    with open_parent(tmp_path_factory.mktemp("lives"), CACHE / "lives") as opened:
        yield opened


def sweep_arguments(tmp_path: Path, folder: Path) -> list[str]:
    path = tmp_path / "sweep.py"
    if not path.is_file():
        path.write_text(SWEEP)
    return arguments(folder, config=path)


def times(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in files_below(folder)}


def assert_same_sweep(one: Path, other: Path) -> None:
    assert (one / results.RESULTS).read_bytes() == (other / results.RESULTS).read_bytes()
    groups = sorted(path.name for path in (one / GROUPS).iterdir())
    assert groups == ["0000", "0001"] == sorted(path.name for path in (other / GROUPS).iterdir())
    for name in groups:
        assert fingerprint(one / GROUPS / name) == fingerprint(other / GROUPS / name), name


@pytest.fixture(scope="module")
def whole(parent: Parent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    ended = parent.run(sweep_arguments(folder, folder / "run"))
    assert ended.code == 0 and "sweep: 6 runs in 2 programs (3 members each), 2 devices" in ended.out, ended.err
    rows = results.read_rows(folder / "run" / results.RESULTS)
    assert [row["status"] for row in rows] == 4 * ["finished"] + ["diverged", "finished"]
    return folder / "run"


@pytest.fixture(scope="module")
def killed(parent: Parent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sweep, killed in its second group; to be copied."""
    path = tmp_path_factory.mktemp("killed")
    folder = path / "run"
    life = parent.start(sweep_arguments(path, folder))
    assert life.until(has_saved(folder / GROUPS / "0001", 20))
    life.kill()
    life.wait()
    return folder


def test_a_killed_sweep_continues_and_what_is_finished_is_not_run_again(
    parent: Parent, whole: Path, killed: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(killed, tmp_path / "run")
    first = times(folder / GROUPS / "0000")
    assert str(folder / GROUPS / "0000" / results.RESULTS) in first
    ended = parent.run(sweep_arguments(tmp_path, folder))
    assert ended.code == 0 and "continuing 2/2 at step" in ended.err and "continuing 1/2" not in ended.err
    assert times(folder / GROUPS / "0000") == first
    assert_same_sweep(folder, whole)

    (tmp_path / "sweep.py").write_text(SWEEP.replace("(0.1, 0.2, 0.3)", "(0.1, 0.2, 0.4)"))
    before = content(folder)
    ended = parent.run(sweep_arguments(tmp_path, folder))
    line = one_error(ended)
    assert ended.code == 2 and content(folder) == before
    assert "sweep member 5 {'seed': 2, 'hparams.l2': 0.3, " in line and "} -> {'seed': 2, 'hparams.l2': 0.4, " in line


@pytest.mark.slow
def test_a_killed_sweep_continues_on_another_number_of_devices(
    parent: Parent, whole: Path, killed: Path, tmp_path: Path
) -> None:
    """Which members stand together, and what is stored of them, does not depend on the devices."""
    folder = shutil.copytree(killed, tmp_path / "run")
    ended = parent.run(sweep_arguments(tmp_path, folder), devices=1)
    assert ended.code == 0 and "continuing 2/2 at step" in ended.err
    assert "6 runs in 2 programs (3 members each), 1 device (cpu)\n" in ended.out
    rows, again = (results.read_rows(path / results.RESULTS) for path in (whole, folder))
    assert [row["status"] for row in again] == [row["status"] for row in rows]
    assert [row["test_loss"] for row in again] == pytest.approx([row["test_loss"] for row in rows], rel=1e-5)


@pytest.mark.slow
def test_a_language_model_continues_with_the_same_samples_and_tokenizer(parent: Parent, tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "run"
    ended = parent.run(arguments(whole, **TEXT))
    assert ended.code == 0, ended.err
    life = parent.start(arguments(folder, **TEXT))
    assert life.until(has_saved(folder, 15))
    life.kill()
    life.wait()
    assert 15 <= checkpoint.steps(folder / "steps")[-1] < 40
    ended = parent.run(arguments(folder, **TEXT))
    assert ended.code == 0 and "continuing at step" in ended.err
    assert fingerprint(folder) == fingerprint(whole)
    kept = ("samples", "tokenizer")
    assert sum(name.startswith("samples") for name in content(whole)) == 3
    for name, raw in content(whole).items():
        assert not name.startswith(kept) or content(folder)[name] == raw, name
    (folder / "tokenizer.json").write_text("{}")
    (folder / "status.json").unlink()
    ended = parent.run(arguments(folder, **TEXT))
    assert ended.code == 1 and "tokenizer cannot be read" in one_error(ended)


def test_a_batch_that_no_memory_holds_is_refused_with_an_estimate(parent: Parent, tmp_path: Path) -> None:
    ended = parent.run(arguments(tmp_path / "run", **TEXT | {"data__batch_size": 1_000_000_000}))
    assert ended.code == 2 and "this config needs at least 64 GB of memory" in one_error(ended)
    assert not (tmp_path / "run").exists() and ended.peak < 500e6
