"""A run on images of one's own, and prediction on a folder of them."""

import json

import numpy as np
import pytest
from PIL import Image

from experiments import predict
from experiments.run import main


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for kind, low in (("dark", 0), ("light ä", 150)):
        (folder / "all" / kind).mkdir(parents=True)
        for number in range(20):
            pixels = (low + rng.integers(0, 100, (9, 9))).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "all" / kind / f"{number:02}.png")
    return folder


def words(folder, path, *more):
    return [
        "--config=digits",
        f"--workdir={folder / 'run'}",
        "--config.data.name=image_folder",
        f"--config.data.path={path}",
        "--config.train.steps=30",
        "--config.hparams.learning_rate=0.01",
        *more,
    ]


def test_a_folder_of_classes_is_learned_and_a_folder_predicted(images, capsys):
    assert main(words(images, images / "all")) == 0
    told = capsys.readouterr().out
    assert "40 images of 9 x 9 x 1" in told and "train 24, validation 8, test 8" in told
    held = json.loads((images / "run" / "config.json").read_text(encoding="utf-8"))["config"]
    assert held["data"]["train"] == 24 and len(held["data"]["digest"]) == 64
    assert predict.main([f"--checkpoint={images / 'run'}", "--top_k=1", str(images / "all" / "light ä")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 20 and sum('"label": "light ä"' in line for line in lines) >= 18
    assert main(words(images, images / "all")) == 0 and "is finished" in capsys.readouterr().out
    Image.new("L", (9, 9)).save(images / "all" / "dark" / "20.png")
    assert main(words(images, images / "all")) == 2 and "data." in capsys.readouterr().err
    (images / "all" / "dark" / "20.png").unlink()


def test_what_does_not_do_is_one_line_and_leaves_nothing(images, tmp_path, capsys):
    for path, message in (
        (images / "none", "does not exist"),
        (images / "all" / "dark", "has 0 sub-folders"),
    ):
        assert main(words(tmp_path, path)) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1 and not (tmp_path / "run").exists()
    (tmp_path / "empty").mkdir()
    assert predict.main([f"--checkpoint={images / 'run'}", str(tmp_path / "empty")]) == 2
    assert "has no PNG or JPEG image" in capsys.readouterr().err


def test_a_table_of_labels_is_read_as_it_is_written(images, tmp_path, capsys):
    """The settings that the message names work."""
    files = sorted((images / "all").rglob("*.png"))
    rows = "".join(f"{file};{'größer' if file.parent.name == 'light ä' else 'klein'}\n" for file in files)
    (tmp_path / "labels.csv").write_bytes(f"file;label\n{rows}".encode("cp1252"))
    asked = [*words(tmp_path, tmp_path / "labels.csv"), "--dry_run"]
    assert main(asked) == 2
    assert "name its encoding: --config.data.table.encoding=cp1252" in capsys.readouterr().err
    assert main([*asked, "--config.data.table.encoding=cp1252", "--config.data.table.separator=;"]) == 0
    assert "classes: 2 (größer 20, klein 20)" in capsys.readouterr().out


def test_folders_of_train_and_test_are_the_split(images, tmp_path, capsys):
    for part, low in (("train", 0), ("test", 15)):
        for kind in ("dark", "light ä"):
            (tmp_path / "all" / part / kind).mkdir(parents=True)
            for number in range(low, 15 if low == 0 else 20):
                name = f"{kind}/{number:02}.png"
                (tmp_path / "all" / part / name).write_bytes((images / "all" / name).read_bytes())
    asked = words(tmp_path, tmp_path / "all")
    assert main([*asked, "--config.data.test=5"]) == 2 and "split by a column or by folders" in capsys.readouterr().err
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert "classes: 2 (dark 20, light ä 20)" in told and "train 22, validation 8, test 10, by its folders" in told
