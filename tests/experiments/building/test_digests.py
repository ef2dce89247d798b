"""Data of one's own may move, and a run goes on with them; it never goes on with others, whatever kind they are."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from configs import assistant_sft, digits, digits_cnn, gpt_quick, toy_translation, word2vec
from experiments.building.corpus import read_once
from experiments.building.own_data import resolve
from experiments.building.registry import REGISTRY
from experiments.run_directory.files import compare

LINE = '{"prompt": "a", "response": "b"}\n'


def table(folder: Path) -> ConfigDict:
    rows = [f"{i % 7},{i % 3},{'yes' if i % 7 > 2 else 'no'}\n" for i in range(40)]
    (folder / "data.csv").write_text("a,b,c\n" + "".join(rows), encoding="utf-8")
    config = digits.get_config()
    config.data.name, config.data.path, config.data.target = "table", str(folder / "data.csv"), "c"
    return config


def write(path: Path, grey: int) -> None:
    Image.fromarray(np.full((8, 8), grey, np.uint8)).save(path)


def images(folder: Path) -> ConfigDict:
    for name in ("a", "b"):
        (folder / name).mkdir()
        for i in range(3):
            write(folder / name / f"{i}.png", 60 * i + (name == "b"))
    config = digits_cnn.get_config()
    config.data.name, config.data.path = "image_folder", str(folder)
    return config


def text(folder: Path) -> ConfigDict:
    (folder / "data.txt").write_text("what a day\n" * 40, encoding="utf-8")
    config = gpt_quick.get_config()
    config.data.name, config.data.path = "file", str(folder / "data.txt")
    return config


def tokens(folder: Path) -> ConfigDict:
    np.save(folder / "data.npy", np.arange(90, dtype=np.uint16) % 11)
    config = gpt_quick.get_config()
    config.data.name, config.data.path = "token_file", str(folder / "data.npy")
    return config


def pairs(folder: Path) -> ConfigDict:
    for name in ("data.en", "data.fr"):
        (folder / name).write_text("one two\n" * 40, encoding="utf-8")
    config = toy_translation.get_config()
    config.data.name = "parallel_files"
    config.data.source, config.data.target = str(folder / "data.en"), str(folder / "data.fr")
    return config


def conversations(folder: Path) -> ConfigDict:
    (folder / "data.jsonl").write_text(LINE * 9, encoding="utf-8")
    config = assistant_sft.get_config()
    config.data.name, config.data.path = "file", str(folder / "data.jsonl")
    return config


def words(folder: Path) -> ConfigDict:
    (folder / "data.txt").write_text("what a day\n" * 40, encoding="utf-8")
    config = word2vec.get_config()
    config.task.text, config.task.path = "file", str(folder / "data.txt")
    return config


def change(folder: Path) -> None:
    """Another grey, token or letter in one of the files."""
    path = min(path for path in folder.rglob("*") if path.is_file())
    if path.suffix == ".png":
        write(path, 7)
    elif path.suffix == ".npy":
        np.save(path, (np.load(path) + 1) % 11)
    else:
        path.write_text(path.read_text(encoding="utf-8").replace("a", "e").replace("one", "two"), encoding="utf-8")


def changed(before: ConfigDict, after: ConfigDict) -> set[str]:
    changes = compare(before.to_dict(), after.to_dict())
    return {*changes.structure, *changes.values}


@pytest.mark.parametrize("make", [table, images, text, tokens, pairs, conversations, words])
def test_data_may_move_and_not_change(make: Callable[[Path], ConfigDict], tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    config = make(first)
    section, key = (config.task, "task") if "data" not in config else (config.data, "data")
    before = resolve(config, {}, REGISTRY)[0]
    assert section.digest is None and len(before[key].digest) == 64
    shutil.move(first, second)
    for name in ("path", "source", "target"):
        if name in section and section[name] is not None:
            section[name] = section[name].replace(str(first), str(second))
    assert changed(before, resolve(config, {}, REGISTRY)[0]) == set()
    change(second)
    read_once.cache_clear()
    assert f"{key}.digest" in changed(before, resolve(config, {}, REGISTRY)[0])
    section.digest = before[key].digest
    with pytest.raises(
        ValueError, match=rf"has changed: its sha256 is .* config\.{key}\.digest says .*; give its digest"
    ):
        resolve(config, {}, REGISTRY)


def test_a_run_that_kept_no_digest_goes_on_from_the_same_place_only(tmp_path: Path) -> None:
    config = text(tmp_path)
    after = resolve(config, {}, REGISTRY)[0]
    assert changed(config, after) == set()
    config.data.path = "elsewhere.txt"
    assert changed(config, after) == {"data.path"}


def test_the_target_of_a_table_is_no_place(tmp_path: Path) -> None:
    config = table(tmp_path)
    before = resolve(config, {}, REGISTRY)[0]
    config.data.target = "b"
    assert "data.target" in changed(before, resolve(config, {}, REGISTRY)[0])
