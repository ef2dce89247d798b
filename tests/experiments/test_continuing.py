"""A run that is made longer, a sweep that gets members: only what is new is trained, and all is as from the start."""

import json
import shutil
from pathlib import Path

import pytest

from experiments.run import main
from experiments.run_directory import stored_run
from experiments.run_directory.results import read_rows

CONFIG = '''"""A tiny sweep."""

from configs import base
from configs.grid import axis, product


def get_config():
    config = base.experiment()
    config.name = "tiny"
    config.hparams.learning_rate = 0.01
    config.num_seeds = 2
    config.model.hidden_sizes = (3,)
    config.data = base.examples("iris", train=53, validation=29, test=31)
    config.data.batch_size = 11
    config.train.steps = 6
    config.train.eval_every = 3
    config.train.log_every = 3
    config.train.chunk_steps = 3
    config.figures = ()
    return config


def get_sweep(config):
    return product(axis("hparams.l2", (0.1, 0.2)), axis("seed", range(config.num_seeds)))
'''


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.py"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def run(config: Path, folder: Path, *words: str, sweep: bool = True) -> int:
    return main([f"--config={config}", f"--workdir={folder}", f"--sweep={str(sweep).lower()}", *words])


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("results.csv", "metrics.jsonl")}


def test_a_finished_run_made_longer_equals_one_that_was_that_long(config, tmp_path, capsys):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run(config, whole, "--config.train.steps=12", "--config.train.keep_best=true", sweep=False) == 0
    assert run(config, parts, "--config.train.keep_best=true", sweep=False) == 0
    capsys.readouterr()
    assert run(config, parts, "--config.train.steps=12", "--config.train.keep_best=true", sweep=False) == 0
    assert "continuing at step 6" in capsys.readouterr().err
    assert files(parts) == files(whole)
    assert run(config, parts, "--config.train.steps=12", "--config.train.keep_best=true", sweep=False) == 0
    assert "is finished" in capsys.readouterr().out


