"""Folders that hold no run: the commands that answer about them can be pasted into a shell."""

import shlex
from pathlib import Path

from experiments.run_directory.no_run import about_classes, about_folder
from tests.pretrained.folders import write_folder


def test_commands_quote_a_path_with_blanks(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a model's", "gpt2")
    _, _, command = about_folder(folder).partition("ask it by: ")
    wanted = ["python", "-m", "experiments.pipeline", "text-generation", f"--model={folder}", "TEXT"]
    assert shlex.split(command) == wanted
    _, _, command = about_classes(folder).partition("ask it by: ")
    assert shlex.split(command)[4] == f"--model={folder}"
