"""The command that asks a file of word vectors."""

import numpy as np
import pytest

from experiments.vectors import main
from nn_core.text.ngrams import Ngrams, piece_table, unseen_vector
from nn_core.text.vectors import WordVectors

WORDS = ("man", "woman", "king", "queen", "apple")
ROWS = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1], [-1, -1, 0.1]], np.float32)


@pytest.fixture
def file(tmp_path):
    WordVectors(WORDS, ROWS).save(tmp_path / "vectors.txt")
    return tmp_path / "vectors.txt"


def test_it_answers(file, capsys):
    words = ["--most_similar=king", "--analogy=man king woman", "--doesnt_match=man king apple", "--count=1"]
    assert main([f"--vectors={file}", "--similarity=man king", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["most_similar king", "  man  0.7071"]
    assert lines[2:4] == ["doesnt_match man king apple", "  apple"]
    assert lines[4] == "analogy man king woman" and lines[5].startswith("  queen")
    assert lines[6:] == ["similarity man king", "  0.7071"]


def test_a_sum_of_words_and_a_run_directory(file, capsys):
    assert main([f"--vectors={file.parent}", "--most_similar=king -man woman", "--count=1", "--measure=dot"]) == 0
    assert capsys.readouterr().out.splitlines() == ["most_similar king -man woman", "  queen  2.0000"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--most_similar=kings"], "word 'kings' is not among the 5 known words; nearest known: king"),
        (["--analogy=man king"], "has 2 words; give three"),
        (["--doesnt_match=man king"], "has 2 words; give at least three"),
        (["--similarity=man"], "has 1 words; give two"),
        (["--most_similar=-man"], "give at least one word"),
        (["--most_similar=king", "--count=0"], "--count=0 must be at least 1"),
        (["--most_similar=king", "--measure=euclid"], "--measure=euclid is unknown; use one of cosine, dot"),
        (["--most_similar=king", "--max_words=2"], "word 'king' is not among the 2 known words"),
        ([], "there is no question"),
        (["--vector=x"], "unknown option --vector; did you mean vectors?"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, message, file, capsys):
    assert main([f"--vectors={file}", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1 and not captured.out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("2 3\na 1 2 3\nb 1 2\n", "line 3 has 2 numbers instead of 3"),
        ("2 3\na 1 2 3\nb 1 2 x\n", "line 3: could not convert string to float: 'x'"),
        ("3 3\na 1 2 3\nb 1 2 3\n", "line 3 is the last and word 2, but line 1 promises 3 words"),
        ("a 1 2\na 1 2\n", "line 2 repeats the word 'a' of line 1"),
        ("a 1 nan\n", "line 1 holds nan"),
        ("", "holds no word vectors"),
    ],
)
def test_a_malformed_file_names_its_line(content, message, tmp_path, capsys):
    path = tmp_path / "bad.txt"
    path.write_text(content)
    assert main([f"--vectors={path}", "--most_similar=a"]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert main([f"--vectors={tmp_path / 'none.txt'}", "--most_similar=a"]) == 2
    assert "there is no vector file" in capsys.readouterr().err
    assert main(["--most_similar=a"]) == 2
    assert "--vectors is missing" in capsys.readouterr().err


def test_a_word_of_no_text_is_understood_by_its_ngrams(tmp_path, capsys):
    words, table = ("keyboard", "monitor"), np.random.default_rng(0).normal(size=(2 + 997, 5)).astype(np.float32)
    rows_VG, keep_VG = piece_table(words, 997)
    means_VE = (table[rows_VG] * keep_VG[..., None]).sum(axis=1) / keep_VG.sum(axis=1, keepdims=True)
    WordVectors(words, means_VE).save(tmp_path / "vectors.txt")
    assert main([f"--vectors={tmp_path}", "--most_similar=keybord"]) == 2
    capsys.readouterr()
    Ngrams(table[2:], 3, 6).save(tmp_path / "ngrams.npz")
    assert main([f"--vectors={tmp_path}", "--most_similar=keybord", "--similarity=keybord keyboard", "--count=1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "most_similar keybord (keybord: by n-grams)" and lines[1].startswith("  keyboard")
    unseen_E = unseen_vector("keybord", table, 2)
    cosine = unseen_E @ means_VE[0] / np.linalg.norm(unseen_E) / np.linalg.norm(means_VE[0])
    assert float(lines[1].split()[1]) == float(lines[3]) == pytest.approx(cosine, abs=1e-4)
    for damage in (b"", b"PK", (tmp_path / "ngrams.npz").read_bytes()[:100]):
        (tmp_path / "ngrams.npz").write_bytes(damage)
        assert main([f"--vectors={tmp_path}", "--most_similar=keybord"]) == 2
        assert "holds no n-grams" in capsys.readouterr().err
