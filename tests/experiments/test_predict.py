"""Prediction of image files: a checkpoint's path is enough, training's standardization holds, and every refusal."""

import json
import shutil

import jax
import numpy as np
import pytest
from PIL import Image

from experiments import predict
from experiments.building.experiment import build
from experiments.run import main as run
from experiments.run_directory.files import ENTRIES
from experiments.run_directory.image_labels import IMAGES
from experiments.run_directory.lock import HOLDER, LOCK
from experiments.run_directory.results import read_rows
from experiments.trained.image_classifier import classify, load_classifier
from nn_core.data.bundled import digits
from nn_core.tasks.heads import HEADS
from nn_core.training.state import run_keys

SHORT = [
    "--config.train.eval_every=60",
    "--config.train.log_every=60",
    "--config.train.evaluate_train=False",
    "--config.figures=()",
]


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    """Two seeds of the convolutional network, in a directory that has moved since."""
    folder = tmp_path_factory.mktemp("predict")
    words = [f"--workdir={folder / 'run'}", "--config.num_seeds=2", "--config.train.steps=120", *SHORT]
    small = ["--config.model.channels=(8,)", "--config.model.hidden_sizes=()"]
    small += ["--config.data.augmentation.shift=0", "--config.task.record=()"]
    assert run(["--config=configs/digits_cnn.py", *words, *small]) == 0
    return (folder / "run").rename(folder / "moved")


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """A perceptron on rows of pixels, each standardized by itself."""
    folder = tmp_path_factory.mktemp("predict")
    words = [f"--workdir={folder / 'run'}", "--config.train.steps=300", "--config.hparams.dropout_rate=0.1", *SHORT]
    words.append("--config.data.shuffle=False")
    assert run(["--config=configs/digits.py", *words]) == 0
    return folder / "run"


def write(image_HWC: np.ndarray, path, mode: str = "L", size: tuple[int, int] | None = None):
    """A PNG file."""
    image = Image.fromarray(np.round(image_HWC[..., 0] * 255).astype(np.uint8)).convert(mode)
    (image if size is None else image.resize(size)).save(path)
    return str(path)


def test_every_member_predicts_as_its_own_training_evaluated(population):
    """The accuracy of its test split, which its seed drew, is the one in the results."""
    data = digits()
    rows = read_rows(population / "results.csv")
    assert len(rows) == 2
    experiment = build(load_classifier(population, member=0).stored.config)

    @jax.jit
    def test_split(data, seed):
        return experiment.task.prepare(data, run_keys(jax.random.key(seed)).split)["test"]

    for row in rows:
        classifier = load_classifier(population, member=row["member"])
        test = np.asarray(test_split(experiment.data, row["seed"]))
        found = classify(classifier, data.inputs[test], top_k=1)
        right = [
            one[0]["label"] == data.target_names[label] for one, label in zip(found, data.targets[test], strict=True)
        ]
        assert np.mean(right) == pytest.approx(row["test_accuracy"], abs=1e-6) and np.mean(right) > 0.3


