"""F073-F075, F148 through the command: a run starts from any checkpoint by its path, and mistakes cost no compilation."""

import shutil

import numpy as np
import pytest

from experiments.run import main
from experiments.run_directory.results import read
from experiments.run_directory.stored_run import load
from tests.experiments import tiny

SIZES = [
    "--config.data.train=80",
    "--config.data.validation=40",
    "--config.data.test=40",
    "--config.data.batch_size=20",
    "--config.data.shuffle=False",
    "--config.data.standardize=none",
]
SMALL = [*SIZES, "--config.train.steps=4", "--config.train.eval_every=2", "--config.train.log_every=2"]
SMALL += ["--config.train.evaluate_train=False", "--config.figures=()", "--config.model.hidden_sizes=(6,)"]
DIGITS = ["--config=configs/digits.py", *SMALL]
OLD, NEW = "--config.data.classes=(0, 1, 2)", "--config.data.classes=(9, 8, 7, 6)"
HEAD = [
    "--config.transfer.load=(('dense_1/*','new'),('*','load'))",
    "--config.transfer.train=(('dense_1/*',1.0),('*',0.0))",
]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A run on three of the digits."""
    path = tmp_path_factory.mktemp("source") / "run"
    assert main([*DIGITS, OLD, f"--workdir={path}"]) == 0
    return path


def bits(tree):
    return {name: np.asarray(leaf).tobytes() for name, leaf in tree.items()}


def test_a_new_head_learns_on_a_frozen_network(source, tmp_path):
    """Case 1, from another number of classes."""
    words = [*DIGITS, NEW, *HEAD, f"--config.transfer.source={source}", f"--workdir={tmp_path / 'run'}"]
    assert main(words) == 0
    before, after = load(source).params, load(tmp_path / "run", "latest").params
    assert bits(before["dense_0"]) == bits(after["dense_0"])
    assert after["dense_1"]["kernel"].shape == (6, 4)


def test_a_sweep_starts_from_the_source_prunes_exactly_and_can_be_a_source(source, tmp_path):
    sweep = ["--config=configs/pruning.py", *SMALL, "--config.num_seeds=1"]
    sweep += ["--config.pruning.begin=1", "--config.pruning.end=3", "--config.pruning.every=1"]
    sweep += [OLD, f"--config.transfer.source={source}"]
    assert main([*sweep, f"--workdir={tmp_path / 'sweep'}"]) == 0
    rows = read(tmp_path / "sweep").rows
    weights = 64 * 6 + 6 * 3
    for row in rows:
        wanted = float(row["overrides"].get("hparams.sparsity", 0.0))
        assert round(row["exact_zeros"] * weights) == round(wanted * weights)
    member = next(row["member"] for row in rows if row["overrides"].get("hparams.sparsity") == 0.9)
    again = [*DIGITS, OLD, f"--config.transfer.source={tmp_path / 'sweep'}", f"--config.transfer.member={member}"]
    again = [word for word in again if not word.startswith("--config.train.steps=")]
    assert main([*again, "--config.train.steps=0", f"--workdir={tmp_path / 'again'}"]) == 0
    kept, started = load(tmp_path / "sweep", "latest", member).params, load(tmp_path / "again", "latest").params
    assert {name: bits(block) for name, block in kept.items()} == {name: bits(block) for name, block in started.items()}


MISTAKES = {
    "no source": (["--config.transfer.source=/nowhere"], "there is no run directory /nowhere"),
    "no step": (
        ["--config.transfer.source=SOURCE", "--config.transfer.step=77"],
        "no checkpoint 77; there are steps 4",
    ),
    "no such step": (["--config.transfer.source=SOURCE", "--config.transfer.step=x"], "config.transfer.step=x is no"),
    "no member": (
        ["--config.transfer.source=SOURCE", "--config.transfer.member=3"],
        "config.transfer.member=3 does not",
    ),
    "other shapes": (["--config.transfer.source=SOURCE", NEW], "+ dense_1/bias float32[4]"),
    "no pattern": (["--config.transfer.train=(('dense_9/*',1.0),('*',0.0))"], "'dense_9/*' matches no parameter"),
    "uncovered": (["--config.transfer.train=(('dense_0/*',1.0),)"], "no pattern covers dense_1/bias"),
    "all frozen": (["--config.transfer.train=(('*',0.0),)"], "transfer.train freezes everything"),
    "no factor": (["--config.transfer.train=(('*','slow'),)"], "use a factor of the learning rate >= 0"),
    "no pairs": (["--config.transfer.load=('*',)"], "transfer.load holds '*'; use pairs"),
    "a list without source": (
        ["--config.transfer.load=(('dense_9/*','load'),('*','load'))"],
        "needs config.transfer.source",
    ),
    "new without source": (["--config.transfer.load=(('*','new'),)"], "needs config.transfer.source"),
    "sparsity": (["--config.hparams.sparsity=0.5"], "needs a section config.pruning"),
    "inexact": (
        ["--config.optimizer.proximal=True", "--config.hparams.l1=0.1", "--config.transfer.train=(('*',0.5),)"],
        "use the factors 0 and 1",
    ),
    "classes": (["--config.data.classes=(1, 1)"], "must hold different class ids from 0 to 9"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_no_directory(name, source, tmp_path, capsys):
    words, message = MISTAKES[name]
    words = [word.replace("SOURCE", str(source)) for word in words]
    classes = [] if any("data.classes" in word for word in words) else [OLD]
    assert main([*DIGITS, *classes, *words, f"--workdir={tmp_path / 'run'}"]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1 and told.startswith("error: ")
    assert not (tmp_path / "run").exists()


def test_a_damaged_source_is_told(source, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(source, copy)
    (copy / "steps" / "4" / "manifest.json").write_text("{}")
    assert main([*DIGITS, OLD, f"--config.transfer.source={copy}", f"--workdir={tmp_path / 'run'}"]) == 2
    told = capsys.readouterr().err
    assert "no sound checkpoint" in told and told.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config.pruning.end=2000"], "config.pruning.end=2000 is after the last of config.train.steps=1000"),
        (["--config.pruning.begin=700"], "use 0 <= begin < end and every >= 1"),
        (["--config.pruning.scope=row"], "config.pruning.scope='row' is unknown"),
    ],
)
def test_a_pruning_that_cannot_be_is_told(words, message, tmp_path, capsys):
    assert main(["--config=configs/pruning.py", *words, f"--workdir={tmp_path / 'run'}"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow  # the same code as for the digits above
def test_a_language_model_goes_on_from_the_member_of_a_sweep(tiny_sweep, tmp_path):
    """The same list of paths for every model: here the embeddings of a GPT are frozen."""
    train = "(('*embedding*',0.0),('*',1.0))"
    source = {"transfer__source": tiny_sweep, "transfer__member": 2, "transfer__step": "latest"}
    run = tiny.run(tmp_path, transfer__train=train, train__sample_every=0, **source)
    before, after = load(tiny_sweep, "latest", 2).params, load(run, "latest").params
    assert bits(before["token_embedding"]) == bits(after["token_embedding"])
    assert np.any(np.asarray(before["head"]["kernel"]) != np.asarray(after["head"]["kernel"]))
