"""The page of nn_core as a library: its blocks are doctests, and its command is run before them."""

import doctest
import re
from pathlib import Path

import numpy as np
import polars
import pytest

from experiments import results
from experiments.run import main
from tests.pretrained.folders import write_folder

PAGE = Path(__file__).parents[1] / "nn_core" / "README.md"


@pytest.mark.slow
def test_the_page_says_what_happens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    (command,) = re.findall(r"```bash\n(.*?)\n```", text, flags=re.S)
    assert main(command.split()[3:]) == 0
    for folder, golden in (("bert_base", "bert_pooled"), ("bert_text", "bert_text"), ("gpt2", "gpt2")):
        write_folder(tmp_path / folder, golden)
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    runner.run(parser.get_doctest(text, {}, PAGE.name, str(PAGE), 0))
    assert runner.failures == 0 and runner.tries > 40


def write(folder, rows, metrics, place="."):
    """A run directory as the tests of results write it."""
    from experiments.run_directory.results import METRICS, RESULTS, write_rows

    (folder / place).mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"format": 1, "config": {}}', encoding="utf-8")
    write_rows(folder / RESULTS, rows)
    (folder / place / METRICS).write_text(metrics, encoding="utf-8")


def test_members_and_curves_are_frames_with_typed_overrides(tmp_path):
    rows = [
        {
            "member": 0,
            "label": "007",
            "seed": 0,
            "status": "finished",
            "overrides": {"seed": 0, "hparams.l2": 1e-3},
            "test_loss": 0.5,
        },
        {
            "member": 1,
            "label": "b",
            "seed": 1,
            "status": "finished",
            "overrides": {"seed": 1, "model.hidden_sizes": (8, 4), "optimizer.proximal": True},
            "test_loss": 0.25,
            "confusion": np.eye(2),
        },
    ]
    write(tmp_path, rows, '{"step": 1, "member": 1, "train_loss": 2.0}\n', "groups/1")
    write(
        tmp_path,
        rows,
        '{"step": 2, "member": 0, "train_loss": 1.0}\n{"step": 1, "member": 0, "train_loss": 3}\n',
        "groups/0",
    )
    members = results.load(str(tmp_path))
    assert members.columns[:3] == ["member", "label", "seed"] and "confusion" not in members.columns
    assert members["label"].to_list() == ["007", "b"] and members.schema["hparams.l2"] == polars.Float64
    assert (
        members["optimizer.proximal"].to_list() == [None, True]
        and members["model.hidden_sizes"].to_list()[1] == "(8, 4)"
    )
    curves = results.load_metrics(tmp_path)
    assert curves.select("member", "step", "train_loss").rows() == [(0, 1, 3.0), (0, 2, 1.0), (1, 1, 2.0)]
    assert curves["hparams.l2"].to_list() == [1e-3, 1e-3, None] and curves["label"].to_list() == ["007", "007", "b"]
    with pytest.raises(ValueError, match="is not a run directory"):
        results.load(tmp_path / "groups")
