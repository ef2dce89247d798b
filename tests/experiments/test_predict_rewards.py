"""Scores of a reward model by the command: those of its own evaluation, of pairs and of answers, and every refusal."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import predict, sample
from experiments.building import assistant_data
from experiments.building.kept_tokenizer import stored_tokenizer
from experiments.run import main
from experiments.run_directory.results import read_rows
from experiments.run_directory.stored_run import load
from tests.experiments.test_alignment_stages import words

Lines = list[dict[str, Any]]
PAIR = {"prompt": "where does anna live ?", "chosen": "rome .", "rejected": "i do not know ."}
ANSWER = {"prompt": "where does anna live ?", "response": "rome ."}
MESSAGES = [{"role": "user", "content": "where does anna live ?"}, {"role": "assistant", "content": "rome ."}]
ADAPTERS = '''"""A reward model of adapters: the base is frozen, adapters and the head learn."""
from configs import base, reward_model

TRAINED = (("score_head/*", 1.0), ("*", 0.0))


def get_config():
    config = reward_model.get_config()
    config.lora = base.lora(rank=2, targets=("*/attention/*/kernel",))
    config.hparams.lora_alpha = 4.0
    config.transfer.train = TRAINED
    return config
'''


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reward model of the small world that has hardly learned."""
    folder = tmp_path_factory.mktemp("rewards") / "reward"
    start = {"transfer__source": "None", "transfer__by_seed": False, "transfer__load": "(('*','load'),)"}
    assert main(words("reward_model", folder, **start)) == 0
    return folder


def write(path: Path, lines: Lines) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def scored(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    """The rows that the command prints."""
    assert predict.main(words) == 0, capsys.readouterr().err
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_the_scores_of_pairs_are_those_of_its_own_evaluation(run, tmp_path, capsys):
    reader = assistant_data.make_reader(load(run).config.data, stored_tokenizer(run))
    test = assistant_data.pairs(reader)["test"]
    lines = [{"prompt": one.asked[0][1], "chosen": one.chosen, "rejected": one.rejected} for one in test]
    path = write(tmp_path / "pairs.jsonl", lines)
    rows = scored([f"--checkpoint={run}", str(path)], capsys)
    assert list(rows[0]) == ["line", "score chosen", "score rejected", "margin", "probability"]
    told = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    (held,) = read_rows(run / "results.csv")
    assert np.std(told["score chosen"]) > 0.01  # else every score would do
    assert np.mean(told["score chosen"]) == pytest.approx(held["test_chosen_score"], abs=1e-5)
    assert np.mean(told["score rejected"]) == pytest.approx(held["test_rejected_score"], abs=1e-5)
    assert np.mean(told["margin"] > 0) == pytest.approx(held["test_accuracy"], abs=1e-6)
    np.testing.assert_allclose(told["margin"], told["score chosen"] - told["score rejected"], atol=2e-6)
    np.testing.assert_allclose(told["probability"], 1 / (1 + np.exp(-told["margin"])), atol=2e-6)


def test_an_answer_scores_what_it_scores_in_a_pair_and_in_messages(run, tmp_path, capsys):
    (pair,) = scored([f"--checkpoint={run}", str(write(tmp_path / "pair.jsonl", [PAIR]))], capsys)
    longer = [
        *MESSAGES,
        {"role": "user", "content": "where does ben live ?"},
        {"role": "assistant", "content": "oslo ."},
    ]
    path = write(tmp_path / "own.jsonl", [ANSWER, {"messages": MESSAGES}, {"messages": longer}])
    rows = scored([f"--checkpoint={run}", str(path)], capsys)
    assert [row["line"] for row in rows] == ["1", "2", "3"] and list(rows[0]) == ["line", "score"]
    assert rows[0]["score"] == rows[1]["score"] == pair["score chosen"] != rows[2]["score"]
    found = predict.predict_rewards(run, path)
    assert found.rejected_N is None and found.chosen_N[0] == pytest.approx(float(rows[0]["score"]), abs=1e-6)


def test_the_file_of_scores_is_written_and_told(run, tmp_path, capsys):
    path, out = write(tmp_path / "p.jsonl", [PAIR, {**PAIR, "rejected": "oslo ."}]), tmp_path / "scores.csv"
    assert predict.main([f"--checkpoint={run}", f"--out={out}", str(path)]) == 0
    assert f"% of them ordered as in the file: {out}" in capsys.readouterr().out
    assert len(out.read_text(encoding="utf-8").splitlines()) == 3


def test_unknown_words_are_told(run, tmp_path, capsys):
    path = write(tmp_path / "p.jsonl", [{**PAIR, "chosen": "Zxq .", "rejected": "rome ."}])
    assert predict.main([f"--checkpoint={run}", str(path)]) == 0
    assert "warning: 1 of 9 tokens" in (told := capsys.readouterr().err) and "'Zxq'" in told


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([PAIR, ANSWER], "line 2: an answer among pairs; give each kind a file of its own"),
        ([ANSWER, PAIR], "line 2: a pair among answers"),
        ([PAIR, {"prompt": "a", "chosen": "b"}], "line 2: the field 'rejected' is missing"),
        ([{**PAIR, "chosen": PAIR["rejected"]}], "line 1: 'chosen' and 'rejected' are the same answer"),
        ([{**ANSWER, "response": " "}], "line 1: the field 'response' is empty"),
        ([{"messages": MESSAGES[:1]}], "line 1: the last message is the user's"),
        ([ANSWER, {**ANSWER, "response": "rome " * 40}], "line 2: a conversation of 48 tokens, and the reward model"),
        ([], "own.jsonl is empty; give one with text in it"),
    ],
)
def test_mistakes_in_files_are_told_with_their_line(lines, message, run, tmp_path, capsys):
    path = write(tmp_path / "own.jsonl", lines)
    assert predict.main([f"--checkpoint={run}", str(path)]) == 2
    captured = capsys.readouterr()
    told = captured.err.strip()
    assert message in told and "\n" not in told and not captured.out


