"""Every config file: it says its command, it passes every check, and it runs for a step."""

import ast
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.building.experiment import build
from experiments.building.ranges import check_ranges, ranges_of
from experiments.building.registry import REGISTRY
from experiments.command_line.arguments import CONFIGS, HELPERS, OPTIONS, parse
from experiments.command_line.config_paths import apply
from experiments.execution.prepare import Prepared, prepare
from experiments.figures import ANIMATIONS, FIGURES
from experiments.run import main
from experiments.run_directory import results
from experiments.run_directory.settings import by_setting
from experiments.run_directory.table import remarks
from experiments.studies import STUDIES
from experiments.training.plan import expand, structure
from tests.configs.accepted import ACCEPTED, missed
from tests.experiments.boxes import faults

FILES = sorted(path for path in CONFIGS.glob("*.py") if path.stem not in HELPERS)
NEEDS_DATA = (
    "gpt_shakespeare",
    "gpt_shakespeare_baby",
    "mnist_cnn",
    "multi30k",
    "multi30k_quick",
)  # data that are downloaded: they say so, in one line
# What starts from another run: the stages of configs/alignment.py run in tests/experiments/test_alignment_stages.py, the
# others in tests/experiments/test_fine_tuning.py, test_image_fine_tuning.py and test_text_fine_tuning.py.
NEEDS_RUN = (
    *("alignment", "assistant_sft", "reward_model", "ppo", "grpo", "dpo"),
    *("finetune_classifier", "finetune_lora", "finetune_images", "finetune_text", "finetune_pairs"),
)
READY = [path for path in FILES if path.stem not in NEEDS_DATA + NEEDS_RUN]
LARGE = ("t5_pretrain", "t5_quick")  # whose tokenizer takes seconds to train
CHECKED = [pytest.param(path, marks=[pytest.mark.slow] if path.stem in LARGE else []) for path in READY]
MOST = 4  # members of a sweep that are checked
SMALL = ["--config.train.steps=2", "--config.train.eval_every=2", "--config.train.log_every=1", "--config.num_seeds=1"]
# Keys that count steps, and what fits a run of two.
STEPS = {"schedule.warmup_steps": 0, "pruning.begin": 0, "pruning.end": 1, "pruning.every": 1, "search.rungs": ()}


def shortened(name: str, *more: str) -> list[str]:
    """The words that run a config for two steps."""
    words = [f"--config={CONFIGS / name}.py", *SMALL, *more]
    config = parse(words, OPTIONS).config
    here = [key for key in STEPS if config.get(key.split(".")[0]) and key.split(".")[1] in config[key.split(".")[0]]]
    return words + [f"--config.{key}={STEPS[key]}" for key in here if config[key.split(".")[0]][key.split(".")[1]]]


def spread(members: list, most: int = MOST) -> list:
    """At most so many members of a sweep, the first and the last among them."""
    last = len(members) - 1
    return [members[index] for index in sorted({round(place * last / (most - 1)) for place in range(most)})]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_docstring_says_what_it_shows_and_how(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text is not None and text.splitlines()[0].endswith(".")
    assert f"python -m experiments.run --config=configs/{path.stem}.py" in text


def prepared_with(path: Path, folder: Path, choose: Callable[[list], list], **changes: Any) -> Prepared:
    """A config after its checks, with some changes and the members of its sweep that `choose` leaves."""
    arguments = parse([f"--config={path}", "--config.num_seeds=1"], OPTIONS)
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    arguments = arguments._replace(config=apply(arguments.config, changes))
    whole = arguments.get_sweep
    if whole is not None:
        arguments = arguments._replace(get_sweep=lambda config: choose(whole(config)))
    return prepare(arguments, folder / "run")


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: path.stem)
def test_it_passes_every_check(path, tmp_path):
    config = parse([f"--config={path}"], OPTIONS).config
    # One block of a transformer is checked as well as many, which take long to trace.
    changes = {"model__layers_num": 1} if "layers_num" in config.get("model", ()) else {}
    assert prepared_with(path, tmp_path, lambda members: members[:1], **changes).directory == tmp_path / "run"


@pytest.mark.parametrize("path", [p for p in READY if "def get_sweep" in p.read_text()], ids=lambda path: path.stem)
def test_every_member_of_its_sweep_has_values_in_range_and_can_be_built(path):
    arguments = parse([f"--config={path}", "--config.num_seeds=1"], OPTIONS)
    members = expand(arguments.config, arguments.get_sweep)
    rows = [{"label": member.config.label, "overrides": member.overrides} for member in members]
    labels = {row["label"] for row in rows} - {""}
    assert not labels or set(by_setting(rows)) == labels, "a label stands for one setting"
    if arguments.config.task.name not in STUDIES:
        for member in members:
            check_ranges(member.config, ranges_of(member.config, REGISTRY))
        structures = {structure(member.config): member.config for member in members}
        for config in spread(list(structures.values()), 2):
            build(config)


