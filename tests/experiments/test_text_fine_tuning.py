"""Language models and encoder-decoders of folders and of this project go on with other texts, and are folders again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.building.text_to_text import marks_of
from experiments.export import main as export
from experiments.pipeline import pipeline
from experiments.run import main
from experiments.run_directory.results import read_rows
from experiments.sample import main as sample
from nn_core.data.toy_translation import toy_translation
from nn_core.pretrained.load import load
from nn_core.pretrained.tokenizer_files import read_tokenizer
from nn_core.training.manifest import named_leaves
from tests.experiments import tiny
from tests.experiments.pipelines.folders import write_pipeline_folder

SHORT = {"train.steps": 4, "train.eval_every": 2, "train.log_every": 2, "train.chunk_steps": 2, "figures": "()"}
SMALL_TEXT = {"data.context_size": 8, "data.batch_size": 2, "schedule.warmup_steps": 0, "train.sample_every": 2}
SMALL_TEXT |= {"sample.prompt": "the", "sample.max_new_tokens": 3}
SMALL_PAIRS = {"task.decoded": 2, "data.batch_size": 4, "schedule.warmup_steps": 0, "sample.prompt": "the world"}
SENTENCE = "the world is a token, hello it is in it\n"


def words(config: str, place: Path, values: dict[str, Any]) -> list[str]:
    return [f"--config={config}", f"--workdir={place}", *(f"--config.{name}={value}" for name, value in values.items())]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "own.txt"
    path.write_text(SENTENCE * 60, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tuned(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 of a folder that went on with a text."""
    root = tmp_path_factory.mktemp("tuned")
    source = {"transfer.source": write_pipeline_folder(root, "writer"), "data.name": "file", "data.path": text}
    assert main(words("finetune_text", root / "run", SHORT | SMALL_TEXT | source)) == 0
    return root / "run"


