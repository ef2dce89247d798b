"""The command line: a config file, typed overrides, and one-line errors before any slow import."""

import ast
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from configs.grid import Sweep
from experiments.command_line import executors, processes
from experiments.command_line.choices import nearest
from experiments.command_line.config_paths import apply, check_path, flatten, is_optional, type_of
from experiments.command_line.options import Option, is_switch, parse_options
from experiments.command_line.own_file import SHIPPED, run_file
from experiments.command_line.values import join_values, read_value, wants_help
from nn_core.files import user_path

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = SHIPPED
CLONE = (ROOT / "pyproject.toml").is_file()  # else this is an installed package
OPTIONS = {  # of experiments.run beside --config and --config.KEY
    "workdir": Option(str, "the run directory (default: checkpoints/NAME, with the config's name)"),
    "part": Option(
        str, "only the K-th of N shares of a sweep's populations: K/N; without it the same command joins them"
    ),
    "dry_run": Option(
        bool, "say what would run: members, programs, memory, an estimate of the time; write nothing", False
    ),
    "sweep": Option(bool, "run the sweep that the config file defines; false: only its base config", True),
    "new": Option(str, "write a small commented config file that runs, of this name, such as my_sweep.py"),
    "plan": Option(bool, "only tell where each array of a run lies on the devices of config.mesh", False),
    **processes.OPTIONS,
    **executors.OPTIONS,
}
CONFIG = "config"
HELPERS = ("__init__", "base", "grid")  # files of configs/ that are not experiments


def default_place(cwd: Path, root: Path, clone: bool) -> Path:
    """Where run directories go by default: the clone's checkpoints for who works in the clone, else ./checkpoints.

    A run of another folder then finds another one by the path that configs name, checkpoints/NAME.

    >>> default_place(Path("/clone/tests"), Path("/clone"), True).as_posix()
    '/clone/checkpoints'
    >>> default_place(Path("/home/me"), Path("/clone"), True).as_posix()
    '/home/me/checkpoints'
    """
    inside = clone and root in (cwd, *cwd.parents)
    return (root if inside else cwd) / "checkpoints"


CHECKPOINTS = default_place(Path.cwd(), ROOT, CLONE)


class Arguments(NamedTuple):
    """What the command line says.

    Attributes:
        path: the config file.
        config: its config with the overrides applied.
        overrides: {"dotted.path": text} as given.
        get_sweep: config -> list of overrides, or None where the file defines no sweep or --sweep=false.
        options: the other options by name, None if not given; "help" is one of them.
        get_extensions: () -> the records that the file brings (a Registry), or None if it defines none.
    """

    path: Path
    config: ConfigDict
    overrides: dict[str, str]
    get_sweep: Callable[[ConfigDict], Sweep] | None
    options: dict[str, Any]
    get_extensions: Callable[[], Any] | None = None


def config_files() -> dict[str, str]:
    """{name: first line of its docstring} of every experiment under configs/."""
    files = {}
    for path in sorted(CONFIGS.glob("*.py")):
        if path.stem not in HELPERS and not path.name.startswith("."):  # ._x.py is what macOS puts beside x.py
            doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            files[path.stem] = doc.splitlines()[0] if doc else ""
    return files


def find_config(name: str) -> Path:
    """The file that --config names: a path, or the name of a file in configs/, which may stand before it in any folder.

    Raises:
        ValueError: there is no such file.
    """
    shipped = name.removeprefix(f"{CONFIGS.name}/")
    for candidate in (user_path(name), CONFIGS / shipped, CONFIGS / f"{shipped}.py"):
        if candidate.is_file() and candidate.suffix == ".py":
            return candidate
    if Path(name).exists():
        raise ValueError(f"--config={name} is not a Python file; a config is a .py file that defines get_config()")
    hint = nearest(Path(name).stem, config_files())
    raise ValueError(f"no config file {name!r}{hint or ';'} `python -m experiments.run` lists them")


def parse(argv: Sequence[str], options: Mapping[str, Option]) -> Arguments | None:
    """Reads the command line.

    Args:
        argv: the arguments without the program's name.
        options: the command's own options, besides --config and --config.KEY.
    Returns:
        The arguments, or None if no config is named.
    Raises:
        ValueError: anything mistyped, in one line.
    """
    argv = join_values(argv, lambda name: not is_config(name) and is_switch(name, options))
    named = [word for word in argv if word.startswith("--config=")]
    texts = [word for word in argv if word.startswith("--config.")]
    rest = [word for word in argv if not is_config(word.removeprefix("--").partition("=")[0]) or word[:2] != "--"]
    if "--config" in argv:
        raise ValueError("--config has no value; write --config=configs/NAME.py")
    values = read_rest(rest, options, named[0] if named else "")
    if not named:
        if texts and not wants_help(argv):
            raise ValueError("--config.… overrides a config file: add --config=configs/NAME.py before it")
        return None
    if len(named) > 1:
        raise ValueError(f"--config is given {len(named)} times; name one file")
    if named[0] == "--config=":
        raise ValueError("--config= is empty; write --config=configs/NAME.py")
    path = find_config(named[0].partition("=")[2])
    module = run_file(path)
    if "get_config" not in module:
        raise ValueError(f"{path} defines no get_config(); every config file does")
    template = checked(module["get_config"](), path)
    overrides = read_overrides(texts)
    config = apply(template, convert(template, overrides))
    sweep = module["get_sweep"] if "get_sweep" in module and values.get("sweep", True) else None
    return Arguments(path, config, overrides, sweep, values, module.get("get_extensions"))


