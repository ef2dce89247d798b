"""Every config file: it says its command, it passes every check, and it runs for a step."""

import ast
from pathlib import Path

import pytest

from experiments.arguments import CONFIGS, HELPERS, parse
from experiments.execute import prepare
from experiments.run import OPTIONS, main

FILES = sorted(path for path in CONFIGS.glob("*.py") if path.stem not in HELPERS)
NEEDS_DATA = (
    "gpt_shakespeare",
    "gpt_shakespeare_baby",
    "mnist_cnn",
)  # data that are downloaded: they say so, in one line
MOST = 4  # members of a sweep that are checked
SMALL = ["--config.train.steps=2", "--config.train.eval_every=2", "--config.train.log_every=1", "--config.num_seeds=1"]


def spread(members: list) -> list:
    """At most MOST members of a sweep, the first and the last among them."""
    last = len(members) - 1
    return [members[index] for index in sorted({round(place * last / (MOST - 1)) for place in range(MOST)})]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_docstring_says_what_it_shows_and_how(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text is not None and text.splitlines()[0].endswith(".")
    assert f"python -m experiments.run --config=configs/{path.stem}.py" in text


@pytest.mark.parametrize("path", [p for p in FILES if p.stem not in NEEDS_DATA], ids=lambda path: path.stem)
def test_it_passes_every_check(path, tmp_path):
    words = [f"--config={path}", "--config.num_seeds=1"]
    arguments = parse(words, OPTIONS)
    whole = arguments.get_sweep
    if whole is not None:  # from its beginning to its end, but not every structure: that takes minutes for all configs
        arguments = arguments._replace(get_sweep=lambda config: spread(whole(config)))
    prepared = prepare(arguments, tmp_path / "run")
    assert prepared.directory == tmp_path / "run"


SWEEPS = [pytest.param(name, marks=pytest.mark.slow) for name in ("multiclass", "early_stopping", "l1_vs_l2")]


@pytest.mark.parametrize("name", ["digits", *SWEEPS])
def test_a_training_runs_for_a_step_and_draws_its_figures(name, tmp_path, capsys):
    overrides = [] if name != "digits" else SMALL[:3]
    words = [f"--config=configs/{name}.py", *(overrides or SMALL), f"--workdir={tmp_path / 'run'}"]
    assert main(words) == 0, capsys.readouterr().err
    assert (tmp_path / "run" / "results.csv").is_file()
    assert list((tmp_path / "run" / "figures").glob("*.png"))


@pytest.mark.slow
@pytest.mark.parametrize("path", [p for p in FILES if p.stem not in NEEDS_DATA], ids=lambda path: path.stem)
def test_it_runs_for_real(path: Path, tmp_path, capsys):
    assert main([f"--config={path}", f"--workdir={tmp_path / 'run'}"]) == 0, capsys.readouterr().err
    assert (tmp_path / "run" / "results.csv").is_file()
