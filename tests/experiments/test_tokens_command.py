"""A text that stays on the disk: made into tokens by a command, trained on, resumed, and sampled from like any other."""

import shutil

import pytest

from experiments import sample, tokens
from experiments.run import main
from experiments.run_directory.results import read_rows
from nn_core.text.tokenizers import TOKENIZERS, load_tokenizer
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
    assert "nowhere.txt" in errors[0] and ".npy" in errors[1] and "nowhere.npy: there is no such file" in errors[2]


def test_bytes_that_are_no_text_are_told(tmp_path, capsys):
    """They would be learned as characters like all others."""
    text, out = tmp_path / "book.txt", tmp_path / "book.npy"
    text.write_bytes("Größe\n".encode("utf-16-le") * 9)
    assert tokens.main([f"--text={text}", f"--out={out}"]) == 2 and not out.exists()
    assert "book.txt line 1 holds a NUL character" in capsys.readouterr().err
    text.write_bytes("Größe\n".encode("cp1252") * 9)
    assert tokens.main([f"--text={text}", f"--out={out}"]) == 0
    told = capsys.readouterr()
    assert "tokens of a vocabulary" in told.out and "warning: " in told.err and "has 18 characters U+FFFD" in told.err
    text.write_text("Größe\n" * 9, encoding="utf-16")
    assert tokens.main([f"--text={text}", f"--out={out}"]) == 0
    told = capsys.readouterr()
    assert "book.npy: 54 tokens of a vocabulary of 6" in told.out and not told.err


def test_a_text_is_what_a_run_reads(tmp_path, capsys):
    """A folder with JSON lines: its texts, not its braces."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.jsonl").write_text('{"text": "abab"}\n{"text": "ba"}\n', encoding="utf-8")
    (tmp_path / "texts" / "b.txt").write_text("aß", encoding="cp1252")
    words = [f"--text={tmp_path / 'texts'}", f"--out={tmp_path / 'all.npy'}"]
    assert tokens.main([*words, "--field=text", "--encoding=cp1252"]) == 0
    assert "all.npy: 11 tokens of a vocabulary of 4" in capsys.readouterr().out
    assert tokens.main(words) == 2
    assert "name the key of the text by --field=text" in capsys.readouterr().err
    shown = ["--show=abc", f"--text={tmp_path / 'texts' / '*.jsonl'}", "--tokenizer=bpe", "--vocabulary_size=30"]
    assert tokens.main([*shown, "--field=text"]) == 0 and "tokens" in capsys.readouterr().out


def test_a_trained_tokenizer_cuts_another_text(tmp_path, token_file, capsys):
    text = tmp_path / "more.txt"
    text.write_text(tiny.TEXT[:40], encoding="utf-8")
    words = [f"--text={text}", f"--out={tmp_path / 'more.npy'}", f"--tokenizer={tmp_path / 'book.tokenizer.json'}"]
    assert tokens.main(words) == 0
    size = len(load_tokenizer(tmp_path / "book.tokenizer.json").characters)
    assert f"more.npy: 40 tokens of a vocabulary of {size}" in capsys.readouterr().out
    assert (tmp_path / "more.tokenizer.json").read_bytes() == (tmp_path / "book.tokenizer.json").read_bytes()
    assert tokens.main([*words, "--vocabulary_size=9"]) == 2
    assert "--vocabulary_size has no effect with --tokenizer=" in capsys.readouterr().err


def test_every_tokenizer_shows_a_text_beside_the_others(tmp_path, capsys):
    text = tmp_path / "book.txt"
    text.write_text(tiny.TEXT, encoding="utf-8")
    words = [f"--text={text}", "--vocabulary_size=400", "--best=2", "--draws=1"]
    assert tokens.main(["--show=the sea\nsees", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines if " tokens  " in line]
    assert names == [*TOKENIZERS]
    assert "characters" in lines[0] and "[t][h][e][ ][s][e][a][\\n][s]" in lines[0]
    assert sum("best" in line for line in lines) == 4 and sum("drawn" in line for line in lines) == 2
    assert tokens.main(["--show=the sea", f"--text={text}", "--tokenizer=characters", "--colour"]) == 0
    assert "\033[48;5;153m\033[30mt\033[48;5;223m" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--show=a", "--tokenizer=word", "--best=2"], "--tokenizer=word has one segmentation of a text"),
        (["--show=a", "--tokenizer=wrd"], "tokenizer 'wrd' is unknown"),
        (["--show=a", "--out=a.npy"], "--out has no effect with --show"),
        (["--text=a", "--out=a.npy", "--best=2"], "--best has no effect without --show"),
        (["--show=a", "--tokenizer=word", "--draws=0"], "--draws=0 must be at least 1"),
        (["--show=a", "--tokenizer=no.json"], "there is no tokenizer file no.json"),
        (["--show="], "--show= is empty"),
        (["--show=a", "--field=text"], "--field has no effect without --text"),
        (["--show=a", "--encoding=cp1252"], "--encoding has no effect without --text"),
    ],
)
def test_mistakes_about_what_is_shown(words, message, capsys):
    assert tokens.main(words) == 2
    assert message in capsys.readouterr().err
