"""A language model of this project, and a Hugging Face folder, learn to tell spam: whole, by the head, by adapters."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from experiments.building.backbones import check_base
from experiments.building.digests import digest_of
from experiments.building.experiment import build
from experiments.command_line import config_paths
from experiments.export import main as export
from experiments.pipeline import pipeline
from experiments.pipelines.models import load_model
from experiments.predict import main as predict
from experiments.run import main
from experiments.run_directory.results import read_rows
from experiments.run_directory.stored_run import Stored, load
from experiments.sample import main as sample
from nn_core.training.manifest import named_leaves
from tests.experiments import tiny
from tests.pretrained.folders import write_folder
from tests.pretrained.tokenizer_folders import write_tokenizer_folder

SMALL = {
    "data.options": None,
    "data.train": 40,
    "data.validation": 20,
    "data.test": 20,
    "data.batch_size": 8,
    "data.options.num_examples": 80,
    "task.max_tokens": 16,
    "train.steps": 6,
    "train.eval_every": 3,
    "train.log_every": 3,
    "train.chunk_steps": 3,
    "figures": "()",
}


def arguments(config: str, workdir: Path, source: Path, **more: Any) -> list[str]:
    values = {**SMALL, "transfer.source": source, **{name.replace("__", "."): value for name, value in more.items()}}
    words = [f"--config.{name}={value}" for name, value in values.items() if value is not None]
    return [f"--config=configs/{config}.py", f"--workdir={workdir}", *words]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model that is wide enough for adapters of rank 16."""
    return tiny.run(tmp_path_factory.mktemp("source"), model__embedding_dim=16, train__sample_every=0)


