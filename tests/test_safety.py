"""Nothing here runs what a file says: no pickle, eval, exec, unsafe YAML, pickled arrays or shell commands."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {"yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen", "torch.load"}
KEYWORDS = {"allow_pickle", "shell"}


def offences(source: str) -> list[str]:
    """What a file must not do, as `line: what`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import):
            found += [f"{line}: import {alias.name}" for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(f"{line}: from {node.module}")
        elif isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id in CALLS:
                found.append(f"{line}: {function.id}()")
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                name = f"{function.value.id}.{function.attr}"
                found += [f"{line}: {name}()"] if name in METHODS else []
            for keyword in node.keywords:
                constant_false = isinstance(keyword.value, ast.Constant) and not keyword.value.value
                if keyword.arg in KEYWORDS and not constant_false:
                    found.append(f"{line}: {keyword.arg}=")
    return found


@pytest.mark.parametrize("package", ["nn_core", "experiments", "configs"])
def test_no_file_runs_what_another_file_says(package: str) -> None:
    paths = sorted((ROOT / package).rglob("*.py"))
    assert len(paths) > 3
    found = [
        f"{path.relative_to(ROOT)}:{what}" for path in paths for what in offences(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import joblib.numpy_pickle as x",
        "from cloudpickle import load",
        "eval('1')",
        "exec(text)",
        "yaml.load(file)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "subprocess.run(command, shell=True)",
        "os.system(command)",
    ],
)
def test_the_scan_finds_each_of_them(source: str) -> None:
    assert len(offences(source)) == 1


@pytest.mark.parametrize(
    "source", ["np.load(path, allow_pickle=False)", "re.compile(x)", "yaml.safe_load(f)", "model.eval()"]
)
def test_the_scan_leaves_harmless_code_alone(source: str) -> None:
    assert offences(source) == []
