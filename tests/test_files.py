"""A file is the old one or the whole new one, and the way it gets there is one that Windows allows."""

import os
from pathlib import Path

import pytest

from nn_core import files
from nn_core.files import move, whole_file


@pytest.mark.parametrize("shared", [False, True])
def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "kept.txt"
    path.write_bytes(b"old")
    with whole_file(path, shared=shared) as part:
        part.write_bytes(b"new")
        assert path.read_bytes() == b"old" and part.parent == path.parent and part != path
        assert (str(os.getpid()) in part.name) == shared
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_a_block_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), whole_file(path) as part:
        part.write_bytes(b"ne")
        raise KeyError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "no" / "folder.txt") as part:
        part.write_bytes(b"new")


def test_a_rename_that_windows_refuses_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"1")
    real, refused = os.replace, []

    def replace(source: Path, target: Path) -> None:
        if len(refused) < 2:
            refused.append(source)
            raise PermissionError(13, "a virus scanner reads it")
        real(source, target)

    monkeypatch.setattr(files.os, "replace", replace)
    with pytest.raises(PermissionError):
        move(tmp_path / "a", tmp_path / "b")
    monkeypatch.setattr(files, "PAUSES", (0.0, 0.0))
    move(tmp_path / "a", tmp_path / "b")
    assert len(refused) == 2 and (tmp_path / "b").read_bytes() == b"1"