def test_the_command_prints_sorted_labels_and_scores(single, tmp_path, capsys):
    data = digits()
    paths = [write(data.inputs[i], tmp_path / f"{i}.png") for i in range(20)]
    assert predict.main([f"--checkpoint={single}", *paths]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 20
    right = 0
    for i, (line, path) in enumerate(zip(lines, paths, strict=True)):
        assert line.startswith(f"{path}: ")
        found = json.loads(line.removeprefix(f"{path}: "))
        scores = [one["score"] for one in found]
        assert scores == sorted(scores, reverse=True) and abs(sum(scores) - 1) < 1e-4
        assert sorted(one["label"] for one in found) == [str(digit) for digit in range(10)]
        right += found[0]["label"] == str(data.targets[i])
    assert right >= 18
    (first, _) = predict.predict(single, paths[:2], top_k=3)
    assert [one["label"] for one in first] == [one["label"] for one in json.loads(lines[0].split(": ", 1)[1])[:3]]


def test_other_sizes_and_colours_are_fitted_where_that_is_asked_for(single, tmp_path):
    gray = write(digits().inputs[0], tmp_path / "gray.png")
    colour = write(digits().inputs[0], tmp_path / "colour.png", "RGB")
    large = write(digits().inputs[0], tmp_path / "large.png", "RGB", (64, 40))
    as_it_is, fitted, enlarged = predict.predict(single, [gray, colour, large], fit=True)
    assert as_it_is == fitted and as_it_is[0]["label"] == "0" and len(enlarged) == 10


@pytest.mark.parametrize("task", ["one_vs_rest", "binary"])
def test_sigmoids_become_shares(task):
    logits = np.array([[0.3, -2.0, 4.0]] if task == "one_vs_rest" else [[0.3]], np.float32)
    scores = np.asarray(HEADS[task].scores(logits))
    assert scores.sum() == pytest.approx(1) and scores.argmax() == (2 if task == "one_vs_rest" else 1)


def test_refusals(population, single, tmp_path, capsys):
    """Each in one line, exit code 2, nothing on stdout."""
    good = write(digits().inputs[0], tmp_path / "good.png")
    colour = write(digits().inputs[0], tmp_path / "colour.png", "RGB")
    large = write(digits().inputs[0], tmp_path / "large.png", "L", (9, 8))
    (tmp_path / "text.png").write_text("no image")
    at = f"--checkpoint={single}"
    cases = [
        ([good], "--checkpoint is missing"),
        ([at], "no file is given"),
        ([at, good, "--top_k=0"], "top_k=0 is below 1"),
        ([at, good, str(tmp_path / "none.png")], "there is no image"),
        ([at, good, str(tmp_path / "text.png")], "text.png is not a readable PNG or JPEG image"),
        ([at, good, large], "large.png"),
        ([at, good, colour], "colour.png has 3 channels (RGB), expected 1"),
        ([at, good, "--member=1"], "--member=1 does not exist"),
        ([at, good, "--step=7"], "7"),
        ([f"--checkpoint={population}", good], "holds a sweep of 2 runs; choose one with --member=0 … 1"),
        ([f"--checkpoint={tmp_path / 'none'}", good], "there is no run directory"),
        ([f"--checkpoint={tmp_path}", good], "is not a run directory"),
        ([at, good, "--fiit"], "unknown option --fiit"),
    ]
    for words, message in cases:
        assert predict.main(words) == 2, words
        captured = capsys.readouterr()
        assert message in captured.err and captured.err.count("\n") == 1 and captured.out == "", words


def test_a_run_of_another_kind_and_damaged_files_are_refused(single, population, tmp_path, capsys):
    good = write(digits().inputs[0], tmp_path / "good.png")
    other = shutil.copytree(single, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config["config"]["task"]["name"] = "language"
    (other / "config.json").write_text(json.dumps(config))
    assert predict.main([f"--checkpoint={other}", good]) == 2
    assert "task 'language', which classifies no images" in capsys.readouterr().err
    (kept,) = population.glob(f"**/{IMAGES}")
    content = kept.read_bytes()
    try:
        for damaged, message in ((content[:100], "cannot be read"), (None, "is missing")):
            kept.unlink() if damaged is None else kept.write_bytes(damaged)
            assert predict.main([f"--checkpoint={population}", "--member=0", good]) == 2
            assert message in capsys.readouterr().err
    finally:
        kept.write_bytes(content)


def test_a_fresh_run_leaves_no_file_of_the_old_one_which_stays_whole(single, tmp_path, capsys):
    """Labels and standardization of the old run must not serve the new one, nor be missing where it was put aside."""
    again, good = shutil.copytree(single, tmp_path / "again"), write(digits().inputs[0], tmp_path / "good.png")
    before = (again / IMAGES).read_bytes()
    words = [f"--workdir={again}", "--config.train.steps=1", "--config.data.standardize=all", "--config.figures=()"]
    words += ["--config.train.eval_every=1", "--config.train.log_every=1", "--config.checkpoint.resume=fresh"]
    assert run(["--config=configs/digits.py", *words]) == 0
    capsys.readouterr()
    assert {path.name for path in again.iterdir()} <= {*ENTRIES, LOCK, HOLDER, "superseded-1"}
    assert (again / IMAGES).read_bytes() != before and (again / "superseded-1" / IMAGES).read_bytes() == before
    assert predict.main([f"--checkpoint={again / 'superseded-1'}", good]) == 0
    assert json.loads(capsys.readouterr().out.split(": ", 1)[1])[0]["label"] == "0"
