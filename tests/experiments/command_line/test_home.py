"""`~` is the home folder in every path that somebody types: shells do not expand it inside `--name=~/x`."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from configs import base
from experiments import run, tokens, vectors
from experiments.building.corpus import load_corpus
from experiments.command_line.arguments import CONFIGS, find_config, parse
from experiments.figures.__main__ import draw_pictures
from experiments.report.__main__ import make_workdir
from experiments.run_directory import stored_run
from experiments.studies.word_vectors import load_words
from nn_core.data.conversation_files import read_lines
from nn_core.data.images import read_image, read_image_folder
from nn_core.files import user_path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "text.txt").write_text("the cat sat on the mat\n" * 40, encoding="utf-8")
    return tmp_path


def test_in_paths_of_the_config(home: Path) -> None:
    section = base.text("file", context_size=4, batch_size=2)
    section.path = "~/text.txt"
    assert load_corpus(section, 2).data["train"].size > 100
    assert "cat" in load_words("file", "~/text.txt", 1).vocabulary.words
    (home / "pairs.jsonl").write_text('{"prompt": "a", "response": "b"}\n', encoding="utf-8")
    assert [number for number, _ in read_lines("~/pairs.jsonl")] == [1]
    for label in ("cat", "dog"):
        (home / "images" / label).mkdir(parents=True)
        Image.fromarray(np.zeros((2, 3), np.uint8)).save(home / "images" / label / "1.png")
    assert read_image_folder("~/images", height=2, width=3, channels=1).target_names == ("cat", "dog")
    assert read_image("~/images/cat/1.png").shape == (2, 3, 1)
    with pytest.raises(ValueError, match=f"there is no run directory {home / 'source'}"):
        stored_run.load("~/source")


def test_in_options_of_the_commands(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "mine.py").write_text("from configs.digits import get_config\n", encoding="utf-8")
    assert find_config("~/mine.py") == home / "mine.py"
    arguments = parse(["--config=~/mine.py", "--workdir=~/run"], run.OPTIONS)
    assert arguments is not None and run.run_directory(arguments) == home / "run"
    assert tokens.main(["--text=~/text.txt", "--out=~/text.npy"]) == 0
    assert (home / "text.npy").is_file() and (home / "text.tokenizer.json").is_file()
    section = base.text("token_file", context_size=4, batch_size=2)
    section.path = "~/text.npy"
    assert load_corpus(section, 2).feed is not None
    (home / "vectors.txt").write_text("king 1 0\nqueen 1 1\n", encoding="utf-8")
    assert vectors.main(["--vectors=~/vectors.txt", "--similarity=king queen"]) == 0
    assert "0.7071" in capsys.readouterr().out
    assert make_workdir("~/report") == home / "report"
    options = {"workdir": "~/pictures", "member": None, "prompt": None, "step": "best", "positional": ("softmax",)}
    assert draw_pictures(options) == [home / "pictures" / "softmax.png"]


def test_a_name_that_is_no_user_stays_as_it_is() -> None:
    assert user_path("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")


def test_a_config_of_this_project_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, and as the commands of messages and pages write it; a file of one's own of that name comes first."""
    monkeypatch.chdir(tmp_path)
    for name in ("digits", "digits.py", "configs/digits", "configs/digits.py"):
        assert find_config(name) == CONFIGS / "digits.py"
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "digits.py").write_text("", encoding="utf-8")
    assert find_config("configs/digits.py") == Path("configs/digits.py")
    with pytest.raises(ValueError, match="no config file 'configs/digist.py'"):
        find_config("configs/digist.py")
