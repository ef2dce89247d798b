"""The page of all experiments, by chapter of the course: configs/README.md, made from the configs' own docstrings."""

import ast
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.command_line.arguments import CONFIGS, config_files
from experiments.course.features_basics import FEATURES as BASICS
from experiments.course.features_models import FEATURES as MODELS
from experiments.course.features_practice import FEATURES as PRACTICE
from experiments.course.features_text import FEATURES as TEXT
from experiments.course.features_transformers import FEATURES as TRANSFORMERS
from experiments.course.records import Feature

CHAPTERS: Mapping[str, Sequence[Feature]] = {
    "Perceptrons, losses, networks by hand": BASICS,
    "Training: fit, regularization, optimizers, transfer": PRACTICE,
    "Words, tokens, sequences": TEXT,
    "Attention and Transformers": TRANSFORMERS,
    "Language models, from pre-training to assistants": MODELS,
}
REST = "Others"
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
    """The page as Markdown."""
    chapters: dict[str, list[Experiment]] = {name: [] for name in (*CHAPTERS, REST)}
    for name in config_files():
        chapter, features = place_of(name)
        chapters[chapter].append(read(name, features))
    parts = [INTRODUCTION]
    for title, rows in chapters.items():
        if rows:
            parts.append("\n".join([f"## {title}", "", *(line for row in rows for line in lines_of(row))]))
    return "\n".join(parts).rstrip() + "\n"


def place_of(name: str) -> tuple[str, tuple[str, ...]]:
    """The chapter of the first feature that names a config, and all features that do."""
    found = [
        (title, feature.id) for title, features in CHAPTERS.items() for feature in features if name in feature.configs
    ]
    return (found[0][0] if found else REST), tuple(id for _, id in found)


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