@pytest.fixture(scope="module")
def sweep(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole network, its head, and adapters of three ranks, of one seed."""
    place = tmp_path_factory.mktemp("tuned") / "run"
    assert main(arguments("finetune_lora", place, source, num_seeds=1)) == 0
    return place


@pytest.mark.slow
def test_every_way_learns_and_tells_its_share(sweep: Path) -> None:
    rows = {row["label"]: row for row in read_rows(sweep / "results.csv")}
    shares = {label: float(row["trained_share"]) for label, row in rows.items()}
    assert shares["full"] == 1
    assert shares["head only"] < shares["LoRA, rank 1"] < shares["LoRA, rank 4"] < shares["LoRA, rank 16"] < 1
    assert all(np.isfinite(float(row["test_loss"])) for row in rows.values())


@pytest.mark.slow
def test_what_is_frozen_keeps_every_bit_and_what_is_trained_moves(source: Path, sweep: Path) -> None:
    """F073, F075, F180 on a Transformer: the head only, and the whole network from the same start."""
    before = named_leaves(load(source).params)
    whole, head = (named_leaves(load(sweep, "latest", member).params) for member in (0, 1))
    kept = [name for name in whole if name.removeprefix("backbone/") in before]
    assert len(kept) == 9 and set(whole) - set(kept) == {"output/bias", "output/kernel"}
    for name in kept:
        start = before[name.removeprefix("backbone/")]
        np.testing.assert_array_equal(head[name], start)
        assert np.any(np.asarray(whole[name] != start)), name


@pytest.mark.slow
def test_a_pipeline_reads_what_was_tuned(sweep: Path) -> None:
    """Adapters are merged; the run's own accuracy on texts it has not seen is that of the pipeline."""
    for member in (0, 3):
        asked = pipeline("text-classification", sweep, member=member, truncation=True)
        found = asked(["Call now", "See you tonight"])
        assert [*found[0]] == ["label", "score"] and found[0]["label"] in ("ham", "spam")


@pytest.mark.slow
def test_merged_adapters_say_what_the_run_says(sweep: Path) -> None:
    """The loss of the test split, by the ordinary network of the merged parameters."""
    import jax

    from experiments.building.own_labels import load_texts
    from experiments.building.text_classes import encode_texts
    from nn_core.training.state import run_keys

    stored, model = load(sweep, "latest", 3), load_model(sweep, 3, "latest")
    experiment = build(config_paths.apply(stored.config, {}))
    texts = load_texts(stored.config.data)
    own = experiment.task.prepare(experiment.data, run_keys(jax.random.key(stored.config.seed)).split)
    inputs = encode_texts(model.the_tokenizer(), texts.texts, 16)[np.asarray(own["test"])]
    logits = np.asarray(model.module.apply({"params": model.params}, inputs))
    right = (logits.argmax(axis=1) == texts.labels[np.asarray(own["test"])]).mean()
    rows = read_rows(sweep / "results.csv")
    assert right == pytest.approx(float(rows[3]["test_accuracy"]))


@pytest.mark.slow
def test_adapters_are_exported(sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In PEFT's layout, with the command that writes their base; a network without adapters has a head that has no
    counterpart."""
    assert export([f"--checkpoint={sweep}", f"--out={tmp_path / 'its adapters'}", "--member=3"]) == 0
    about = json.loads((tmp_path / "its adapters" / "adapter_config.json").read_text(encoding="utf-8"))
    assert (about["r"], about["lora_alpha"]) == (4, 8) and "transformer.h.0.attn.c_attn" in about["target_modules"]
    _, _, command = capsys.readouterr().err.strip().partition("write it by: python -m experiments.export ")
    assert about["base_model_name_or_path"] == str(tmp_path / "its adapters_base")
    assert export(shlex.split(command)) == 0 and (tmp_path / "its adapters_base" / "model.safetensors").is_file()
    assert export([f"--checkpoint={sweep}", f"--out={tmp_path / 'its adapters'}", "--member=3"]) == 0
    assert capsys.readouterr().err == ""
    assert export([f"--checkpoint={sweep}", f"--out={tmp_path}", "--member=0"]) == 2
    assert "reads the mean" in capsys.readouterr().err


@pytest.mark.slow
def test_adapters_of_a_base_that_has_changed_are_refused(sweep: Path, tmp_path: Path) -> None:
    """Merged with another base they would answer, wrongly."""
    place = shutil.copytree(sweep, tmp_path / "run")
    about = json.loads((place / "config.json").read_text(encoding="utf-8"))
    assert sorted(about["held"]) == ["2 base", "3 base", "4 base"] and len(set(about["held"].values())) == 1
    assert pipeline("text-classification", place, member=3)("Call now")
    about["held"] = dict.fromkeys(about["held"], "0" * 64)
    (place / "config.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(ValueError, match="holds adapters of another network: config.transfer.source="):
        pipeline("text-classification", place, member=3)
    assert pipeline("text-classification", place, member=0)("Call now")


def test_the_base_of_adapters_is_known_by_its_arrays() -> None:
    base = {"backbone": {"kernel": np.ones((2, 3), np.float32)}}
    config = ConfigDict({"transfer": {"source": "somewhere"}})
    stored = Stored(Path("run"), Path("run"), config, 0, 1, {}, (), {"held": {"0 base": digest_of(base)}})
    check_base(stored, base)
    check_base(stored._replace(held={}), base)  # of an earlier version
    with pytest.raises(ValueError, match="'somewhere' has changed"):
        check_base(stored, {"backbone": {"kernel": np.zeros((2, 3), np.float32)}})


def test_a_folder_is_a_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GPT-2 with its tokenizer; commands of other tasks name the one that asks such a run."""
    folder = write_folder(tmp_path / "gpt2", "gpt2", 331)
    config = (folder / "config.json").read_text(encoding="utf-8")
    write_tokenizer_folder(folder, "gpt2")
    (folder / "config.json").write_text(config, encoding="utf-8")
    place = tmp_path / "run"
    assert main(arguments("finetune_classifier", place, folder, train__steps=3)) == 0
    (row,) = read_rows(place / "results.csv")
    assert np.isfinite(float(row["test_loss"])) and float(row["trained_share"]) == 1
    (tmp_path / "x.csv").write_text("text,label\na,b\n", encoding="utf-8")
    for command, word in ((predict, str(tmp_path / "x.csv")), (sample, "--prompt=a")):
        assert command([f"--checkpoint={place}", word]) == 2
        assert f"experiments.pipeline text-classification --model={place} TEXT" in capsys.readouterr().err
    assert json.loads((place / "config.json").read_text(encoding="utf-8"))["config"]["transfer"]["source"] == str(
        folder
    )


@pytest.mark.parametrize(
    ("config", "more", "said"),
    [
        ("finetune_classifier", {"transfer__source": "nowhere"}, "config.transfer.source='nowhere'"),
        ("finetune_classifier", {"hparams__lora_alpha": 2.0}, "config.lora"),
        ("finetune_lora", {"hparams__lora_alpha": 2.0, "train__accumulate": 2}, "accumulate"),
        ("finetune_lora", {"lora__targets": "nothing,"}, "set --config.hparams.lora_alpha=8"),
        ("finetune_lora", {"hparams__lora_alpha": 2.0, "lora__targets": "nothing,"}, "'nothing' matches no kernel"),
        ("finetune_lora", {"hparams__lora_alpha": 2.0, "transfer__train": '(("*", 0.0),)'}, "is new and frozen"),
        ("finetune_lora", {"hparams__lora_alpha": 2.0, "transfer__load": '(("*", "new"),)'}, "new and frozen"),
    ],
)
def test_mistakes(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, more: dict[str, Any], said: str
) -> None:
    words = arguments(
        config, tmp_path / "run", source, **{"transfer__train": '(("output/*", 1.0), ("*", 0.0))', **more}
    )
    assert main([*words, "--sweep=false"]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
