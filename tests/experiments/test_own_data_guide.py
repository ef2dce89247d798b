"""The guide's commands on data of one's own, run as they stand but for their length and place."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import pipeline, predict, run, sample
from nn_core.data.toy_translation import toy_translation
from tests.experiments.pipelines.folders import write_pipeline_folder
from tests.pretrained.folders import write_folder
from tests.pretrained.tokenizer_folders import write_tokenizer_folder

GUIDE = Path(__file__).parents[2] / "experiments" / "README.md"
QUICK = ("--config.train.steps=2", "--config.train.eval_every=1", "--config.train.log_every=1", "--sweep=false")
COMMANDS = {"experiments.run": run.main, "experiments.predict": predict.main, "experiments.sample": sample.main}
COMMANDS["experiments.pipeline"] = pipeline.main


def lines_of(name):
    """The commands of a block."""
    blocks = dict(re.findall(r"```bash\n# (\w+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.S))
    return blocks[name].strip().splitlines()


def follow(name, folder, monkeypatch, *more):
    """Runs the lines of a block in a folder, each as a command of its own run directory."""
    monkeypatch.chdir(folder)
    for place, line in enumerate(lines_of(name)):
        _, _, command, *words = line.split()
        words = [re.sub(r"checkpoints/\w+", "run0", word) for word in words]
        words = [word for word in words if word != "--member=0"]
        if command == "experiments.run":
            words += [*(word for word in QUICK if word not in words), *more, f"--workdir=run{place}"]
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
def test_images_for_a_trained_network(tmp_path, monkeypatch, capsys):
    """The photos are gray and of another size than the network reads; the folder's classes are others."""
    write_folder(tmp_path / "FOLDER", "vit")
    for kind, value in (("cats", 10), ("dogs", 200)):
        for number in range(20):
            for folder in (tmp_path / "photos" / kind, tmp_path / "new_photos"):
                folder.mkdir(parents=True, exist_ok=True)
                Image.new("L", (8, 9), value + number).save(folder / f"{kind}{number}.png")
    follow("own_images_tuned", tmp_path, monkeypatch, "--config.train.chunk_steps=1", "--config.figures=()")
    answers = [json.loads(line.split(": ", 1)[1]) for line in capsys.readouterr().out.splitlines() if '"label"' in line]
    assert len(answers) == 40 and {one["label"] for row in answers for one in row} == {"cats", "dogs"}


@pytest.mark.slow
def test_texts(tmp_path, monkeypatch):
    (tmp_path / "texts").mkdir()
    for number in range(3):
        (tmp_path / "texts" / f"{number}.txt").write_text("the cat sat on the mat\n" * 400, encoding="utf-8")
    lines = "".join(json.dumps({"text": "a dog ran far away"}) + "\n" for _ in range(600))
    (tmp_path / "talks.jsonl").write_text(lines, encoding="utf-8")
    small = ("--config.data.batch_size=2", "--config.model.layers_num=1", "--config.model.embedding_dim=16")
    follow("own_text", tmp_path, monkeypatch, *small, "--config.schedule.warmup_steps=0")


@pytest.mark.slow
def test_a_text_for_a_trained_network(tmp_path, monkeypatch, capsys):
    write_pipeline_folder(tmp_path, "writer").rename(tmp_path / "FOLDER")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "1.txt").write_text("the world is a token, hello\n" * 90, encoding="utf-8")
    small = ("--config.data.batch_size=2", "--config.data.context_size=16", "--config.sample.max_new_tokens=3")
    follow("own_text_tuned", tmp_path, monkeypatch, *small, "--config.schedule.warmup_steps=0", "--config.figures=()")
    assert "the" in capsys.readouterr().out


@pytest.mark.slow
def test_pairs_for_a_trained_network(tmp_path, monkeypatch):
    write_pipeline_folder(tmp_path, "texts").rename(tmp_path / "FOLDER")
    for name, line in (("old.en", "the world"), ("old.fr", "world the"), ("new.en", "the world")):
        (tmp_path / name).write_text(f"{line}\n" * 40, encoding="utf-8")
    small = ("--config.task.decoded=2", "--config.data.batch_size=2", "--config.figures=()")
    follow("own_pairs_tuned", tmp_path, monkeypatch, *small, "--config.schedule.warmup_steps=0")
    assert len((tmp_path / "new.fr").read_text(encoding="utf-8").splitlines()) == 40


