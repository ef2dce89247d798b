"""The house rules that a machine can check: the direction of imports, the size of files and functions, purity."""

import ast
import re
from pathlib import Path

import pytest

from experiments.course.features_basics import FEATURES as BASICS
from experiments.course.features_models import FEATURES as MODELS
from experiments.course.features_practice import FEATURES as PRACTICE
from experiments.course.features_text import FEATURES as TEXT
from experiments.course.features_transformers import FEATURES as TRANSFORMERS

FEATURES = (*BASICS, *PRACTICE, *TEXT, *TRANSFORMERS, *MODELS)
ROOT = Path(__file__).parents[1]
PAGES = [path for path in sorted(ROOT.rglob("*.md")) if ".git" not in path.parts]
FILES = sorted((ROOT / "nn_core").rglob("*.py")) + sorted((ROOT / "experiments").rglob("*.py"))
CONFIGS = sorted((ROOT / "configs").glob("*.py"))

# The floors of both houses from the bottom to the top; a module imports from its own floor or from below.
FLOORS = {
    "nn_core": (
        ("largest", "files", "floats"),
        ("activations", "losses", "regularizers", "schedules", "optimizers", "metrics", "initializers"),
        ("data", "text"),
        ("models", "generation", "by_hand", "evidence"),
        ("tasks", "training"),
        ("transfer", "pretrained"),
        ("alignment",),
        ("formulas",),
    ),
    "experiments": (
        ("caching",),
        ("command_line",),
        ("run_directory",),
        ("building",),
        ("trained",),
        ("pipelines",),
        ("figures",),
        ("training",),
        ("studies",),
        ("execution",),
        ("report", "benchmark", "formulas", "course"),
        ("site",),
        ("results", "run", "sample", "predict", "vectors", "tokens", "compare", "pipeline", "export", "demo"),
    ),
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
LEFT_OUT = {"F108"}  # cited where the library says that it leaves it out
COMMAND = "__main__"  # of a room: it stands on the top floor, whatever its room


def imports(path: Path) -> list[str]:
    """Dotted names of all modules that a file imports, wherever in the file; `from a import b` gives a.b."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


def floor(module: str) -> int:
    """The number of a module's floor, 0 at the bottom."""
    house, room, *rest = module.split(".")
    if rest[:1] == [COMMAND] or rest[-1:] == [COMMAND]:
        return len(FLOORS[house])
    return next(number for number, rooms in enumerate(FLOORS[house]) if room in rooms)


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    text = ast.get_docstring(node, clean=False)
    return node.end_lineno - node.lineno + 1 - (text.count("\n") + 1 if text else 0)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    names = imports(path)
    parts = path.relative_to(ROOT).with_suffix("").parts
    own = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    if parts[0] == "nn_core":
        strangers = ("experiments", "configs", "absl", "ml_collections")
        assert not [name for name in names if name.split(".")[0] in strangers]
    if "." in own:
        above = [name for name in names if name.startswith(f"{parts[0]}.") and floor(name) > floor(own)]
        assert not above, f"{own} imports {above} from a floor above"
    assert not [name for name in names if name.split(".")[0] == "tests"]


@pytest.mark.parametrize("path", FILES + CONFIGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_sources_are_rows_of_the_course_map(path):
    """Not lines of notes that a reader does not have."""
    assert not re.findall(r"\bL\d{2,}", path.read_text(encoding="utf-8"))


def cited(text: str) -> set[str]:
    """The features that a docstring cites, ranges such as F091-F094 included."""
    found = re.findall(r"\bF(\d{3})(?:-F?(\d{3}))?", text)
    return {f"F{number:03d}" for first, last in found for number in range(int(first), int(last or first) + 1)}


def test_what_the_library_cites_has_a_place_in_the_course_map():
    built = {row.id for row in FEATURES if row.places} | LEFT_OUT
    for path in FILES:
        if path.is_relative_to(ROOT / "nn_core") and "formulas" not in path.parts:
            nodes = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, DOCUMENTED)]
            lost = set().union(*(cited(ast.get_docstring(node) or "") for node in nodes)) - built
            assert not lost, f"{path} cites {lost}; name its function in experiments/course/features_*.py"


