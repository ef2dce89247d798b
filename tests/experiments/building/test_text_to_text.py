"""Text to text through the commands: a tiny run learns, writes, is sampled by prompt and by file, and refuses in one line."""

import contextlib
import itertools
import json
import shutil
import signal
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from configs import t5_quick
from experiments import sample
from experiments.building.own_code import EXTENSIONS, about_file
from experiments.building.text_to_text import make_judge
from experiments.figures import FIGURES
from experiments.pipeline import pipeline
from experiments.run import main
from experiments.run_directory import results, stored_run
from experiments.trained import text_file
from experiments.training import signals
from nn_core.data.text_pairs import load_text_pairs

SMALL = {
    "train.steps": 4,
    "train.eval_every": 2,
    "train.log_every": 1,
    "train.chunk_steps": 2,
    "train.sample_every": 2,
    "schedule.warmup_steps": 1,
    "model.layers_num": 1,
    "model.heads_num": 2,
    "model.embedding_dim": 8,
    "model.ffn_features": 8,
    "data.options.num_examples": 90,
    "data.options.validation": 23,
    "data.options.test": 7,
    "data.vocabulary_size": 150,
    "data.source_size": 56,
    "data.target_size": 60,
    "data.packed": True,
    "data.batch_size": 5,
    "task.decoded": 7,
    "task.num_beams": 2,
    "figures": "()",
}


def words_of(folder, **changes):
    values = SMALL | {key.replace("__", "."): value for key, value in changes.items()}
    start = ["--config=toy_translation", f"--workdir={folder / 'run'}", "--sweep=false"]
    return start + [f"--config.{path}={value}" for path, value in values.items()]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text_to_text")
    assert main(words_of(folder)) == 0
    return folder / "run"


def test_a_run_keeps_what_it_wrote_and_how_full_its_rows_are(run) -> None:
    (row,) = results.read(run).rows
    assert 0 <= row["test_exact"] <= 1 and 0 < row["padding"] < 0.3
    assert np.asarray(row["decoded"]).shape == (7, 3, 60) and np.asarray(row["wanted"]).shape == (7, 60)
    attention = np.asarray(row["cross_attention"])
    assert attention.shape == (60, 56)
    np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-4)
    assert (run / "samples" / "000004.txt").read_text(encoding="utf-8").count("\n    ") == 20
    FIGURES["translations"](results.read(run))


def test_a_prompt_is_answered_and_traced_alike(run, capsys) -> None:
    asked = [f"--checkpoint={run}", "--prompt=the young cat sees the dog.", "--max_new_tokens=9"]
    assert sample.main([*asked, "--greedy"]) == 0
    written = capsys.readouterr().out.split("\n→ ")[1].strip()
    assert sample.main([*asked, "--trace"]) == 0
    out = capsys.readouterr().out
    assert out.count("→") == out.count("step ") and "[SOS]" in out and "[EOS]" in out.splitlines()[1]
    assert out.splitlines()[-1].removeprefix("text").strip() == written