@pytest.mark.slow  # not every structure either: that takes minutes for all configs
@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_members_from_the_beginning_of_its_sweep_to_its_end_pass_every_check(path, tmp_path):
    assert prepared_with(path, tmp_path, spread).directory == tmp_path / "run"


TRAINED = [path.stem for path in READY if "train" in parse([f"--config={path}"], OPTIONS).config]
# Every run takes seconds to compile; the default tests take those whose figures read what only a sweep has.
QUICK = {"digits": [], "early_stopping": ["--config.hparams.patience=10"], "model_complexity": []}
BASE = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in TRAINED]


@pytest.mark.parametrize("name", BASE)
def test_its_figures_can_be_drawn_from_its_base_run(name, tmp_path, capsys):
    """A figure that cannot be drawn is a warning, so that here is no other place where it would be noticed."""
    words = shortened(name, "--sweep=false", *QUICK.get(name, []), f"--workdir={tmp_path / 'run'}")
    assert main(words) == 0, capsys.readouterr().err
    captured = capsys.readouterr()
    assert "cannot be drawn" not in captured.err and (tmp_path / "run" / "results.csv").is_file()
    names = parse(words, OPTIONS).config.figures
    assert captured.out.count("figure: ") == len(names) + sum(name in ANIMATIONS for name in names)


SWEEPS = [pytest.param(name, marks=pytest.mark.slow) for name in ("multiclass", "early_stopping", "l1_vs_l2")]


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_runs_for_a_step_and_draws_its_figures(name, tmp_path, capsys):
    words = shortened(name, f"--workdir={tmp_path / 'run'}")
    assert main(words) == 0, capsys.readouterr().err
    assert "cannot be drawn" not in capsys.readouterr().err
    run = results.read(tmp_path / "run")
    assert not [fault for figure in run.config["figures"] for fault in faults(FIGURES[figure](run))]


# Those that take seconds; with -m whole all of them, which takes hours.
SOON = (
    "churn",
    "error_surface",
    "glove",
    "joint_space",
    "likelihood",
    "logistic_regression",
    "momentum",
    "perceptron",
    "perceptron_vs_gradient_descent",
    "spam",
    "worked_example",
    "xor",
)
BY_ITSELF = [path for path in FILES if path in READY or path.stem == "alignment"]
WHOLE = [pytest.param(path, marks=pytest.mark.slow if path.stem in SOON else pytest.mark.whole) for path in BY_ITSELF]


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_it_runs_for_real(path: Path, tmp_path, capsys):
    assert main([f"--config={path}", f"--workdir={tmp_path / 'run'}"]) == 0, capsys.readouterr().err
    run = results.read(tmp_path / "run")
    assert not [line for line in remarks(run.rows, run.config["table"]) if "widen the grid" in line]
    assert not [fault for figure in run.config["figures"] for fault in faults(FIGURES[figure](run))]
    assert not missed(path.stem, run.rows)


@pytest.mark.whole
def test_a_small_gpt_reads_shakespeare_as_well_as_nanogpt(shared_data, tmp_path, monkeypatch, capsys):
    """F161, F162: at nanoGPT's CPU size 1.88 nats are its figure; from random signs to lines that begin with a name."""
    monkeypatch.setenv("NN_CORE_DATA_DIR", str(shared_data))
    words = ["--config=gpt_quick", "--config.data.name=shakespeare", f"--workdir={tmp_path / 'run'}"]
    assert main(words) == 0, capsys.readouterr().err
    run = results.read(tmp_path / "run")
    losses = [row["validation_loss"] for row in run.metrics if "validation_loss" in row]
    assert run.rows[0]["validation_full_loss"] <= 1.95 and losses[0] == pytest.approx(math.log(65), abs=0.1)
    texts = [(tmp_path / "run" / "samples" / f"{step:06d}.txt").read_text() for step in range(0, 2001, 500)]
    named = [len(re.findall(r"^[A-Z][A-Za-z ]+:$", text, re.MULTILINE)) for text in texts]
    assert named[0] == 0 < named[-1] and texts[-1].count("\n") > 3


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_accepted_names_settings_of_its_config_and_can_be_missed(name):
    """A setting that is renamed would be missed in hours; equal numbers everywhere meet no check."""
    seen = set()

    def equal_to(value):
        return lambda label, column: seen.add(label) or value

    assert not [check for check, holds in ACCEPTED[name].items() if holds(equal_to(0.0))]
    assert [holds(equal_to(1.0)) for holds in ACCEPTED[name].values()]
    arguments = parse([f"--config={CONFIGS / name}.py"], OPTIONS)
    if arguments.get_sweep is not None:
        labels = {one.get("label", "") for one in arguments.get_sweep(arguments.config)} | {""}
        assert seen <= labels, seen - labels


@pytest.mark.parametrize("name", [name for name in NEEDS_RUN if name != "alignment"])
def test_a_stage_says_which_command_makes_what_it_starts_from(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([f"--config={CONFIGS / name}.py", f"--workdir={tmp_path / 'run'}"]) == 2
    told = capsys.readouterr().err
    assert "there is no run directory" in told and "(python -m experiments.run --config=configs/" in told
