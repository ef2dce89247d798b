"""The house rules that a machine can check: the direction of imports, the size of files and functions, purity."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "nn_core").rglob("*.py")) + sorted((ROOT / "experiments").rglob("*.py"))
CONFIGS = sorted((ROOT / "configs").glob("*.py"))

# Layers of nn_core from the bottom to the top; a module imports from its own layer or from below.
LAYERS = (
    (
        "activations",
        "losses",
        "regularizers",
        "schedules",
        "optimizers",
        "metrics",
        "initializers",
        "statistics",
        "data",
        "text",
    ),
    ("models", "generation", "backpropagation", "gradient_descent", "surfaces", "annealing", "restarts", "likelihood"),
    ("tasks", "training", "verdicts", "diagnosis", "claims"),
    ("transfer",),
    ("formulas",),
)


def imports(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            # `from nn_core import losses` names the module after the import.
            names += [f"{node.module}.{a.name}" if node.module == "nn_core" else str(node.module) for a in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


def layer(module: str) -> int:
    part = module.split(".")[1]
    return next(index for index, names in enumerate(LAYERS) if part in names)


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    text = ast.get_docstring(node, clean=False)
    return node.end_lineno - node.lineno + 1 - (text.count("\n") + 1 if text else 0)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    names = imports(path)
    if path.is_relative_to(ROOT / "nn_core"):
        outside = [
            name
            for name in names
            if name.split(".")[0] in ("experiments", "configs", "tests", "absl", "ml_collections")
        ]
        assert not outside, f"nn_core imports {outside}"
        own = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if own.count(".") and not own.endswith("nn_core.__init__"):
            above = [n for n in names if n.startswith("nn_core.") and layer(n) > layer(own)]
            assert not above, f"{own} imports {above} from a layer above"
    assert not [name for name in names if name.split(".")[0] == "tests"]


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
