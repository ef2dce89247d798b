"""The command line: a config file, typed overrides, and one-line errors before anything is imported that is slow."""

import ast
import runpy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from absl import flags
from ml_collections import ConfigDict, config_flags

from configs.grid import Sweep
from experiments.command_line.choices import nearest
from experiments.command_line.config_paths import check_path

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs"
CHECKPOINTS = ROOT / "checkpoints"  # default place of run directories
OPTIONS = {"workdir": None, "sweep": True, "help": False}  # of experiments.run beside --config
HELPERS = ("__init__", "base", "grid")  # files of configs/ that are not experiments


class Arguments(NamedTuple):
    """What the command line says.

    Attributes:
        path: the config file.
        config: its config with the overrides applied.
        overrides: {"dotted.path": text} as given.
        get_sweep: config -> list of overrides, or None where the file defines no sweep or --sweep=false.
        options: the other options by name (strings and booleans; None where not given).
    """

    path: Path
    config: ConfigDict
    overrides: dict[str, str]
    get_sweep: Callable[[ConfigDict], Sweep] | None
    options: dict[str, str | bool | None]


def config_files() -> dict[str, str]:
    """{name: first line of its docstring} of every experiment under configs/."""
    files = {}
    for path in sorted(CONFIGS.glob("*.py")):
        if path.stem not in HELPERS:
            doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            files[path.stem] = doc.splitlines()[0] if doc else ""
    return files


def find_config(name: str) -> Path:
    """The file that --config names: a path, or the name of a file in configs/.

    Raises:
        ValueError: there is no such file.
    """
    for candidate in (Path(name), CONFIGS / name, CONFIGS / f"{name}.py"):
        if candidate.is_file() and candidate.suffix == ".py":
            return candidate
    hint = nearest(Path(name).stem, config_files())
    raise ValueError(f"no config file {name!r}{hint}; `python -m experiments.run` lists them")


def parse(argv: Sequence[str], options: Mapping[str, str | bool | None]) -> Arguments | None:
    """Reads the command line.

    Args:
        argv: the arguments without the program's name.
        options: the command's own options with their defaults: a bool makes a switch, anything else takes text.
    Returns:
        The arguments, or None where no config is named.
    Raises:
        ValueError: anything mistyped, in one line.
    """
    check_words(argv, options)
    names = [word.split("=", 1)[1] for word in argv if word.startswith("--config=")]
    if not names:
        if any(word.startswith("--config.") for word in argv):
            raise ValueError("--config.… overrides a config file: add --config=configs/NAME.py before it")
        return None
    if len(names) > 1:
        raise ValueError(f"--config is given {len(names)} times; name one file")
    path = find_config(names[0])
    module = runpy.run_path(str(path))
    if "get_config" not in module:
        raise ValueError(f"{path} defines no get_config(); every config file does")
    template = module["get_config"]()
    overrides = dict(word[len("--config.") :].split("=", 1) for word in argv if word.startswith("--config."))
    for key in overrides:
        check_path(template, key)
    # The path must come first: the flags that override it are made from the file.
    ordered = [f"--config={path}", *(word for word in argv if not word.startswith("--config="))]
    values = read_flags(ordered, overrides, template, options)
    sweep = module["get_sweep"] if "get_sweep" in module and values.pop("sweep", True) else None
    return Arguments(path, values.pop("config"), overrides, sweep, values)


def check_words(argv: Sequence[str], options: Mapping[str, str | bool | None]) -> None:
    """Raises ValueError for a word that is no option, before a library sees it (absl ignores positional words)."""
    known = ["config", *options]
    for word in argv:
        if not word.startswith("--"):
            hint = f"; write --{word}" if "=" in word else ""
            raise ValueError(f"unexpected argument {word!r}{hint or '; every argument looks like --name=value'}")
        name, equals, _ = word[2:].partition("=")
        if name.startswith("config.") or name == "config":
            if not equals:
                raise ValueError(f"--{name} has no value; write --{name}=VALUE")
        elif name not in known and name.removeprefix("no") not in known:
            listed = ", ".join(f"--{option}" for option in known)
            raise ValueError(f"unknown option --{name}{nearest(name, known)}; there are {listed} and --config.KEY")


def read_flags(
    argv: Sequence[str], overrides: Mapping[str, str], template: ConfigDict, options: Mapping[str, str | bool | None]
) -> dict:
    """Parses with ml_collections, which converts each override to the type of its key.

    Raises:
        ValueError: a value that does not convert.
    """
    values = flags.FlagValues()
    config_flags.DEFINE_config_file("config", flag_values=values, sys_argv=["", *argv])
    for name, default in options.items():
        if isinstance(default, bool):
            flags.DEFINE_bool(name, default, "", flag_values=values)
        else:
            flags.DEFINE_string(name, default, "", flag_values=values)
    try:
        values(["", *argv])
    except (flags.Error, ValueError, TypeError) as error:
        raise ValueError(explain(str(error), overrides, template)) from error
    return {name: values[name].value for name in ["config", *options]}


def explain(message: str, overrides: Mapping[str, str], template: ConfigDict) -> str:
    """Names the override that a library's message is about."""
    for key, text in overrides.items():
        *sections, last = key.split(".")
        section = template
        for name in sections:
            section = section[name]
        kind = section.get_type(last)
        if not converts(text, kind):
            return f"--config.{key}={text} is not {'an' if kind is int else 'a'} {kind.__name__}"
    return " ".join(message.split())


def converts(text: str, kind: type) -> bool:
    """Whether a word reads as a value of this type."""
    try:
        if kind is bool:
            return text.lower() in ("true", "false", "1", "0", "yes", "no", "t", "f", "y", "n")
        if kind is tuple:
            return "(" not in text or isinstance(ast.literal_eval(text), tuple)
        kind(text)
    except (ValueError, SyntaxError):
        return False
    return True
