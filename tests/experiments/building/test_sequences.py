"""Tasks of sequences through the command: they run, they tell what they promise, and they refuse in one line."""

import numpy as np
import pytest

from experiments import sample
from experiments.figures import FIGURES
from experiments.run import main
from experiments.run_directory import results

SMALL = {
    "train.steps": 3,
    "train.eval_every": 2,
    "train.log_every": 1,
    "train.chunk_steps": 2,
    "train.evaluate_train": False,
    "train.keep_best": False,
    "optimizer.name": "sgd",
    "model.features": 5,
    "model.embedding_size": 3,
    "data.train": 30,
    "data.validation": 11,
    "data.test": 13,
    "data.batch_size": 8,
    "data.shuffle": False,
    "figures": "()",
    "num_seeds": 1,
}
RUNS = {
    "rnn_memory": {"data.options.num_examples": 60},
    "tagging": {"data.options.num_examples": 60},
    "word_order": {"data.options.num_examples": 60},
    "rnn_spam": {},
    "forecasting": {
        "data.options.num_steps": 80,
        "data.options.window": 12,
        "data.options.period": 6.0,
        "task.season": 6,
        "task.horizon": 9,
        "task.paths": 5,
    },
    "addition": {
        "data.options.num_examples": 60,
        "data.options.max_digits": 1,
        "task.decoded": 7,
        "train.sample_every": 2,
    },
}


def words_of(name, folder, **changes):
    """The command line of a tiny run; `__` stands for a dot."""
    values = SMALL | RUNS[name] | {key.replace("__", "."): value for key, value in changes.items()}
    sweep = [] if name == "addition" else ["--sweep=false"]
    return [
        f"--config={name}",
        f"--workdir={folder / 'run'}",
        *sweep,
        *(f"--config.{path}={value}" for path, value in values.items()),
    ]


@pytest.fixture(scope="module")
def run_of(tmp_path_factory):
    """name -> what its directory holds; each is run once."""
    made = {}

    def run(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            assert main(words_of(name, folder)) == 0
            made[name] = results.read(folder / "run")
        return made[name]

    return run


# A text's classes differ from a sequence's in their data only, which the bag of words below reads too.
SLOW = ("word_order", "rnn_spam", "rnn_memory")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in RUNS])
def test_a_run_fills_the_columns_of_its_table(name, run_of):
    run = run_of(name)
    (row,) = run.rows
    assert row["status"] == "finished" and row["steps"] == 3 and row["parameters"] > 0
    assert all(np.isfinite(row[column]) for column in run.config["table"])


def test_a_bag_of_words_is_a_model_of_sequences(tmp_path):
    assert main(words_of("word_order", tmp_path, model__name="bag")) == 0
    (row,) = results.read(tmp_path / "run").rows
    assert row["parameters"] == 2 * 9 + 2


@pytest.mark.parametrize(("name", "figure"), [("forecasting", "forecast"), ("addition", "decoding")])
def test_its_figure_names_its_axes(name, figure, run_of):
    panels = [axes for axes in FIGURES[figure](run_of(name)).axes if axes.axison]
    assert panels and all(axes.get_xlabel() for axes in panels)
    empty = FIGURES[figure](run_of("tagging"))
    assert not empty.axes and "no" in empty.texts[0].get_text()


def test_a_translator_is_asked_and_shows_what_it_writes(run_of, capsys):
    run = run_of("addition")
    lines = (run.directory / "samples" / "000002.txt").read_text().splitlines()
    assert len(lines) == 11 and all("+" in line and " = " in line for line in lines)
    words = [f"--checkpoint={run.directory}", "--greedy", "--max_new_tokens=3"]
    assert sample.main([*words, "--prompt=1+2", "--prompt=7+9"]) == 0
    out = capsys.readouterr().out
    assert "1+2 = " in out and "7+9 = " in out
    assert sample.main([f"--checkpoint={run.directory}", "--prompt=1+2", "--num_beams=2"]) == 0
    assert capsys.readouterr().out.startswith("1+2 = ")
    for wrong, message in (
        (["--prompt=1-2"], "'-'; it holds 11 others"),
        (["--prompt="], "the prompt is empty"),
        (["--prompt=1+2", "--eos=5"], "a translator has an end token of its own"),
        (["--prompt=1+2", "--max_length=1"], "max_length=1"),
    ):
        assert sample.main([words[0], *wrong]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1


def test_a_question_is_answered_alone_as_beside_a_longer_one(run_of, capsys):
    words = [f"--checkpoint={run_of('addition').directory}", "--greedy"]
    assert sample.main([*words, "--prompt=1+2"]) == 0
    alone = capsys.readouterr().out
    assert sample.main([*words, "--prompt=1+2", "--prompt=12345+678"]) == 0
    assert alone.rstrip("\n") in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("tagging", {"data__name": "tagged_sentence"}, "did you mean tagged_sentences"),
        ("tagging", {"task__name": "taging"}, "did you mean tagging"),
        ("tagging", {"data__name": "word_order"}, "whose answer is a class; use the task 'sequence_classification'"),
        ("tagging", {"model__name": "bag"}, "config.model.name='bag' is unknown; there are: "),
        ("tagging", {"model__cell": "lstn"}, "config.model.cell='lstn' is unknown; did you mean lstm?"),
        ("tagging", {"data__train": 60}, "exceed the 60 examples"),
        ("tagging", {"data__batch_size": 31}, "config.data.batch_size=31 is more than the 30 examples"),
        ("rnn_memory", {"data__options__length": 0}, "length=0 is out of range"),
        ("rnn_memory", {"model__features": 0}, "config.model.features=0 is outside [1, inf)"),
        ("rnn_memory", {"hparams__beta1": 0.1}, "config.hparams.beta1=0.1 is read by nothing"),
        ("rnn_spam", {"data__options__buckets": 0}, "buckets=0 is out of range"),
        ("forecasting", {"data__options__window": 80}, "window=80 is out of range"),
        ("forecasting", {"task__season": 13}, "config.task.season=13 is longer than the window of 12"),
        ("forecasting", {"task__horizon": 14}, "config.task.horizon=14 is longer than config.data.test=13"),
        ("forecasting", {"data__shuffle": True}, "config.data.shuffle=True draws windows of the future"),
        ("addition", {"data__options__max_digits": 7}, "max_digits=7 is out of range"),
        ("addition", {"data__options__num_examples": 101}, "num_examples=101 is out of range"),
        ("addition", {"model__bidirectional": True}, "bidirectional=True lets a decoder see"),
        ("addition", {"task__num_beams": 1}, "config.task.num_beams=1 is outside [2, 4096]"),
    ],
)
def test_every_mistake_is_one_line_and_exit_code_2(name, changes, message, tmp_path, capsys):
    assert main(words_of(name, tmp_path, **changes)) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and "Traceback" not in error
    assert not (tmp_path / "run").exists()