def checked(config: Any, path: Path) -> ConfigDict:
    """What get_config() of a file returns. Raises ValueError where that is no config."""
    if not isinstance(config, ConfigDict):
        raise ValueError(f"{path}: get_config() returns {type(config).__name__}; return a config of base.experiment()")
    lacking = [name for name in ("name", "task", "table", "figures") if name not in config]
    if lacking:
        raise ValueError(f"{path}: the config of get_config() lacks {lacking[0]}; begin with base.experiment()")
    return config


def is_config(name: str) -> bool:
    """Whether an option is --config or --config.KEY."""
    return name == CONFIG or name.startswith(f"{CONFIG}.")


def read_rest(words: Sequence[str], options: Mapping[str, Option], named: str) -> dict[str, Any]:
    """The command's own options. For a config key that lacks the prefix `--config.`, the error says so.

    Raises:
        ValueError: an unknown name, or a value that does not convert.
    """
    for word in () if wants_help(words) else words:
        name, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("-"):
            refuse_lone(word, name, text, named)
        if not word.startswith("--") or name in options or is_switch_word(name, equals, options):
            continue
        known = [CONFIG, *options]
        close, key = nearest(name, known), key_meant(name, named)
        if key:
            value = f"={text}" if equals else "=VALUE"
            raise ValueError(f"unknown option --{name}; a key of the config is set by --config.{key}{value}")
        listed = ", ".join(f"--{option}" for option in known)
        raise ValueError(f"unknown option --{name}{close or ';'} there are {listed} and --config.KEY")
    return parse_options(words, options)


def refuse_lone(word: str, name: str, text: str, named: str) -> None:
    """Raises ValueError for a word without dashes that names a config or one of its keys; others are reported later."""
    if not named and word in config_files():
        raise ValueError(f"unexpected argument {word!r}; write --config={word}")
    if "=" in word and named and (key := key_meant(name.removeprefix(f"{CONFIG}."), named)):
        raise ValueError(f"unexpected argument {word!r}; write --config.{key}={text}")


def is_switch_word(name: str, equals: str, options: Mapping[str, Option]) -> bool:
    """Whether a word is `--noNAME` of a switch."""
    return not equals and name.startswith("no") and name[2:] in options and options[name[2:]].kind is bool


def key_meant(name: str, named: str) -> str:
    """The config key that was probably meant by a word without `--config.`, or the empty string."""
    first, dot, rest = name.partition(".")
    if dot and nearest(first, [CONFIG]):
        name = rest
    if not named:
        return name if dot else ""
    keys = flatten(run_file(find_config(named.partition("=")[2]))["get_config"]())
    if name in keys:
        return name
    ending = [key for key in keys if key.rsplit(".", 1)[-1] == name]
    return ending[0] if len(ending) == 1 else name if dot else ""


def read_overrides(words: Sequence[str]) -> dict[str, str]:
    """{"dotted.path": text} of the `--config.path=text` words.

    Raises:
        ValueError: a word without a value, or a key that is set twice.
    """
    overrides: dict[str, str] = {}
    for word in words:
        key, equals, text = word.removeprefix(f"--{CONFIG}.").partition("=")
        if not equals:
            raise ValueError(f"--config.{key} has no value; write --config.{key}=VALUE")
        if key in overrides:
            raise ValueError(f"--config.{key} is given twice ({overrides[key]} and {text}); give it once")
        overrides[key] = text
    return overrides


def convert(template: ConfigDict, overrides: Mapping[str, str]) -> dict[str, Any]:
    """The overrides as values of the keys' types; None unsets an optional key.

    Raises:
        ValueError: an unknown key, or a value that does not convert.
    """
    values = {}
    for key, text in overrides.items():
        check_path(template, key)
        kind, optional = type_of(template, key), is_optional(template, key)
        if not text and kind is not str or not text and optional:
            unset = f", or --config.{key}=None to leave it unset" if optional else f', or "--config.{key}=()" for none'
            unset = unset if optional or kind is tuple else ""
            raise ValueError(f"--config.{key}= is empty; write --config.{key}=VALUE{unset}")
        values[key] = read_value(f"--config.{key}", text, kind, optional)
    return values
