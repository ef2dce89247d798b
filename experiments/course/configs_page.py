"""The page of all experiments, by chapter of the course: configs/README.md, made from the configs' own docstrings."""

import ast
import re
from typing import NamedTuple

from experiments.command_line.arguments import CONFIGS
from experiments.course.lessons import LESSONS
from experiments.course.table import FEATURES

INTRODUCTION = """# Experiments

Each is `python -m experiments.run --config=NAME`. Offline, unless it says download. Every number was measured as the
config's docstring says; the docstring says more, also where a result contradicts the course. This page is made by
`python -m experiments.course --configs > configs/README.md`, and a test holds it against the docstrings.
"""


class Experiment(NamedTuple):
    """A row of the page.

    Attributes:
        name: of the config.
        about: the first line of its docstring.
        measured: its paragraph of measured numbers; "" where it has none.
        features: ids of the course map that name it.
    """

    name: str
    about: str
    measured: str
    features: tuple[str, ...]


def page() -> str:
    """The page as Markdown, chapter by chapter."""
    parts = [INTRODUCTION]
    for lesson in LESSONS:
        rows = [read(name, features_of(name)) for name in lesson.configs]
        if rows:
            parts.append("\n".join([f"## {lesson.title}", "", *(line for row in rows for line in lines_of(row))]))
    return "\n".join(parts).rstrip() + "\n"


def features_of(name: str) -> tuple[str, ...]:
    """The features that name a config."""
    return tuple(feature.id for feature in FEATURES if name in feature.configs)


def read(name: str, features: tuple[str, ...]) -> Experiment:
    """What a config's docstring says."""
    text = (CONFIGS / f"{name}.py").read_text(encoding="utf-8")
    paragraphs = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")
    measured = [" ".join(part.split()) for part in paragraphs if re.match(r"(Measured|Result)", part)]
    return Experiment(name, paragraphs[0].splitlines()[0], " ".join(measured), features)


def lines_of(row: Experiment) -> list[str]:
    """The entry of an experiment."""
    ids = f" ({', '.join(row.features)})" if row.features else ""
    head = f"**[`{row.name}`]({row.name}.py)** {row.about}{ids}"
    return [head, *(["", row.measured] if row.measured else []), ""]