def test_a_file_is_answered_line_by_line_as_its_lines_alone(run, tmp_path, capsys) -> None:
    lines = ["the cat sees the dog.", "we do not like this school today.", "I draw a star."]
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = [f"--input={source}", f"--output={target}", "--max_new_tokens=6", "--num_beams=2"]
    assert sample.main([f"--checkpoint={run}", *files]) == 0
    answers = target.read_text(encoding="utf-8").splitlines()
    capsys.readouterr()
    alone = [f"--checkpoint={run}", f"--prompt={lines[2]}", "--max_new_tokens=6", "--num_beams=2"]
    assert sample.main(alone) == 0
    assert capsys.readouterr().out.split("\n→ ")[1].strip() == answers[2].strip() and len(answers) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prompt= "], "the source is empty"),
        (["--prompt=the cat ✗ sees ★."], "does not hold: '✗' '★'"),
        ([f"--prompt={'the cat ' * 30}"], "tokens with its end token, more than the 56"),
        (["--input=a.txt"], "needs output too"),
        (["--trace", "--num_beams=3"], "num_beams=3 has no effect with trace, which shows greedy decoding"),
        (["--trace", "--length_penalty=2"], "length_penalty=2.0 has no effect with trace"),
        (["--trace", "--repetition_penalty=2"], "repetition_penalty=2.0 has no effect with trace"),
        (["--trace", "--keep=3"], "keep=3 has no effect with trace"),
        (["--trace", "--chat"], "chat has no effect with trace"),
        (["--trace", "--eos=."], "eos=. has no effect with trace"),
        (["--trace", "--prompt=the cat.", "--prompt=the dog."], "2 prompts are given; give one"),
        (["--trace", "--max_length=1"], "max_length=1 counts the prompt"),
        (["--prompt=the cat.", "--keep=3"], "keep=3 has no effect"),
        (["--prompt=the cat.", "--chat"], "chat has no effect"),
        (["--trace", "--top_k=3"], "top_k=3 has no effect with trace"),
        (["--prompt=the cat.", "--num_beams=0"], "num_beams=0"),
        (["--prompt=the cat.", "--eos=."], "an end token of its own"),
    ],
)
def test_mistakes_of_a_sample_are_one_line(run, arguments, message, capsys) -> None:
    assert sample.main([f"--checkpoint={run}", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("repetition_penalty=2", "repetition_penalty=2.0 has no effect with input, which searches with beams"),
        ("num_return_sequences=2", "num_return_sequences=2 has no effect with input"),
        ("eos=.", "eos=. has no effect with input"),
        ("keep=3", "keep=3 has no effect with input"),
        ("chat", "chat has no effect with input"),
        ("prompt=the cat.", "prompt=the cat. has no effect with input, whose lines are the sources"),
        ("seed=1", "seed=1 has no effect with input"),
        ("max_length=1", "max_length=1 counts the prompt"),
        ("output=none/out.txt", "output=none/out.txt: there is no folder none; make it"),
        ("output=.", "output=. is a folder; name a file, such as --output=answers.txt"),
        ("output=in.txt", "output=in.txt is the file that is read, which would be lost"),
    ],
)
def test_what_a_file_makes_no_use_of_is_told_before_the_work(run, tmp_path, monkeypatch, word, message, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.txt").write_text("the cat.\n", encoding="utf-8")
    output = [] if word.startswith("output") else ["--output=out.txt"]
    assert sample.main([f"--checkpoint={run}", "--input=in.txt", *output, f"--{word}"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


def test_a_file_is_searched_with_the_beams_and_the_penalty_that_are_asked_for(run, tmp_path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(text_file, "beam_search", lambda *arguments, **options: asked.append(options) or 1 / 0)
    (tmp_path / "in.txt").write_text("the cat sees the dog.\n", encoding="utf-8")
    files = [f"--checkpoint={run}", f"--input={tmp_path / 'in.txt'}", f"--output={tmp_path / 'out.txt'}"]
    for more in (["--length_penalty=2", "--early_stopping"], ["--num_beams=1"], ["--greedy"]):
        with pytest.raises(ZeroDivisionError):
            sample.main([*files, *more])
    chosen = [(each["num_beams"], each["length_penalty"], each["early_stopping"]) for each in asked]
    assert chosen == [(5, 2.0, True), (1, 1.0, False), (1, 1.0, False)]


def test_a_trace_is_as_long_as_asked(run, capsys) -> None:
    for word in ("max_length=4", "max_new_tokens=3"):
        assert sample.main([f"--checkpoint={run}", "--prompt=the cat.", "--trace", f"--{word}"]) == 0
        out = capsys.readouterr().out
        assert out.count("step ") <= 3 and ("[EOS]" in out.splitlines()[-2] or out.count("step ") == 3)


OWN = """
from configs import toy_translation
from experiments.building.records import Registry
from experiments.building.registry import REGISTRY


def get_config():
    config = toy_translation.get_config()
    config.model.name = "mine"
    return config


def get_extensions():
    return Registry(models={"mine": REGISTRY.models["encoder_decoder"]})
"""


def test_a_translator_with_code_of_ones_own_answers_files_and_traces(run, tmp_path, capsys) -> None:
    """Its weights are those of a model of the house under another name: no other run is needed."""
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    shutil.copytree(run, tmp_path / "run")
    held = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    held["config"]["model"]["name"] = "mine"
    held[EXTENSIONS] = about_file(tmp_path / "own.py")
    (tmp_path / "run" / "config.json").write_text(json.dumps(held), encoding="utf-8")
    asked = ["--prompt=the cat.", "--trace", "--max_new_tokens=3"]
    assert sample.main([f"--checkpoint={run}", *asked]) == 0
    of_house = capsys.readouterr().out
    assert sample.main([f"--checkpoint={tmp_path / 'run'}", *asked]) == 0
    assert capsys.readouterr().out == of_house
    (found,) = pipeline("translation", tmp_path / "run")("the dog sleeps", max_new_tokens=3)
    assert found == pipeline("translation", run)("the dog sleeps", max_new_tokens=3)[0]


def test_an_empty_line_of_a_file_is_named(run, tmp_path, capsys) -> None:
    (tmp_path / "in.txt").write_text("the cat.\n\nthe dog.\n", encoding="utf-8")
    files = [f"--input={tmp_path / 'in.txt'}", f"--output={tmp_path / 'out.txt'}"]
    assert sample.main([f"--checkpoint={run}", *files]) == 2
    assert "line 2 of" in capsys.readouterr().err and not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data__target_size": 9}, "more than config.data.target_size=9"),
        ({"model__heads_num": 3}, "heads_num=3"),
        ({"task__num_beams": 1}, "config.task.num_beams=1 is outside"),
        ({"task__measures": "('rouge',)"}, "rouge"),
        ({"data__name": "toy_translations"}, "toy_translation"),
        ({"table": "('beam_bleu',)"}, "config.table names 'beam_bleu'"),
    ],
)
def test_mistakes_of_a_config_are_one_line_before_any_compilation(tmp_path, changes, message, capsys) -> None:
    assert main(words_of(tmp_path, **changes)) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_task_of_which_nothing_was_asked_has_no_share(recwarn) -> None:
    config, pairs = t5_quick.get_config(), load_text_pairs("text_tasks", num_examples=40, validation=4, test=8)
    config.task.decoded = 2
    judge = make_judge(config, SimpleNamespace(decode=lambda ids: ""), pairs)
    asked = {f"{source.partition(':')[0]}_exact" for source in pairs.test[0][:2]}
    assert judge({"decoded": np.zeros((2, 3, 5), np.int32)}) == dict.fromkeys(asked, 0.0) and not recwarn
    assert len(asked) == 2


def test_a_run_that_was_interrupted_goes_on_bit_for_bit(run, tmp_path, monkeypatch) -> None:
    asked = itertools.count()

    @contextlib.contextmanager
    def stop_requests(announce):
        yield lambda: signal.SIGINT if next(asked) >= 2 else None

    with monkeypatch.context() as patch:
        patch.setattr(signals, "stop_requests", stop_requests)
        assert main(words_of(tmp_path)) == 130
    assert main(words_of(tmp_path)) == 0
    whole, resumed = (stored_run.load(str(folder), "latest", None) for folder in (run, tmp_path / "run"))
    assert whole.step == resumed.step == 4
    for one, other in zip(jax.tree.leaves(whole.params), jax.tree.leaves(resumed.params), strict=True):
        np.testing.assert_array_equal(one, other)
    (first,), (second,) = results.read(run).rows, results.read(tmp_path / "run").rows
    np.testing.assert_array_equal(first["decoded"], second["decoded"])
    assert first["test_loss"] == second["test_loss"]


def test_the_pipeline_writes_what_sample_writes(run, capsys) -> None:
    """A run directory in a pipeline: the same text, by the same greedy choice."""
    source = "the dog sleeps"
    assert sample.main([f"--checkpoint={run}", f"--prompt={source}", "--greedy", "--max_new_tokens=9"]) == 0
    written = capsys.readouterr().out.split("→ ", 1)[1].strip()
    (found,) = pipeline("translation", run)(source, max_new_tokens=9)
    assert found["translation_text"].strip() == written
    assert (
        pipeline("summarization", run)([source, source], max_new_tokens=9, prefix="")
        == [{"summary_text": found["translation_text"]}] * 2
    )


def test_the_pipeline_refuses_the_sources_that_sample_refuses(run, capsys) -> None:
    """In the same words: nothing is cut, left out or read as unknown without a word."""
    asked = pipeline("translation", run)
    for source in (" ", "the cat ✗ sees ★.", "the cat " * 30):
        assert sample.main([f"--checkpoint={run}", f"--prompt={source}"]) == 2
        told = capsys.readouterr().err.removeprefix("error: ").strip()
        with pytest.raises(ValueError) as caught:
            asked(["the cat.", source])
        assert str(caught.value) == told
