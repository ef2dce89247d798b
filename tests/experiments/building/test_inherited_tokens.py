"""A run that starts from the parameters of another one reads its tokens, and texts of one's own fit every translator."""

from pathlib import Path

import pytest

from configs import gpt_quick, t5_quick
from experiments.building import language, text_to_text
from experiments.building.kept_tokenizer import inherited
from experiments.building.own_data import resolve
from experiments.building.registry import REGISTRY
from experiments.command_line.config_paths import apply
from nn_core.text.characters import train_characters
from nn_core.text.interface import SPECIAL_TOKENS
from nn_core.text.trainers import train_words

ENGLISH, FRENCH = [f"cat {n} sees a dog ." for n in range(40)], [f"chat {n} voit un chien ." for n in range(40)]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, object]:
    """The keys of two files that belong together."""
    for name, lines in (("a.en", ENGLISH), ("a.fr", FRENCH)):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    places = {"data.source": str(tmp_path / "a.en"), "data.target": str(tmp_path / "a.fr")}
    return places | {"data.name": "parallel_files", "data.packed": False}


def test_tasks_of_other_data_leave_the_table_and_the_prompt(files):
    found, lines = resolve(apply(t5_quick.get_config(), files), files, REGISTRY)
    assert tuple(found.table) == ("beam_exact", "padding", "parameters") and found.sample.prompt == ENGLISH[-1]
    assert any("translate_exact" in line for line in lines) and not any("warning" in line for line in lines)
    given = files | {"table": ("reverse_exact",), "sample.prompt": "a"}
    kept, _ = resolve(apply(t5_quick.get_config(), given), given, REGISTRY)
    assert tuple(kept.table) == ("reverse_exact",) and kept.sample.prompt == "a"


def test_a_translator_that_goes_on_from_another_reads_its_tokens(files, tmp_path):
    """Of the same size they would fit, and mean other words."""
    before = train_words(["ein hund sieht a dog ."], vocabulary_size=50, special_tokens=SPECIAL_TOKENS)
    before.save(tmp_path / "tokenizer.json")
    given = files | {"transfer.source": str(tmp_path)}
    config, lines = resolve(apply(t5_quick.get_config(), given), given, REGISTRY)
    assert text_to_text.build(config, REGISTRY)[2].tokenizer == before
    assert any("are not in the vocabulary of the start and become [UNK]: 'cat'" in line for line in lines)
    config.transfer.load = (("*", "new"),)
    assert text_to_text.build(config, REGISTRY)[2].tokenizer != before


def test_a_language_model_that_goes_on_from_another_reads_its_tokens(tmp_path):
    before = train_characters(["zyxwv abc\n"])
    before.save(tmp_path / "tokenizer.json")
    (tmp_path / "own.txt").write_text("abc " * 400, encoding="utf-8")
    given = {"data.name": "file", "data.path": str(tmp_path / "own.txt"), "transfer.source": str(tmp_path)}
    config = apply(gpt_quick.get_config(), given | {"train.sample_every": 0})
    assert inherited(config) == before
    assert language.build(config, REGISTRY)[2].tokenizer == before