def test_what_does_not_go_with_a_reward_model_is_refused(run, tmp_path, capsys):
    path = str(write(tmp_path / "own.jsonl", [PAIR]))
    for more, message in (
        ([path, path], "2 files are given; give one JSONL file at a time"),
        (["--top_k=2", path], "--top_k is for images and tables; leave it out for a JSONL file"),
        (["--separator=;", path], "--separator is for images and tables"),
        ([f"--out={path}", path], "is the file that is read, which would be lost"),
        ([str(tmp_path / "none.jsonl")], "none.jsonl"),
        ([str(tmp_path)], str(tmp_path)),
        (["--member=1", path], "holds one run, leave --member out"),
        (["--step=7", path], "step"),
    ):
        assert predict.main([f"--checkpoint={run}", *more]) == 2
        told = capsys.readouterr().err.strip()
        assert message in told and "\n" not in told


def test_a_run_that_scores_nothing_is_told_what_it_reads(run, tmp_path, capsys):
    assert (
        main([f"--workdir={tmp_path / 'run'}", "--config=digits", "--config.train.steps=1", "--config.figures=()"]) == 0
    )
    with pytest.raises(ValueError, match="which scores no answers; give one of configs/reward_model.py"):
        predict.predict_rewards(tmp_path / "run", write(tmp_path / "own.jsonl", [PAIR]))


def test_who_wants_it_to_write_is_told_how_it_is_asked(run, capsys):
    assert sample.main([f"--checkpoint={run}", "--chat", "--prompt=where ?"]) == 2
    told = capsys.readouterr().err.strip()
    assert f"ask it by: python -m experiments.predict --checkpoint={run} pairs.jsonl" in told and "\n" not in told


@pytest.mark.slow
@pytest.mark.parametrize("adapters", [False, True], ids=["whole", "adapters"])
def test_a_reward_model_of_a_folder(adapters, tmp_path, capsys):
    """On a Hugging Face chat folder, by its template; with adapters, which are merged; after the run has moved."""
    pytest.importorskip("jinja2")
    from tests.experiments.test_chat_stages import LINES, command
    from tests.pretrained.chat_folders import write_chat_folder

    folder = write_chat_folder(tmp_path / "folder", "qwen", 344)
    path = write(tmp_path / "pairs.jsonl", LINES["pairs"])
    changes = {"train__steps": 4, "hparams__learning_rate": 0.01}
    words_ = command("reward_model", tmp_path, tmp_path / "run", folder, **changes)
    if adapters:
        (tmp_path / "own.py").write_text(ADAPTERS, encoding="utf-8")
        words_[0] = f"--config={tmp_path / 'own.py'}"
    assert main(words_) == 0, capsys.readouterr().err
    (held,) = read_rows(tmp_path / "run" / "results.csv")
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    capsys.readouterr()
    rows = scored([f"--checkpoint={moved}", str(path)], capsys)
    assert len(rows) == len(LINES["pairs"])
    test = rows[-2:]  # of nine lines, whose last quarter tests
    assert np.mean([float(row["score chosen"]) for row in test]) == pytest.approx(held["test_chosen_score"], abs=1e-5)
    assert abs(held["test_chosen_score"]) > 1e-3
