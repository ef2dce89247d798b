"""A Hugging Face folder of a Vision Transformer, and a run of this project, learn images of one's own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from experiments.building.vision import vision_of
from experiments.command_line.arguments import OPTIONS, parse
from experiments.export import main as export
from experiments.pipeline import pipeline
from experiments.pipelines.models import load_model
from experiments.predict import main as predict
from experiments.run import main
from experiments.run_directory.results import read_rows
from nn_core.pretrained.load import load
from tests.pretrained.folders import write_folder

STEPS = {"train.steps": 40, "train.eval_every": 20, "train.log_every": 20, "train.chunk_steps": 20, "figures": "()"}
COLOURS = {"blue": (40, 40, 200), "red": (200, 40, 40), "white": (220, 220, 220)}
MEANS, DEVIATIONS = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of several sizes; some white ones are gray images."""
    root, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for number in range(12):
            size = (20 + number, 18, 3)
            pixels = np.clip(np.array(colour) + rng.normal(size=size) * 20, 0, 255).astype(np.uint8)
            gray = name == "white" and number % 2
            Image.fromarray(pixels[..., 0] if gray else pixels).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ViT without a head, and how it is shown images."""
    folder = write_folder(tmp_path_factory.mktemp("base") / "vit", "vit_base")
    said = {"image_mean": MEANS, "image_std": DEVIATIONS, "size": {"height": 12, "width": 12}}
    (folder / "preprocessor_config.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


def words(place: Path, **more: Any) -> list[str]:
    values = STEPS | {name.replace("__", "."): value for name, value in more.items()}
    flags = [f"--config.{name}={value}" for name, value in values.items()]
    return ["--config=finetune_images", "--sweep=false", f"--workdir={place}", *flags]


def own(place: Path, source: Path, photos: Path, **more: Any) -> list[str]:
    return words(place, transfer__source=source, data__name="image_folder", data__path=photos, **more)


@pytest.fixture(scope="module")
def tuned(base: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tuned") / "run"
    assert main(own(place, base, photos, hparams__learning_rate=0.01)) == 0
    return place


@pytest.mark.slow
def test_a_folder_learns_photos_and_predicts_them(
    tuned: Path, photos: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Photos of any size are resized as in training, gray ones included; the standardization is the folder's."""
    assert float(read_rows(tuned / "results.csv")[0]["test_accuracy"]) > 0.8
    assert predict([f"--checkpoint={tuned}", "--top_k=1", str(photos / "white")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12 and sum('"white"' in line for line in lines) > 9
    kept = load_model(tuned).settings["statistics"]
    assert np.allclose(kept["shift"], MEANS) and np.allclose(kept["scale"], DEVIATIONS)


@pytest.mark.slow
def test_what_was_tuned_is_a_folder_again_that_answers_alike(tuned: Path, photos: Path, tmp_path: Path) -> None:
    """transformers resizes to 224 and standardizes by 0.5 unless it is told otherwise, so both are written."""
    assert export([f"--checkpoint={tuned}", f"--out={tmp_path / 'out'}"]) == 0
    said = json.loads((tmp_path / "out" / "preprocessor_config.json").read_text(encoding="utf-8"))
    assert said["size"] == {"height": 12, "width": 12} and np.allclose(said["image_mean"], MEANS)
    assert load(tmp_path / "out").structure.labels == tuple(COLOURS)
    image = str(photos / "red" / "0.png")
    ours, theirs = (pipeline("image-classification", place)(image) for place in (tuned, tmp_path / "out"))
    assert [one["label"] for one in ours] == [one["label"] for one in theirs]
    np.testing.assert_allclose([one["score"] for one in ours], [one["score"] for one in theirs], atol=1e-5)


@pytest.mark.slow
def test_a_run_that_was_tuned_is_a_source_and_adapters_are_merged(tuned: Path, photos: Path, tmp_path: Path) -> None:
    config = tmp_path / "own.py"
    config.write_text(
        "from configs import base, finetune_images\n"
        "def get_config():\n"
        "    config = finetune_images.get_config()\n"
        "    config.name, config.lora = 'own', base.lora(rank=2, targets=('*/attention/*/kernel',))\n"
        "    config.hparams.lora_alpha = 4.0\n"
        "    config.transfer.train = (('*head/*', 1.0), ('*', 0.0))\n"
        "    return config\n",
        encoding="utf-8",
    )
    given = own(tmp_path / "run", tuned, photos, hparams__learning_rate=0.01)
    assert main([f"--config={config}", *given[1:]]) == 0
    (row,) = read_rows(tmp_path / "run" / "results.csv")
    assert 0 < float(row["trained_share"]) < 0.5
    model = load_model(tmp_path / "run")
    assert "adapters" not in model.params and model.labels == tuple(COLOURS)
    asked = [str(path) for path in sorted(photos.glob("*/*.png"))]
    right = sum(
        found[0]["label"] in path
        for path, found in zip(asked, pipeline("image-classification", tmp_path / "run")(asked), strict=True)
    )
    assert right > 0.8 * len(asked)


@pytest.mark.slow
def test_a_run_of_this_project_is_a_source(tmp_path: Path) -> None:
    sizes = ["--config.data.train=200", "--config.data.validation=50", "--config.data.test=50"]
    flags = [f"--config.{name}={value}" for name, value in STEPS.items()]
    first = ["--config=vit", "--sweep=false", f"--workdir={tmp_path / 'vit'}", "--config.data.classes=0,1,2"]
    assert main([*first, *sizes, *flags, "--config.schedule.warmup_steps=2"]) == 0
    given = words(tmp_path / "run", transfer__source=tmp_path / "vit")
    assert main(given) == 0
    held = load_model(tmp_path / "vit").settings["statistics"]
    kept = load_model(tmp_path / "run").settings["statistics"]
    assert np.array_equal(held["shift"], kept["shift"]) and np.array_equal(held["scale"], kept["scale"])
    assert load_model(tmp_path / "run").labels == ("5", "6", "7", "8", "9")


def test_a_source_keeps_how_it_was_shown_images(base: Path) -> None:
    given = [f"--config.transfer.source={base}"]
    vision = vision_of(parse(["--config=finetune_images", *given], OPTIONS).config)
    assert vision.shape == (12, 12, 3)
    assert np.allclose(vision.statistics["shift"], MEANS) and np.allclose(vision.statistics["scale"], DEVIATIONS)


@pytest.mark.parametrize(
    ("config", "more", "said"),
    [
        ("finetune_images", {"transfer.source": "BASE"}, "reads images of 12 x 12 x 3 and data 'digits' has 8 x 8 x 1"),
        ("finetune_images", {"transfer.source": "GPT"}, "holds a GPT, which reads no images; use a ViT or a DeiT"),
        ("finetune_images", {"transfer.source": "none"}, "config.transfer.source='none'"),
        (
            "finetune_images",
            {"transfer.source": None, "transfer.load": '(("*", "load"),)'},
            "needs --config.transfer.source",
        ),
        ("digits_cnn", {"data.standardize": "source"}, "needs a network that was trained before"),
    ],
)
def test_mistakes(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, more: dict[str, Any], said: str
) -> None:
    gpt = write_folder(tmp_path / "gpt", "gpt2")
    places = {"BASE": base, "GPT": gpt}
    flags = [f"--config.{name}={places.get(value, value)}" for name, value in more.items()]
    assert main([f"--config={config}", "--sweep=false", f"--workdir={tmp_path / 'run'}", *flags]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
