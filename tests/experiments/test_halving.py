"""Successive halving: who goes on, from where, and that a member is the one that a whole run would have given."""

import json
import shutil

import pytest

from experiments.run import main
from experiments.run_directory import stored_run
from experiments.run_directory.results import read_rows
from tests.experiments.test_continuing import CONFIG

SEARCH = CONFIG.replace("(0.1, 0.2)", "(0.1, 0.2, 0.4)")
RUNGS = ["--config.train.steps=9", "--config.search.rungs=(3,6)", "--config.search.keep=0.5"]


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "search.py"
    path.write_text(SEARCH, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def searched(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("search") / "run"
    assert main([f"--config={config}", f"--workdir={folder}", *RUNGS]) == 0
    return folder


def logged(folder):
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("groups/*/metrics.jsonl"))]
    lines = [line for text in texts for line in text.splitlines()]
    return {(row["member"], row["step"]): row for row in map(json.loads, lines)}


def test_the_best_go_on_and_a_member_equals_its_whole_run(config, searched, tmp_path):
    assert main([f"--config={config}", f"--workdir={tmp_path / 'whole'}", "--config.train.steps=9"]) == 0
    rows, whole = read_rows(searched / "results.csv"), logged(tmp_path / "whole")
    assert sorted(row["rung"] for row in rows) == [1, 1, 1, 2, 3, 3]
    by_loss = sorted(range(6), key=lambda member: whole[member, 3]["validation_loss"])
    assert {row["member"] for row in rows if row["rung"] > 1} == set(by_loss[:3])
    assert {row["status"] for row in rows if row["rung"] < 3} == {"dropped"}
    for place, row in logged(searched).items():
        assert row == whole[place]  # bit for bit, whatever stands beside it
    ended = {row["member"]: row for row in read_rows(tmp_path / "whole" / "results.csv")}
    for row in rows:
        if row["rung"] == 3:
            # The sums of a whole split depend on how many members are judged at once.
            assert row["test_loss"] == pytest.approx(ended[row["member"]]["test_loss"], rel=1e-6) and row["steps"] == 9


def test_a_dry_run_tells_of_rungs(config, tmp_path, capsys):
    assert main([f"--config={config}", f"--workdir={tmp_path / 'run'}", *RUNGS, "--dry_run"]) == 0
    told = capsys.readouterr().out
    for line in (
        "rung 1: 6 members from step 0 to 3",
        "rung 2: 3 members from step 3 to 6",
        "rung 3: 2 members from step 6",
    ):
        assert line in told
    assert told.count("to train for 3 steps") == 3 and not (tmp_path / "run").exists()


def test_a_member_is_restored_from_the_last_rung_that_it_reached(searched):
    for row in read_rows(searched / "results.csv"):
        assert stored_run.load(searched, "latest", row["member"]).step == row["steps"]


def test_a_search_that_was_stopped_goes_on(config, searched, tmp_path, capsys):
    parts = tmp_path / "run"
    shutil.copytree(searched, parts)
    shutil.rmtree(parts / "groups" / "03-0000")
    for name in ("results.csv", "status.json"):
        (parts / name).unlink()
    assert main([f"--config={config}", f"--workdir={parts}", *RUNGS]) == 0
    assert (parts / "results.csv").read_bytes() == (searched / "results.csv").read_bytes()
    capsys.readouterr()
    assert main([f"--config={config}", f"--workdir={parts}", *RUNGS]) == 0
    assert "is finished" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config.search.rungs=(6,3)"], "must be rising whole numbers between 0 and train.steps=6"),
        (["--config.search.rungs=(4,)"], "4 is not a multiple of train.eval_every=3"),
        (["--config.search.rungs=(3,)", "--config.schedule.name=cosine"], "which knows the end"),
        (["--config.search.rungs=(3,)", "--part=1/2"], "run it whole, without --part"),
        (["--config.search.keep=1.0"], "config.search.keep=1.0 is outside (0, 1)"),
    ],
)
def test_what_cannot_be_searched_is_refused(config, tmp_path, capsys, words, message):
    assert main([f"--config={config}", f"--workdir={tmp_path / 'run'}", *words]) == 2
    assert message in capsys.readouterr().err
