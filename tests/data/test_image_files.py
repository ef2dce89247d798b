"""Images of one's own: class folders and tables of labels."""

import numpy as np
import pytest
from PIL import Image

from nn_core.data.image_files import list_folder, list_parts, list_table, read_listing
from nn_core.data.table_file import read_table


def save(path, height=6, width=5, mode="L", value=9):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (width, height), value if mode == "L" else (value,) * 3).save(path)


@pytest.fixture
def folder(tmp_path):
    for place, name in enumerate(("cats/1.png", "cats/deep/2.png", "dogs/1.png", "dogs/2.png")):
        save(tmp_path / "images" / name, value=10 * place)
    (tmp_path / "images" / "dogs" / "._2.png").write_bytes(b"macOS")
    (tmp_path / "images" / ".hidden").mkdir()
    return tmp_path / "images"


def test_class_folders_and_a_table_of_labels_are_one_data_set(folder):
    dataset = read_listing(list_folder(folder))
    assert dataset.inputs.shape == (4, 6, 5, 1) and dataset.target_names == ("cats", "dogs")
    assert dataset.targets.tolist() == [0, 0, 1, 1]
    (folder / "labels.csv").write_text(
        "file,label\ndogs/2.png,dogs\ncats/1.png,cats\ncats/deep/2.png,cats\n", encoding="utf-8"
    )
    listed = read_listing(list_table(read_table(folder / "labels.csv"), folder, None))
    assert listed.targets.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(listed.inputs, dataset.inputs[[3, 0, 1]])


def test_a_size_is_found_or_asked_for_with_the_words_to_type(folder):
    save(folder / "dogs" / "3.png", 8, 8, "RGB")
    with pytest.raises(
        ValueError, match=r"has 6 x 5 pixels .* and 1 channel and dogs/3.png has 8 x 8 .*image_size=6,5,1"
    ):
        read_listing(list_folder(folder))
    assert read_listing(list_folder(folder), (6, 5, 1)).inputs.shape == (5, 6, 5, 1)
    assert read_listing(list_folder(folder), (4, 4)).inputs.shape == (5, 4, 4, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: read_listing(list_folder(folder), (6,)), "must be .height, width."),
        (lambda folder: read_listing(list_folder(folder), (6, 5, 2)), "must be .height, width."),
        (lambda folder: read_listing(list_folder(folder), limit=10), "images of 6 x 5 x 1 need"),
        (lambda folder: list_folder(folder / "cats"), "has 1 sub-folders"),
        (lambda folder: ((folder / "empty").mkdir(), list_folder(folder)), "empty has no image"),
    ],
)
def test_folders_that_do_not_do_are_refused(folder, change, message):
    with pytest.raises(ValueError, match=message):
        change(folder)


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("file,label\ncats/9.png,cats\n", None, "line 2: there is no file"),
        ("file,label\ncats/1.png,\n", None, "line 2 has no label"),
        ("file,label\ncats/1.png,cats\ncats/1.png,dogs\n", None, "line 3 names 1.png as 'dogs', and line 2 as 'cats'"),
        ("file,label\ncats/1.png,cats\ncats/../cats/1.png,dogs\n", None, "line 3 names 1.png as 'dogs', and line 2"),
        ("name,label\ncat,cats\n", None, "no column of image files"),
        ("file,kind\ncats/1.png,cats\n", None, "has no column named label, class, target"),
        ("file,kind\ncats/1.png,cats\n", "sort", "data.target='sort' is not a column"),
    ],
)
def test_tables_of_labels_that_do_not_do_are_refused(folder, text, target, message):
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        list_table(read_table(folder / "labels.csv"), folder, target)


SHARES = (0.6, 0.2, 0.2)


def test_folders_of_parts_are_the_split(tmp_path):
    for name in ("train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "train/dog/2.png"):
        save(tmp_path / name)
    for name in ("test/cat/1.png", "test/dog/1.png"):
        save(tmp_path / name)
    found = list_parts(tmp_path, SHARES)
    assert set(found.labels) == {"cat", "dog"} and found.sizes == (3, 1, 2)
    assert [file.parent.parent.name for file in found.files] == ["train"] * 4 + ["test"] * 2
    save(tmp_path / "val" / "dog" / "9.png")
    save(tmp_path / "val" / "cat" / "9.png")
    found = list_parts(tmp_path, SHARES)
    assert found.sizes == (4, 2, 2) and found.files[4].parent.parent.name == "val"
    save(tmp_path / "test" / "fox" / "1.png")
    with pytest.raises(ValueError, match="class 'fox' has none of the 4 training examples and 1 of the others; give"):
        list_parts(tmp_path, SHARES)
    (tmp_path / "test").rename(tmp_path / "training")
    with pytest.raises(ValueError, match="gives no example to test; a run needs train and test"):
        list_parts(tmp_path, SHARES)


def test_a_drawn_validation_leaves_an_image_of_each_class(tmp_path):
    names = ("train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "test/dog/1.png")
    for name in names:
        save(tmp_path / name)
    with pytest.raises(
        ValueError, match="gives 2 examples to train and none to validation, .* one of each class; give mo"
    ):
        list_parts(tmp_path, SHARES)
    save(tmp_path / "train/dog/2.png")
    found = list_parts(tmp_path, SHARES)
    assert found.sizes == (2, 1, 2) and found.labels == ("cat", "dog", "dog", "cat", "dog")


def test_classes_that_are_named_like_parts_stay_classes(tmp_path):
    for name in ("train/1.png", "test/1.png"):
        save(tmp_path / name)
    assert list_parts(tmp_path, SHARES) == list_folder(tmp_path)
