"""The first page: short, and its first hour works in its order."""

import re
import shlex
import subprocess
import sys

import pytest

from experiments.course.configs_page import page
from tests.lives import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def first_hour() -> list[list[str]]:
    """The commands of the block under "A first hour", without their comments."""
    block = re.search(r"## A first hour.*?```sh\n(.*?)```", README, re.DOTALL)
    assert block
    return [shlex.split(line, comments=True) for line in block[1].splitlines()]


def test_the_first_page_is_short_and_its_links_lead_somewhere():
    assert README.count("\n") <= 150 and len(README.encode()) <= 10_000
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README)
    assert len(links) > 5 and not [link for link in links if not (ROOT / link).is_file()]


def test_the_page_of_the_configs_says_what_their_docstrings_say():
    """To mend it: python -m experiments.course --configs > configs/README.md"""
    assert (ROOT / "configs" / "README.md").read_text(encoding="utf-8") == page()


@pytest.mark.slow
def test_the_first_hour_works_in_its_order(tmp_path):
    """In a copy of the clone's files: what a run writes lies beside it, as for a new user."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    commands = first_hour()
    assert len(commands) == 8
    for command in commands:
        assert command[:2] == ["python", "-m"]
        done = subprocess.run(
            [sys.executable, *command[1:]], cwd=clone, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert not done.returncode and done.stdout, f"{command}: {done.stderr[-2000:]}"
