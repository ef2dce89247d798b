"""Texts of one's own with classes: what is read from a table and from JSON lines, and what is refused."""

import json
from pathlib import Path

import pytest

from configs import finetune_classifier
from experiments.building.own_data import resolve
from experiments.building.registry import REGISTRY
from experiments.building.unused_keys import check_used
from experiments.run_directory.earlier import completed
from nn_core.data.labelled_texts import read_labelled_texts
from nn_core.text.characters import CharacterTokenizer

ROWS = [("fine,\nreally", "good"), ("so \u2028 bad", "bad"), ("fine again", "good"), ("bad", "bad")]


def table(folder: Path) -> str:
    path = folder / "rows.csv"
    path.write_text("text,label\n" + "".join(f'"{text}", {label}\n' for text, label in ROWS), encoding="utf-8-sig")
    return str(path)


def lines(folder: Path) -> str:
    path = folder / "rows.jsonl"
    records = [{"text": text, "label": label == "good", "n": None} for text, label in ROWS]
    path.write_text("\n\n".join(json.dumps(one, ensure_ascii=False) for one in records), encoding="utf-8")
    return str(path)


def test_a_table_and_lines_of_json(tmp_path: Path) -> None:
    found = read_labelled_texts(table(tmp_path), "label")
    assert found.texts == tuple(text for text, _ in ROWS)
    assert found.labels.tolist() == [1, 0, 1, 0] and found.label_names == ("bad", "good")
    again = read_labelled_texts(lines(tmp_path), "label", "text")
    assert again.texts == found.texts and again.labels.tolist() == [1, 0, 1, 0]
    assert again.label_names == ("False", "True")
    other = read_labelled_texts(table(tmp_path), "label", classes=("good", "bad"))
    assert other.labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("text,label\na,x\nb,x\n", {}, "has the class 'x' only"),
        ("text,label\na,x\nb,y\nc,z\n", {}, "has 3 different values in 3 rows, which are no classes"),
        ("text,label\na,x\n,y\nc,y\nd,x\n", {}, "line 3 has nothing in the column 'text'"),
        ("text,label\na,x\nb,y\nc,y\nd,\n", {}, "line 5 has nothing in the column 'label'"),
        ("text,label\na,x\nb,y\nc,y\nd,x\n", {"classes": ("x",)}, "line 3 has the class 'y', which is none of x"),
        ("text,label\na,x\nb,y\n", {"text": "txt"}, "there is no column 'txt'; give --config.data.text="),
        ("text,label\na,x\nb,y\n", {"text": "label"}, "cannot be text and class at once"),
        ("n,text,label\n1,a,x\n2,b,y\n", {}, "several columns could be the text"),
        ("text,kind\na,x\nb,y\n", {}, "there is no column 'label'; give --config.data.target="),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, content: str, options: dict, said: str) -> None:
    (tmp_path / "x.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="(?s)^[^\n]*$") as caught:
        read_labelled_texts(str(tmp_path / "x.csv"), "label", **options)
    assert said in str(caught.value)


def test_a_config_is_fitted_to_a_table(tmp_path: Path) -> None:
    config = finetune_classifier.get_config()
    config.data.update({"name": "table", "path": table(tmp_path), "target": "label"})
    fitted, told = resolve(config, {"data.name", "data.path", "data.target"}, REGISTRY)
    data = fitted.data
    assert data.classes == ("bad", "good") and data.digest and not data.options.to_dict()
    assert (data.train, data.validation, data.test, data.batch_size) == (2, 1, 1, 2)
    assert "classes: 2 (bad 2, good 2)" in told[1]
    Path(data.path).write_text("text,label\na,bad\nb,good\nc,bad\nd,good\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has changed: its sha256 is"):
        resolve(fitted, set(), REGISTRY)


def test_characters_that_the_source_has_no_token_for_are_told(tmp_path: Path) -> None:
    """They were left out of the training without a word."""
    CharacterTokenizer("abdghilnorstx e").save(tmp_path / "tokenizer.json")
    config = finetune_classifier.get_config()
    config.data.update({"name": "table", "path": str(tmp_path / "x.csv"), "target": "label"})
    config.transfer.source = str(tmp_path)
    (tmp_path / "x.csv").write_text("text,label\na dog!,bad\nb,good\nc?,bad\nd,good\n", encoding="utf-8")
    _, told = resolve(config, {"data.name", "data.path", "data.target"}, REGISTRY)
    assert told[1].startswith("warning: 3 characters of the texts ('!' '?' 'c') without a token in ")
    (tmp_path / "x.csv").write_text("text,label\na dog,bad\nb,good\nh,bad\nd,good\n", encoding="utf-8")
    assert not [line for line in resolve(config, set(), REGISTRY)[1] if "warning" in line]


def test_keys_of_a_table_do_nothing_elsewhere() -> None:
    config = finetune_classifier.get_config()
    config.data.text = "review"
    with pytest.raises(ValueError, match="has no effect with data.name='generated_spam'; add --config.data.name=table"):
        check_used(config.data)


def test_a_run_of_an_earlier_version_has_the_new_keys() -> None:
    config = finetune_classifier.get_config().to_dict()
    whole = completed(config)
    for key in ("path", "target", "text", "classes", "digest"):
        del config["data"][key]
    assert completed(config) == whole
