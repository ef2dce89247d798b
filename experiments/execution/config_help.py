"""The part of --help about a config: every key with its value, its range or choices, and an explanation.

Explanations come from the keys of configs/base.py and from the comments in the config's own file.
"""

import ast
import io
import tokenize
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from configs import base
from experiments import studies
from experiments.building.ranges import keys_of
from experiments.building.records import EXAMPLES, TEXT, Kind, serving
from experiments.building.registry import REGISTRY
from experiments.building.supervised import CLASS_WEIGHTS, STANDARDIZATIONS
from experiments.command_line.arguments import CONFIGS, Arguments
from experiments.command_line.config_paths import flatten, is_optional, section_of, type_of
from experiments.command_line.options import listing
from experiments.figures import FIGURES
from nn_core.activations import ACTIVATIONS
from nn_core.data.sequence_sources import SEQUENCES
from nn_core.data.sources import DATASETS
from nn_core.data.text import TEXTS
from nn_core.initializers import INITIALIZERS
from nn_core.models.recurrent.cells import CELLS
from nn_core.optimizers import OPTIMIZERS
from nn_core.schedules import SCHEDULES
from nn_core.text.tokenizers import TOKENIZERS

BASE = Path(base.__file__)
SETTABLE = (bool, int, float, str, tuple)


def config_help(arguments: Arguments) -> str:
    """The part of --help that is about one config.

    Args:
        arguments: the command line, which names the config; overrides are shown as values.
    Returns:
        What the config shows, its keys, and how a run of it continues.
    """
    config = arguments.config
    doc = ast.get_docstring(ast.parse(arguments.path.read_text(encoding="utf-8"))) or ""
    comments = Comments(arguments.path)
    lines = [f"{arguments.path.name}: {doc}", "", "keys, with the values that they have now (--config.KEY=VALUE):"]
    section = ""
    for path, value in flatten(config).items():
        above = path.rpartition(".")[0]
        if above != section:
            section = above
            lines.append("")
        lines += listing({f"{path}={show(value)}": about(config, path, comments)})
    return "\n".join(lines)


def about(config: ConfigDict, path: str, comments: "Comments") -> str:
    """Range or choices of a key, and what it is."""
    kind = type_of(config, path)
    names, key = choices_of(config, path), key_of(config, path)
    comment = comments.of(config, path) if key is None else key.about
    if names and (comment.startswith("see ") or comment == ", ".join(names)):
        comment = ""
    parts = [
        f"{kind.__name__}{' or None' if is_optional(config, path) else ''}" if kind in SETTABLE else "",
        f"one of {', '.join(names)}" if names and kind is str else f"of {', '.join(names)}" if names else "",
        f"{'of' if interval == base.SIZES else 'in'} {interval}"
        if (interval := range_of(config, path)) and kind is not str
        else "",
        comment,
    ]
    return "; ".join(part for part in parts if part)


def range_of(config: ConfigDict, path: str) -> str:
    """The interval of a number, or the empty string."""
    if path.startswith("task.") and config.task.name in studies.STUDIES:
        return studies.STUDIES[config.task.name].settings.get(path.removeprefix("task."), "")
    key = key_of(config, path)
    return "" if key is None else key.range


def key_of(config: ConfigDict, path: str) -> base.Key | None:
    """The declaration of a key; in a config that holds the keys of several models, also that of another model."""
    key = keys_of(config, REGISTRY).get(path)
    if key is None and path.startswith("model."):
        name = path.removeprefix("model.")
        return next((model.keys[name] for model in REGISTRY.models.values() if name in model.keys), None)
    return key


def kind_of(config: ConfigDict) -> Kind | None:
    """The kind of the config's task; None for a study."""
    return REGISTRY.tasks.get(config.task.name)


def choices_of(config: ConfigDict, path: str) -> tuple[str, ...]:
    """The names that a key may choose from; none if it is not such a choice."""
    return tuple(CHOICES[path](config)) if path in CHOICES else ()


