"""Trained here, exported, read back: the same texts and classes; what has no counterpart says why."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from experiments.export import base_for_peft, main
from experiments.pipeline import pipeline
from experiments.run import main as run
from tests.experiments import tiny
from tests.pretrained.folders import write_folder


def test_a_gpt_writes_the_same_from_its_folder(tiny_run: Path, tmp_path: Path) -> None:
    """A GPT without biases: GPT-2 with zeros in their places. Characters: a tokenizer.json of them."""
    folder = tmp_path / "folder"
    assert main([f"--checkpoint={tiny_run}", f"--out={folder}"]) == 0
    assert {path.name for path in folder.iterdir()} >= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "generation_config.json",
    }
    options = {"max_new_tokens": 9, "temperature": 0.0}
    texts = ["Anna", "The dog"]
    ours, theirs = (pipeline("text-generation", place)(texts, **options) for place in (tiny_run, folder))
    assert theirs == ours


def test_what_ends_a_text_is_written_for_transformers(tmp_path: Path) -> None:
    from experiments.export import write_generation
    from nn_core.pretrained.generation_config import Writing, read_writing

    for ends, start in (((7,), None), ((7, 9), 3), ((), None)):
        writing = Writing({}, False, ends, None, start, ())
        write_generation(tmp_path, writing, {"bos_token_id": 5, "eos_token_id": 7})
        found = read_writing(tmp_path, {})
        assert (found.end_ids, found.pad_id, found.start_id) == (ends, ends[0] if ends else None, start)
        assert json.loads((tmp_path / "generation_config.json").read_text(encoding="utf-8"))["bos_token_id"] == 5


def test_the_base_of_adapters_is_a_folder_that_peft_can_load(
    tmp_path: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Hugging Face folder is its own base, whatever it was called; a run's base stands beside the adapters."""
    monkeypatch.chdir(tmp_path)
    folder = write_folder(tmp_path / "a base", "gpt2")
    section = ConfigDict({"source": "a base", "member": None, "step": "best"})
    assert base_for_peft(section, Path("adapters")) == (folder, None)
    section.update({"source": str(tiny_run), "member": 2, "step": "latest"})
    base, command = base_for_peft(section, Path("its adapters"))
    assert base == tmp_path / "its adapters_base" and command is not None
    wanted = [f"--checkpoint={tiny_run}", f"--out={base}", "--member=2", "--step=latest"]
    assert shlex.split(command) == ["python", "-m", "experiments.export", *wanted]


def test_an_mlp_is_refused_for_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--config=configs/digits.py", f"--workdir={tmp_path / 'run'}", "--config.train.steps=3", "--sweep=false"]
    assert run([*words, "--config.figures=()", "--config.train.eval_every=3", "--config.train.chunk_steps=3"]) == 0
    capsys.readouterr()
    assert main([f"--checkpoint={tmp_path / 'run'}", f"--out={tmp_path / 'folder'}"]) == 2
    error = capsys.readouterr().err
    assert "no family computes what a MLP does" in error and "standardize" not in error
    assert not (tmp_path / "folder").exists()


def test_the_pipeline_of_a_run_writes_several_texts(tiny_run: Path) -> None:
    """F175, as the notes call it."""
    found = pipeline("text-generation", tiny_run)("Anna", max_new_tokens=20, num_return_sequences=3)
    assert len(found) == 3 and all(len(row["generated_text"]) == 24 for row in found)


def test_what_has_no_counterpart_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tiny.run(tmp_path / "odd", model__position="alibi", train__steps=3, train__sample_every=0)
    capsys.readouterr()
    assert main([f"--checkpoint={place}", f"--out={tmp_path / 'folder'}"]) == 2
    error = capsys.readouterr().err
    assert "GPT-2 has no counterpart of position='alibi'" in error and error.count("\n") == 1
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out=x"], "--checkpoint is missing"),
        (["--checkpoint=nowhere", "--out=x"], "nowhere"),
        (["--checkpoint={run}", "--out=x", "--dtype=int8"], "float32, bfloat16, float16"),
    ],
)
def test_mistakes(
    tiny_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word.replace("{run}", str(tiny_run)) for word in words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not Path("x").exists()


def test_what_is_read_is_not_written_over(tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run's config.json is lost where a folder's is written in its place."""
    held = (tiny_run / "config.json").read_bytes()
    assert main([f"--checkpoint={tiny_run}", f"--out={tiny_run}"]) == 2
    assert "is the model that is read, which would be lost" in capsys.readouterr().err
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_bytes(held)
    assert main([f"--checkpoint={tiny_run}", f"--out={other}"]) == 2
    assert "has a config.json of something else" in capsys.readouterr().err
    assert (tiny_run / "config.json").read_bytes() == held == (other / "config.json").read_bytes()
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main([f"--checkpoint={tiny_run}", f"--out={tmp_path / 'file' / 'folder'}"]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.slow
def test_a_vit_sees_the_same_from_its_folder(tmp_path: Path) -> None:
    words = [
        "--config=configs/vit.py",
        f"--workdir={tmp_path / 'run'}",
        "--config.train.steps=20",
        "--config.num_seeds=1",
    ]
    words += [
        "--config.schedule.warmup_steps=5",
        "--config.data.standardize=all",
        "--config.model.position=learned",
        "--config.model.pooling=class",
        "--config.figures=()",
        "--config.train.eval_every=10",
    ]
    assert run([*words, "--config.train.log_every=10"]) == 0
    member = (
        [f"--member={0}"]
        if "sweep" in json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
        else []
    )
    assert main([f"--checkpoint={tmp_path / 'run'}", f"--out={tmp_path / 'folder'}", *member]) == 0
    pixels = (np.random.default_rng(0).uniform(size=(8, 8)) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    places = (("run", {"member": 0}), ("folder", {}))
    ours, theirs = (
        pipeline("image-classification", tmp_path / name, **more)(str(tmp_path / "x.png")) for name, more in places
    )
    assert [row["label"] for row in ours] == [row["label"] for row in theirs]
    np.testing.assert_allclose([row["score"] for row in ours], [row["score"] for row in theirs], atol=1e-5)