@pytest.mark.slow
def test_a_folder_goes_on_with_a_text_in_its_own_tokens(
    tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """nanoGPT's fine-tuning; a language model of a folder was refused: its task trained from the beginning only."""
    (row,) = read_rows(tuned / "results.csv")
    assert float(row["trained_share"]) == 1 and np.isfinite(float(row["validation_full_loss"]))
    assert (tuned / "samples" / "000002.txt").read_text(encoding="utf-8").startswith("the")
    assert export([f"--checkpoint={tuned}", f"--out={tmp_path / 'out'}"]) == 0
    capsys.readouterr()
    ours, theirs = (
        pipeline("text-generation", place)("the world", max_new_tokens=6, do_sample=False)
        for place in (tuned, tmp_path / "out")
    )
    assert ours == theirs and ours[0]["generated_text"].startswith("the world")
    before, after = (named_leaves(load(place).params) for place in (tuned.parent / "writer", tmp_path / "out"))
    assert before.keys() == after.keys() and any(not np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.slow
def test_what_was_tuned_and_a_run_of_this_project_go_on(
    tuned: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tiny.run(tmp_path / "own", train__sample_every=0)
    for number, (place, prompt) in enumerate(((tuned, "the"), (own, "a"))):
        values = SHORT | SMALL_TEXT | {"transfer.source": place, "sample.prompt": prompt}
        own_text = {"data.name": "file", "data.path": text}
        assert main(words("finetune_text", tmp_path / f"run{number}", values | own_text)) == 0
    assert (tmp_path / "run1" / "tokenizer.json").read_bytes() == (own / "tokenizer.json").read_bytes()
    capsys.readouterr()
    assert main(words("finetune_text", tmp_path / "run2", SHORT | SMALL_TEXT | {"transfer.source": own})) == 2
    error = capsys.readouterr().err
    assert "config.data.name='generated' does not fit the tokenizer of config.transfer.source: character" in error


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Pairs that the tokens of the folder can spell."""
    folder = tmp_path_factory.mktemp("pairs")
    for name, lines in (("a", ["the world is a token", "hello world"]), ("b", ["a token", "world hello"])):
        (folder / name).write_text("".join(f"{line}\n" for line in lines * 20), encoding="utf-8")
    return {"data.name": "parallel_files", "data.source": folder / "a", "data.target": folder / "b"}


@pytest.mark.slow
def test_a_t5_of_a_folder_learns_pairs_and_is_a_folder_again(
    pairs: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer begins with the padding token, as T5's do, and ends with </s>."""
    source = write_pipeline_folder(tmp_path, "texts")
    steps = {"train.steps": 60, "train.eval_every": 30, "train.log_every": 30, "train.chunk_steps": 30, "figures": "()"}
    values = steps | SMALL_PAIRS | pairs | {"transfer.source": source, "hparams.learning_rate": 0.01}
    place = tmp_path / "run"
    assert main(words("finetune_pairs", place, values)) == 0
    assert float(read_rows(place / "results.csv")[0]["beam_exact"]) == 1
    assert export([f"--checkpoint={place}", f"--out={tmp_path / 'out'}"]) == 0
    for model in (place, tmp_path / "out"):
        assert pipeline("text2text-generation", model)("hello world") == [{"generated_text": "world hello"}]
    capsys.readouterr()
    assert sample([f"--checkpoint={place}", "--prompt=the world is a token", "--greedy"]) == 0
    assert "→ a token" in capsys.readouterr().out


@pytest.mark.slow
def test_a_translator_of_this_project_learns_other_pairs(tmp_path: Path) -> None:
    """With packed rows, and again from what was tuned."""
    english, french = toy_translation(num_examples=80)
    for name, lines in (("a", english), ("b", french)):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    own = {"data.name": "parallel_files", "data.source": tmp_path / "a", "data.target": tmp_path / "b"}
    model = {"model.layers_num": 1, "model.embedding_dim": 16, "model.heads_num": 2, "model.ffn_features": 16}
    first = SHORT | SMALL_PAIRS | model | own | {"data.vocabulary_size": 150, "data.packed": False}
    assert main(words("t5_quick", tmp_path / "0", first | {"sample.prompt": english[0]})) == 0
    for number, packed in ((1, True), (2, False)):
        more = {"transfer.source": tmp_path / str(number - 1), "data.packed": packed, "sample.prompt": english[0]}
        assert main(words("finetune_pairs", tmp_path / str(number), SHORT | SMALL_PAIRS | own | more)) == 0
        kept = [(tmp_path / str(place) / "tokenizer.json").read_bytes() for place in (0, number)]
        assert kept[0] == kept[1]


@pytest.mark.parametrize(
    ("config", "source", "said"),
    [
        ("finetune_text", "texts", "reads no text; use a GPT, a Llama or a BERT"),
        ("finetune_text", "words", "holds an encoder, which writes no text; use a GPT or a Llama"),
        ("finetune_pairs", "writer", "holds a GPT, which writes no text for a text; use a T5 or a translator"),
        ("finetune_pairs", "none", "there is no run directory"),
    ],
)
def test_mistakes(
    tmp_path: Path,
    text: Path,
    pairs: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    config: str,
    source: str,
    said: str,
) -> None:
    place = tmp_path / "none" if source == "none" else write_pipeline_folder(tmp_path, source)
    data = pairs if config == "finetune_pairs" else {"data.name": "file", "data.path": text}
    values = SHORT | (SMALL_PAIRS if config == "finetune_pairs" else SMALL_TEXT) | data | {"transfer.source": place}
    assert main(words(config, tmp_path / "run", values)) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and "config.transfer.source=" in error


def test_a_tokenizer_without_padding_is_named(tmp_path: Path) -> None:
    tokenizer = read_tokenizer(write_pipeline_folder(tmp_path, "writer"))
    with pytest.raises(ValueError, match="names no pad_token or no eos_token"):
        marks_of(tokenizer)