def of_table(table: Iterable[str]) -> Callable[[ConfigDict], Iterable[str]]:
    """The names of a table that is the same for every config."""
    return lambda config: table


def tasks_like(config: ConfigDict) -> Iterable[str]:
    """The tasks that read the same keys."""
    kind = kind_of(config)
    return (
        (config.task.name,) if kind is None else [n for n, other in REGISTRY.tasks.items() if other.keys is kind.keys]
    )


def models_for(config: ConfigDict) -> Iterable[str]:
    """The models that serve the config's task and whose keys it has."""
    kind = kind_of(config)
    able = () if kind is None else serving(REGISTRY, kind.form)
    return [name for name in able if set(REGISTRY.models[name].keys) <= set(config.model)]


def data_for(config: ConfigDict) -> Iterable[str]:
    """The data sets of the task."""
    kind = kind_of(config)
    if kind is None or kind.form == EXAMPLES:
        return DATASETS
    return (*TEXTS, "file", "token_file") if kind.form == TEXT else SEQUENCES


def drawable(config: ConfigDict) -> Iterable[str]:
    """The figures that can draw a run of the config."""
    return studies.drawable(config.task.name, FIGURES)


CHOICES: Mapping[str, Callable[[ConfigDict], Iterable[str]]] = {
    "optimizer.name": of_table(OPTIMIZERS),
    "schedule.name": of_table(SCHEDULES),
    "task.name": tasks_like,
    "task.class_weights": of_table(CLASS_WEIGHTS),
    "model.name": models_for,
    "model.activation": of_table(ACTIVATIONS),
    "model.initializer": of_table(INITIALIZERS),
    "model.cell": of_table(CELLS),
    "data.name": data_for,
    "data.standardize": of_table(STANDARDIZATIONS),
    "data.tokenizer": of_table(TOKENIZERS),
    "figures": drawable,
    "checkpoint.resume": of_table(("auto", "fresh", "never")),
}


def show(value: Any) -> str:
    """A value as it may be typed."""
    if isinstance(value, tuple):
        return f"({','.join(map(str, value))}{',' if len(value) == 1 else ''})"
    return value.encode("unicode_escape").decode() if isinstance(value, str) else str(value)


class Comments:
    """The comments beside the keys of a config file, of the configs that it starts from, and of configs/base.py."""

    def __init__(self, path: Path):
        self.tables = [table for file in dict.fromkeys((BASE, path, *starts_from(path))) for table in tables_of(file)]

    def of(self, config: ConfigDict, path: str) -> str:
        """What the comment beside a key says, in the dict of the files that is most like its section."""
        section, key = section_of(config, path)
        if path.startswith("data.options."):
            return "argument of the loader that data.name names"
        there = [table for table in self.tables if table.get(key)]
        if key == "name" and section is not config:  # every section has a name: one of another section tells nothing
            there = [table for table in there if set(section) <= set(table)]
        best = min(there, key=lambda table: (len(set(section) - set(table)), len(table)), default={})
        return best.get(key, "")


def starts_from(path: Path) -> list[Path]:
    """The other configs that a config file imports."""
    imported = [
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == CONFIGS.name
        for alias in node.names
    ]
    return [file for name in imported if (file := CONFIGS / f"{name}.py").is_file()]


@cache
def tables_of(path: Path) -> tuple[dict[str, str], ...]:
    """{key: comment} of every dict literal of a file, and of the assignments to `config.KEY` in each of its functions."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    beside = {
        # A comment that has a line of its own is about the line below it.
        token.start[0] + lines[token.start[0] - 1].lstrip().startswith("#"): token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    tree = ast.parse(text)
    tables: list[dict[str, str]] = [
        {str(key.value): beside.get(key.lineno, "") for key in node.keys if isinstance(key, ast.Constant)}
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
    ]
    assigned = [
        {
            target.attr: beside.get(node.lineno, "")
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "config"
        }
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
    ]
    return (*tables, *assigned)
