import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments import run, sample
from experiments.run_directory import files, stored_run
from experiments.run_directory.results import read_rows
from experiments.trained import language_model
from nn_core.text.tokenizers import load_tokenizer
from nn_core.training.manifest import CheckpointError
from tests.experiments import tiny


@pytest.fixture
def copy(tiny_run, tmp_path) -> Path:
    """A copy of the tiny run at another place, to be damaged."""
    return Path(shutil.copytree(tiny_run, tmp_path / "moved"))


def equal(a, b) -> bool:
    return jax.tree.structure(a) == jax.tree.structure(b) and all(
        np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


def test_a_model_comes_back_from_its_path_alone_also_after_it_has_moved(tiny_run, copy, monkeypatch, tmp_path):
    before = stored_run.load(tiny_run)
    monkeypatch.chdir(tmp_path)
    after = stored_run.load("moved")
    assert equal(before.params, after.params)
    assert after.config == before.config and after.config.model.embedding_dim == 12
    assert after.directory == copy and after.step == tiny.STEPS
    model = language_model.language_model(after)
    assert model.tokenizer == load_tokenizer(tiny_run / "tokenizer.json")
    assert set(tiny.TEXT) == set(model.tokenizer.characters)


def test_the_restored_parameters_have_the_loss_that_the_run_reported(tiny_run, tiny_model):
    from experiments.building.experiment import build

    experiment = build(tiny_model.stored.config)
    evaluate = jax.jit(experiment.task.evaluate, static_argnames="split")
    total, count = jax.device_get(evaluate(tiny_model.params, experiment.data, {}, split="validation_full")["loss"])
    (row,) = read_rows(tiny_run / "results.csv")
    np.testing.assert_allclose(total / count, row["validation_full_loss"], rtol=1e-6)


def test_the_latest_step_carries_the_best_parameters_where_a_run_keeps_them(tiny_run):
    assert stored_run.load(tiny_run, "best").step == stored_run.load(tiny_run, "latest").step == tiny.STEPS
    assert stored_run.load(tiny_run, 3).step == 3


@pytest.mark.parametrize(("text", "which"), [("best", "best"), ("latest", "latest"), ("12", 12)])
def test_a_step_is_named_or_numbered(text, which):
    assert stored_run.parse_step(text) == which


@pytest.mark.parametrize("text", ["first", "-1", "1.5", ""])
def test_anything_else_is_no_step(text):
    with pytest.raises(ValueError, match="use best, latest, or the number of a step"):
        stored_run.parse_step(text)


def test_a_member_of_a_sweep_is_the_run_of_its_seed(tiny_sweep, tiny_run):
    members = [stored_run.load(tiny_sweep, member=number) for number in range(3)]
    assert [stored.config.seed for stored in members] == [0, 1, 2]
    assert not equal(members[1].params, members[2].params)
    solo = stored_run.load(tiny_run)
    for ours, theirs in zip(jax.tree.leaves(members[0].params), jax.tree.leaves(solo.params), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert language_model.language_model(members[1]).tokenizer.vocabulary_size == len(set(tiny.TEXT))


def test_a_sweep_asks_which_member(tiny_sweep):
    with pytest.raises(ValueError, match=r"a sweep of 3 runs; choose one with --member=0 … 2"):
        stored_run.load(tiny_sweep)
    with pytest.raises(ValueError, match=r"--member=3 does not exist; .* members 0 … 2"):
        stored_run.load(tiny_sweep, member=3)


def spoil_steps(directory: Path) -> None:
    for path in directory.glob("steps/*/params/d/*"):
        path.write_bytes(b"x" + path.read_bytes()[1:])


def rewrite_config(directory: Path, section: str, **values) -> None:
    content = json.loads((directory / "config.json").read_text())
    content["config"][section] |= values
    (directory / "config.json").write_text(json.dumps(content))


DAMAGES = {
    "no config": (lambda d: (d / "config.json").unlink(), "is not a run directory, it has no config.json"),
    "config": (lambda d: (d / "config.json").write_text("{"), "config.json is damaged or of another version"),
    "no steps": (lambda d: shutil.rmtree(d / "steps"), "holds no checkpoint of member 0 yet"),
    "parameters": (spoil_steps, "has no sound checkpoint"),
    "manifest": (
        lambda d: [p.write_text("{}") for p in d.glob("steps/*/manifest.json")],
        "has no sound checkpoint of member 0",
    ),
    "no tokenizer": (lambda d: (d / "tokenizer.json").unlink(), "tokenizer.json is missing"),
    "tokenizer": (lambda d: (d / "tokenizer.json").write_text("[]"), "tokenizer.json is not a tokenizer file"),
    "other tokenizer": (
        lambda d: (d / "tokenizer.json").write_text(
            (d / "tokenizer.json").read_text().replace('"characters": "', '"characters": "#')
        ),
        "checkpoint and config differ",
    ),
    "other task": (lambda d: rewrite_config(d, "task", name="classification"), "writes no text"),
    "other version": (lambda d: rewrite_config(d, "model", future_key=1), "was written by another version"),
    "other model": (lambda d: rewrite_config(d, "model", name="mamba"), "config.model.name='mamba' is unknown"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_restored_is_told_in_one_line(damage, copy, capsys):
    spoil, message = DAMAGES[damage]
    spoil(copy)
    assert sample.main([f"--checkpoint={copy}"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and "Traceback" not in error


def test_a_folder_inside_a_run_names_the_run(tiny_run):
    with pytest.raises(ValueError, match=f"did you mean {tiny_run}"):
        stored_run.load(tiny_run / "steps" / str(tiny.STEPS))


def folder_of(place: Path, architecture: str) -> None:
    place.mkdir(parents=True)
    (place / "config.json").write_text(json.dumps({"model_type": "bert", "architectures": [architecture]}))


def study(place: Path, name: str) -> Path:
    place.mkdir()
    files.write_config(place, {"name": name, "task": {"name": name}}, overrides={}, sweep=(), generations=())
    return place


def test_a_study_says_what_it_is_and_the_command_that_answers(tmp_path, capsys):
    plain, words = study(tmp_path / "plain", "xor"), study(tmp_path / "words", "word2vec")
    (words / "vectors.txt").write_text("")
    bert = study(tmp_path / "bert", "bert_quick")
    folder_of(bert / "models" / "tags", "BertForTokenClassification")
    folder_of(bert / "models" / "words", "BertForPreTraining")
    fill = f"python -m experiments.pipeline fill-mask --model={bert / 'models' / 'words'} TEXT"
    tags = f"python -m experiments.pipeline token-classification --model={bert / 'models' / 'tags'} TEXT"
    for place, message in (
        (plain, "holds the study 'xor', which is no run of one network; what it found is in its results.csv"),
        (words, f"python -m experiments.vectors --vectors={words} --most_similar=WORD"),
        (bert, f"holds the networks tags, words as Hugging Face folders; ask one by: {fill}"),
        (bert / "models", f"holds the networks tags, words as Hugging Face folders; ask one by: {fill}"),
        (bert / "models" / "words", f"is a Hugging Face folder, not a run directory; ask it by: {fill}"),
        (bert / "models" / "tags", tags),
    ):
        assert sample.main([f"--checkpoint={place}"]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1


def test_a_missing_step_lists_those_that_are_there(tiny_run):
    with pytest.raises(CheckpointError, match="no checkpoint 5; there are steps 3, 6"):
        stored_run.load(tiny_run, 5)


def test_a_damaged_step_is_passed_over_with_a_note(copy):
    for path in copy.glob(f"steps/{tiny.STEPS}/params/d/*"):
        path.write_bytes(b"x" + path.read_bytes()[1:])
    stored = stored_run.load(copy)
    assert stored.step == 3 and "using step 3 instead" in stored.notes[0]


def test_a_run_that_goes_on_keeps_its_tokenizer(tiny_run, copy):
    path = copy / "tokenizer.json"
    (before,) = read_rows(copy / "results.csv")
    content = json.loads(path.read_text())
    content["characters"] = content["characters"][::-1]
    path.write_text(json.dumps(content))
    (copy / "status.json").unlink()
    (copy / "results.csv").unlink()
    assert run.main(tiny.arguments(tiny_run.parent, workdir=copy)) == 0
    assert json.loads(path.read_text()) == content
    (after,) = read_rows(copy / "results.csv")
    # The same parameters now read a text whose ids are reversed.
    assert after["validation_full_loss"] > before["validation_full_loss"] + 0.02