def exists(module: str) -> bool:
    """Whether a dotted name is a module of this repository, or a name in one."""
    places = (ROOT.joinpath(*module.split(".")), ROOT.joinpath(*module.split(".")[:-1]))
    return any(place.with_suffix(".py").is_file() or (place / "__init__.py").is_file() for place in places)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_imported_exists(path):
    own = [name for name in imports(path) if name.split(".")[0] in ("nn_core", "experiments", "configs")]
    assert not [name for name in own if not exists(name)]


@pytest.mark.parametrize("house", FLOORS)
def test_every_room_has_its_floor(house):
    there = {path.stem for path in (ROOT / house).iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert there - {"__init__"} == {room for rooms in FLOORS[house] for room in rooms}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_configs_import_nothing_of_the_project_but_each_other(path):
    wrong = [name for name in imports(path) if name.split(".")[0] in ("nn_core", "experiments", "jax")]
    assert not wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_library_files_are_short_and_quiet(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300, "a library file holds one concept"
    tree = ast.parse(text)
    long = [
        f"{node.name}: {lines} lines"
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (lines := body_lines(node)) > 50
    ]
    assert not long
    if path.is_relative_to(ROOT / "nn_core"):
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
        assert "print" not in {call.func.id for call in calls}


# What only Linux, or only Linux and macOS, have. tests/experiments/test_other_systems.py runs the commands without.
POSIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"}
POSIX_NAMES = {
    "os": {
        "fork",
        "forkpty",
        "killpg",
        "getpgid",
        "setsid",
        "getuid",
        "geteuid",
        "sched_getaffinity",
        "sysconf",
        "uname",
    }
    | {"set_blocking", "mkfifo", "chown", "wait4", "symlink", "link", "nice", "O_DIRECTORY"},
    "signal": {
        "SIGKILL",
        "SIGHUP",
        "SIGUSR1",
        "SIGUSR2",
        "SIGALRM",
        "SIGPIPE",
        "SIGCHLD",
        "alarm",
        "setitimer",
        "pause",
    },
}


def posix_only(tree: ast.Module, text: str) -> list[str]:
    """What a file asks of the system that Windows does not have, unless it asks first whether it is there."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name in POSIX_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module in POSIX_MODULES:
            found.append(node.module)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.attr
            if name in POSIX_NAMES.get(node.value.id, ()) and f'hasattr({node.value.id}, "{name}")' not in text:
                found.append(f"{node.value.id}.{name}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(("/tmp", "/dev")):
            found.append(node.value)
    return found


def by_hand(tree: ast.Module) -> list[str]:
    """What nn_core/files.py does for every system: renames, and the home folder."""
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return [
        node.attr
        for node in attributes
        if node.attr in ("rename", "expanduser") or ast.unparse(node) in ("os.replace", "os.rename")
    ]


def without_newline(tree: ast.Module) -> list[int]:
    """Lines that open a text file for writing without saying what ends a line there: Windows would write \\r\\n."""
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        named = {keyword.arg for keyword in node.keywords}
        modes = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        writes = any(re.fullmatch(r"[wax]\+?t?", mode) for mode in modes)
        if (name == "write_text" or (name == "open" and writes)) and "newline" not in named:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("path", FILES + CONFIGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_asks_for_what_only_linux_has(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert (posix_only(tree, text), without_newline(tree)) == ([], [])
    assert path == ROOT / "nn_core" / "files.py" or by_hand(tree) == []


def test_what_only_linux_has_is_noticed() -> None:
    text = (
        'import fcntl\nos.fork()\nopen("x", "w")\nhasattr(os, "getuid") and os.getuid()\np.write_text("", newline="")'
    )
    assert posix_only(ast.parse(text), text) == ["fcntl", "os.fork"]
    assert without_newline(ast.parse(text)) == [3]
    assert by_hand(ast.parse("os.replace(a, b)\n(a / b).rename(c)\ntext.replace(a, b)")) == ["replace", "rename"]


@pytest.mark.parametrize("path", [*FILES, *CONFIGS, *PAGES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_command_can_be_pasted_into_a_shell(path):
    """Brackets are syntax there: a value is written without them, or the whole option stands in quotes."""
    found = re.findall(r"(?<![\"'])--config[.][\w.]+=[(\[]", path.read_text(encoding="utf-8"))
    assert not found