@pytest.mark.slow
def test_a_sweep_is_made_longer_too(config, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run(config, whole, "--config.train.steps=9") == 0
    assert run(config, parts) == 0
    assert run(config, parts, "--config.train.steps=9") == 0
    assert (parts / "results.csv").read_bytes() == (whole / "results.csv").read_bytes()


@pytest.mark.parametrize(
    ("before", "message"),
    [
        (["--config.schedule.name=cosine"], "schedule 'cosine' ended at step 6"),
        (["--config.train.eval_every=4"], "not a multiple of train.eval_every=4"),
    ],
)
def test_what_would_not_be_the_same_run_is_refused_and_may_be_chosen(config, tmp_path, capsys, before, message):
    assert run(config, tmp_path / "run", *before, sweep=False) == 0
    assert run(config, tmp_path / "run", *before, "--config.train.steps=12", sweep=False) == 2
    error = capsys.readouterr().err
    assert message in error and "--config.checkpoint.extend=reschedule" in error
    longer = [*before, "--config.train.steps=12", "--config.checkpoint.extend=reschedule"]
    assert run(config, tmp_path / "run", *longer, sweep=False) == 0
    (row,) = read_rows(tmp_path / "run" / "results.csv")
    assert row["steps"] == 12
    assert run(config, tmp_path / "run", *before, sweep=False) == 2  # shorter again
    assert "train.steps 12 -> 6" in capsys.readouterr().err


def test_another_config_is_told_before_what_a_longer_run_needs(config, tmp_path, capsys):
    cosine = ["--config.schedule.name=cosine"]
    assert run(config, tmp_path / "run", *cosine, sweep=False) == 0
    capsys.readouterr()
    other = [*cosine, "--config.train.steps=12", "--config.model.hidden_sizes=(5,)"]
    assert run(config, tmp_path / "run", *other, sweep=False) == 2
    error = capsys.readouterr().err
    assert "holds a run with another config" in error and "model.hidden_sizes" in error and "reschedule" not in error


def test_more_seeds_train_only_what_is_new(config, tmp_path, capsys):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run(config, whole, "--config.num_seeds=3") == 0
    assert run(config, parts) == 0
    old = {path: path.read_bytes() for path in (parts / "groups" / "0000").rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run(config, parts, "--config.num_seeds=3") == 0
    assert "2 of 6 members are new" in capsys.readouterr().out
    assert all(path.read_bytes() == content for path, content in old.items())
    by_setting = {}
    for folder in (whole, parts):
        rows = read_rows(folder / "results.csv")
        assert [row["member"] for row in rows] == list(range(6))
        by_setting[folder] = {json.dumps(row["overrides"], sort_keys=True): row for row in rows}
    for name, row in by_setting[whole].items():
        assert by_setting[parts][name] | {"member": row["member"]} == row
    new = next(row for row in by_setting[parts].values() if row["overrides"]["seed"] == 2)
    stored = stored_run.load(parts, "latest", new["member"])
    assert stored.config.seed == 2 and stored.config.hparams.l2 == new["overrides"]["hparams.l2"]
    assert run(config, parts, "--config.num_seeds=3") == 0
    assert "is finished" in capsys.readouterr().out
    assert run(config, parts) == 2  # fewer
    assert "sweep members 6 -> 4" in capsys.readouterr().err


@pytest.mark.slow
def test_a_single_run_becomes_a_sweep(tmp_path):
    alone = tmp_path / "alone.py"
    alone.write_text(CONFIG.replace("(0.1, 0.2)", "(0.1,)"), encoding="utf-8")
    for seeds in (1, 3):
        assert run(alone, tmp_path / "run", f"--config.num_seeds={seeds}") == 0
    assert [row["overrides"]["seed"] for row in read_rows(tmp_path / "run" / "results.csv")] == [0, 1, 2]
    assert [path.name for path in (tmp_path / "run" / "groups").iterdir()] == ["0001"]
    assert (tmp_path / "run" / "steps").is_dir()


def test_a_changed_member_is_refused(config, tmp_path, capsys):
    changed = tmp_path / "changed.py"
    changed.write_text(CONFIG.replace("(0.1, 0.2)", "(0.1, 0.3)"), encoding="utf-8")
    assert run(config, tmp_path / "run") == 0
    assert run(changed, tmp_path / "run") == 2
    assert "sweep member 2" in capsys.readouterr().err


def test_parts_that_are_copied_together_give_the_same_results(config, tmp_path, capsys):
    two = "--config.train.max_members=2"
    assert run(config, tmp_path / "whole", two) == 0
    for part in ("1/2", "2/2"):
        assert run(config, tmp_path / part[0], two, f"--part={part}") == 0
        assert "joins the parts" in capsys.readouterr().out
        assert len(list((tmp_path / part[0] / "groups").iterdir())) == 1
        assert not (tmp_path / part[0] / "results.csv").exists()
    shutil.copytree(tmp_path / "2" / "groups", tmp_path / "1" / "groups", dirs_exist_ok=True)
    assert run(config, tmp_path / "1", two) == 0
    assert (tmp_path / "1" / "results.csv").read_bytes() == (tmp_path / "whole" / "results.csv").read_bytes()
    assert "step" not in capsys.readouterr().err  # nothing was trained


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--part=2"], "--part=2 is not a share; write --part=K/N"),
        (["--part=3/2"], "--part=3/2 is not a share"),
        (["--part=2/2"], "--part=2/2 is empty: the sweep has 1 population; ask for fewer parts"),
    ],
)
def test_a_part_that_is_none_is_refused(config, tmp_path, capsys, words, message):
    assert run(config, tmp_path / "run", *words) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_a_dry_run_tells_and_writes_nothing(config, tmp_path, capsys):
    assert run(config, tmp_path / "run", "--dry_run") == 0
    told = capsys.readouterr().out
    assert "program 1 of 1: 4 members, 1 population to train for 6 steps, at least " in told
    assert "steps/s: about " in told and "nothing was written" in told
    assert not (tmp_path / "run").exists()
    assert main(["--config=glove", f"--workdir={tmp_path / 'run'}", "--dry_run"]) == 0
    assert "a study of 10 seeds" in capsys.readouterr().out
    assert main(["--config=glove", f"--workdir={tmp_path / 'run'}", "--part=1/2"]) == 2
    assert "has no effect on a study" in capsys.readouterr().err
