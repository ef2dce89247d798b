"""A text that stays on the disk: made into tokens by a command, trained on, resumed, and sampled from like any other."""

import shutil

import pytest

from experiments import sample, tokens
from experiments.run import main
from experiments.run_directory.results import read_rows
from tests.experiments import tiny


@pytest.fixture
def token_file(tmp_path):
    text = tmp_path / "book.txt"
    text.write_text(tiny.TEXT, encoding="utf-8")
    assert tokens.main([f"--text={text}", f"--out={tmp_path / 'book.npy'}"]) == 0
    return tmp_path / "book.npy"


def words(folder, token_file, **changes):
    folder.mkdir(exist_ok=True)
    return tiny.arguments(folder, data__name="token_file", data__path=token_file, **changes)


def test_it_trains_goes_on_exactly_and_is_sampled_from(tmp_path, token_file, capsys):
    whole, parts = tmp_path / "run", tmp_path / "parts"
    assert main(words(tmp_path, token_file, train__sample_every=0)) == 0
    (row,) = read_rows(whole / "results.csv")
    assert row["steps"] == tiny.STEPS and 0 < row["validation_full_loss"] < 5
    shutil.copytree(whole, parts)
    shutil.rmtree(parts / "steps" / str(tiny.STEPS))  # as if it had been ended half of the way
    for name in ("status.json", "results.csv"):
        (parts / name).unlink()
    assert main(words(tmp_path, token_file, workdir=parts, train__sample_every=0)) == 0
    for name in ("metrics.jsonl", "results.csv"):  # the windows are a function of (seed, step)
        assert (parts / name).read_text() == (whole / name).read_text()
    capsys.readouterr()
    assert sample.main([f"--checkpoint={whole}", "--prompt=The", "--max_new_tokens=7", "--greedy"]) == 0
    assert len(capsys.readouterr().out) == len("The") + 7 + 1


def test_mistakes_end_in_one_line(tmp_path, token_file, capsys):
    assert tokens.main(["--text=nowhere.txt", f"--out={tmp_path / 'a.npy'}"]) == 2
    assert tokens.main([f"--text={tmp_path / 'book.txt'}", f"--out={tmp_path / 'a.bin'}"]) == 2
    assert main(words(tmp_path / "run", tmp_path / "nowhere.npy")) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3 and all(line.startswith("error: ") for line in errors)
    assert "nowhere.txt" in errors[0] and ".npy" in errors[1] and "nowhere.tokenizer.json" in errors[2]
