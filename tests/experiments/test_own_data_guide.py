"""The guide's commands on data of one's own, run as they stand but for their length and place."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import predict, run

GUIDE = Path(__file__).parents[2] / "experiments" / "README.md"
QUICK = ("--config.train.steps=2", "--config.train.eval_every=1", "--config.train.log_every=1", "--sweep=false")
COMMANDS = {"experiments.run": run.main, "experiments.predict": predict.main}


def follow(name, folder, monkeypatch, *more):
    """Runs the lines of a block in a folder, each as a command of its own run directory."""
    blocks = dict(re.findall(r"```bash\n# (\w+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.S))
    monkeypatch.chdir(folder)
    for place, line in enumerate(blocks[name].strip().splitlines()):
        _, _, command, *words = line.split()
        words = [
            word.replace("checkpoints/regularization", "run0").replace("checkpoints/digits_cnn", "run0")
            for word in words
        ]
        words = [word for word in words if word != "--member=0"]
        if command == "experiments.run":
            words += [*QUICK, *more, f"--workdir=run{place}"]
        assert COMMANDS[command](words) == 0, line


def test_a_table(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for name, count in (("rows.csv", 150), ("new_rows.csv", 7)):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["size", "city", "price"])
            writer.writerows(
                [s, c, 2 * s + 0.5] for s, c in zip(rng.normal(size=count), rng.choice(["a", "b"], count), strict=True)
            )
    follow("own_table", tmp_path, monkeypatch)
    assert len((tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()) == 8


@pytest.mark.slow
def test_images(tmp_path, monkeypatch, capsys):
    for kind, value in (("cats", 10), ("dogs", 200)):
        for number in range(20):
            for folder in (tmp_path / "photos" / kind, tmp_path / "new_photos"):
                folder.mkdir(parents=True, exist_ok=True)
                Image.new("L", (8, 8), value + number).save(folder / f"{kind}{number}.png")
    follow("own_images", tmp_path, monkeypatch)
    assert len([line for line in capsys.readouterr().out.splitlines() if '"label"' in line]) == 40


@pytest.mark.slow
def test_texts(tmp_path, monkeypatch):
    (tmp_path / "texts").mkdir()
    for number in range(3):
        (tmp_path / "texts" / f"{number}.txt").write_text("the cat sat on the mat\n" * 400, encoding="utf-8")
    lines = "".join(json.dumps({"text": "a dog ran far away"}) + "\n" for _ in range(600))
    (tmp_path / "talks.jsonl").write_text(lines, encoding="utf-8")
    small = ("--config.data.batch_size=2", "--config.model.layers_num=1", "--config.model.embedding_dim=16")
    follow("own_text", tmp_path, monkeypatch, *small, "--config.schedule.warmup_steps=0")
