"""Keys of config.data that the chosen data.name does not read are refused, with the command that makes them count."""

import pytest
from PIL import Image

from configs import assistant_sft, digits, gpt_quick
from experiments.building.own_data import resolve
from experiments.building.registry import REGISTRY
from experiments.building.unused_keys import check_used
from experiments.command_line.config_paths import apply
from experiments.run import main


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (
            digits,
            {"path": "rows.csv", "target": "y"},
            r"data.path='rows.csv' has no effect .*add --config.data.name=table",
        ),
        (digits, {"path": "."}, "add --config.data.name=image_folder"),
        (
            digits,
            {"target": "y"},
            "data.target='y' has no effect with data.name='digits'; add --config.data.name=table",
        ),
        (digits, {"shares": (0.5, 0.2, 0.2)}, "data.shares"),
        (digits, {"image_size": (8, 8)}, "data.image_size=.*add --config.data.name=image_folder"),
        (digits, {"name": "image_folder", "path": ".", "table.decimal": ","}, "data.table.decimal=','"),
        (digits, {"name": "image_folder", "target": "y"}, "without a path; add --config.data.path=FOLDER"),
        (digits, {"name": "table", "path": "rows.csv", "image_size": (8, 8)}, "data.image_size"),
        (digits, {"name": "table", "path": "a.parquet", "table.encoding": "cp1252"}, "a.parquet, which is no text"),
        (
            digits,
            {"name": "image_folder", "path": ".", "table.encoding": "cp1252"},
            "has no effect on ., which is no text",
        ),
        (digits, {"name": "table", "path": "a.csv", "table.indicator": True}, "add --config.data.table.missing=mean"),
        (gpt_quick, {"path": "a.txt"}, "data.path='a.txt' .*add --config.data.name=file,"),
        (gpt_quick, {"path": "a.npy"}, "add --config.data.name=token_file,"),
        (gpt_quick, {"encoding": "cp1252"}, "data.encoding='cp1252' .*add --config.data.name=file,"),
        (gpt_quick, {"name": "token_file", "path": "a.npy", "field": "text"}, "data.field='text'"),
    ],
)
def test_a_key_without_effect_is_refused(config, changes, message):
    changed = apply(config.get_config(), {f"data.{name}": value for name, value in changes.items()})
    with pytest.raises(ValueError, match=message) as error:
        check_used(changed.data)
    assert "\n" not in str(error.value)


def test_the_command_says_so_and_writes_nothing(tmp_path, capsys):
    words = ["--config=digits", f"--workdir={tmp_path / 'run'}", "--config.data.path=rows.csv"]
    assert (
        main(words) == 2 and "--config.data.name=table" in capsys.readouterr().err and not (tmp_path / "run").exists()
    )


def test_what_the_data_decide_is_not_set_by_hand(tmp_path):
    (tmp_path / "rows.csv").write_text(
        "a,part,y\n" + "1,train,1.5\n2,test,2.5\n3,train,0\n4,test,1\n" * 5, encoding="utf-8"
    )
    (tmp_path / "a.jsonl").write_text('{"prompt": "a", "response": "b"}\n', encoding="utf-8")
    for kind in ("cat", "dog"):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        Image.new("L", (2, 2)).save(tmp_path / "photos" / kind / "1.png")
    for config, given, message in (
        (digits, {"name": "table", "path": "rows.csv", "target": "y", "table.split": "part", "train": 5}, "data.train"),
        (digits, {"name": "table", "path": "rows.csv", "target": "y", "options.seed": 1}, "data.options.seed"),
        (digits, {"name": "image_folder", "path": "photos", "target": "y"}, "the sub-folders are the classes"),
        (assistant_sft, {"name": "file", "path": "a.jsonl", "answers": 2}, "data.answers"),
    ):
        keys = {f"data.{name}": value for name, value in given.items()}
        keys["data.path"] = str(tmp_path / given["path"])
        changed = config.get_config()
        with changed.unlocked():
            changed.data.options = {"seed": 1} if "options.seed" in given else {}
        with pytest.raises(ValueError, match=f"config.{message}.*leave it out|{message}; leave it out"):
            resolve(apply(changed, keys), keys, REGISTRY)