@pytest.mark.slow
def test_labels(tmp_path, monkeypatch):
    """Fine-tuned on a table of texts, asked for lines of a file; the table may be gone by then."""
    folder = write_folder(tmp_path / "FOLDER", "gpt2", 331)
    config = (folder / "config.json").read_text(encoding="utf-8")
    write_tokenizer_folder(folder, "gpt2")
    (folder / "config.json").write_text(config, encoding="utf-8")
    rows = [("the world", "good"), ("a token", "bad"), ("hello, it is in it", "good")] * 10
    with (tmp_path / "reviews.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("review", "label"), *rows])
    (tmp_path / "new.txt").write_text("the token\nhello\n", encoding="utf-8")
    follow("own_labels", tmp_path, monkeypatch, "--config.train.chunk_steps=1", "--config.figures=()")
    answers = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["label"] in ("bad", "good") for line in answers] == [True, True]
    (tmp_path / "reviews.csv").unlink()
    _, ask = lines_of("own_labels")
    words = [word.replace("checkpoints/finetune_classifier", "run0") for word in ask.split()[3:]]
    assert pipeline.main(words) == 0


SMALL_TRANSLATOR = (
    *("--config.model.layers_num=1", "--config.model.embedding_dim=8", "--config.model.ffn_features=8"),
    *("--config.data.batch_size=2", "--config.data.vocabulary_size=150", "--config.schedule.warmup_steps=0"),
    *("--config.task.decoded=2", "--config.train.sample_every=0", "--config.sample.max_new_tokens=5"),
    *("--config.sample.prompt=the cat", "--config.figures=()"),
    *("--config.task.num_beams=2", "--config.data.source_size=40", "--config.data.target_size=40"),
)


@pytest.mark.slow
def test_translations(tmp_path, monkeypatch, capsys):
    english, french = toy_translation(num_examples=60)
    (tmp_path / "old.en").write_text("\n".join(english) + "\n", encoding="utf-8")
    (tmp_path / "old.fr").write_text("\n".join(french) + "\n", encoding="utf-8")
    (tmp_path / "new.en").write_text("the cat sees a dog.\nthis cat sees a dog.\n", encoding="utf-8")
    follow("own_translation", tmp_path, monkeypatch, *SMALL_TRANSLATOR)
    assert len((tmp_path / "new.fr").read_text(encoding="utf-8").splitlines()) == 2
    assert "60 pairs; the last 6 judge, the 6 before them choose, 48 train" in capsys.readouterr().out


@pytest.mark.slow
def test_stages_of_an_assistant(tmp_path, monkeypatch, capsys):
    records = [{"prompt": "where " * (n % 4 + 1), "chosen": "in rome .", "rejected": "rome"} for n in range(12)]
    answers = [{"prompt": one["prompt"], "response": one["chosen"]} for one in records]
    for name, rows in (("answers", answers), ("pairs", records), ("questions", records)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    small = ("--config.model.layers_num=1", "--config.model.heads_num=2", "--config.model.embedding_dim=8")
    for line in lines_of("own_assistant"):
        command, *words = line.split()[2:]
        if command == "experiments.predict":
            (tmp_path / "new_pairs.jsonl").write_text(json.dumps(records[0]), encoding="utf-8")
            assert predict.main(words) == 0, capsys.readouterr().err
            assert len((tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()) == 2
            continue
        name = words[0].partition("=")[2]
        more = ["--config.transfer.source=None", "--config.table=('test_exact',)"] if name == "assistant_sft" else []
        words += [*QUICK[:-1], *small, *more, f"--workdir=checkpoints/{name}", "--config.schedule.warmup_steps=0"]
        assert run.main(words) == 0, capsys.readouterr().err
        told = (tmp_path / "checkpoints" / name / "data.txt").read_text(encoding="utf-8")
        assert "12 records" in told and ("table: true_reward" in told) == (name in ("ppo", "dpo"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("name=parallel_files", "source=a.en", "target=a.fr"), "a.en has 3 lines and a.fr has 2; line 3 is the first"),
        (("name=parallel_files", "source=a.en"), "give --config.data.source=FILE and --config.data.target=FILE"),
        (("source=a.en",), "no effect on config.data.name='toy_translation'; add --config.data.name=parallel_files"),
        (("name=parallel_files", "source=a.en", "target=a.en", "options.num_examples=9"), "num_examples"),
        (("name=parallel_files", "source=none.en", "target=a.fr"), "none.en"),
    ],
)
def test_files_that_do_not_belong_together_are_told_in_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.en").write_text("one\ntwo\nthree\n", encoding="utf-8")
    (tmp_path / "a.fr").write_text("un\ndeux\n", encoding="utf-8")
    assert run.main(["--config=toy_translation", "--workdir=run", *(f"--config.data.{word}" for word in words)]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1 and not (tmp_path / "run").exists()
