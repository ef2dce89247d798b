"""What each task gives for one input, a list and a generator: keys and nesting, as transformers 4 documents them."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from experiments.pipeline import pipeline
from experiments.pipelines import images
from experiments.pipelines.tasks import TASKS
from tests.experiments.pipelines.folders import FOLDERS, write_pipeline_folder
from tests.pretrained.folders import write_folder
from tests.pretrained.tokenizer_folders import KINDS

TEXTS = ["the world is a token", "Hello hello untokening, don't"]
ASKED = [{"question": "hello?", "context": text} for text in TEXTS]
SENTENCES = [{"source_sentence": text, "sentences": TEXTS} for text in TEXTS]
LABELS = {"candidate_labels": ["hello", "token"]}
SHORT = {"max_new_tokens": 3}
# task -> folder, two inputs, options, what one input gives, what several give
TABLE: dict[str, tuple[str, list[Any], dict[str, Any], str, str]] = {
    "text-generation": ("writer", TEXTS, SHORT, "[{generated_text}]", "[[{generated_text}]]"),
    "fill-mask": ("words", ["the [MASK]", "a [MASK]"], {}, "[{WORD}]", "[[{WORD}]]"),
    "text-classification": ("classes", TEXTS, {}, "[{label score}]", "[{label score}]"),
    "token-classification": ("tags", TEXTS, {}, "[{TOKEN}]", "[[{TOKEN}]]"),
    "question-answering": ("answers", ASKED, {}, "{score start end answer}", "[{score start end answer}]"),
    "summarization": ("texts", TEXTS, SHORT, "[{summary_text}]", "[{summary_text}]"),
    "translation": ("texts", TEXTS, SHORT, "[{translation_text}]", "[{translation_text}]"),
    "text2text-generation": ("texts", TEXTS, SHORT, "[{generated_text}]", "[{generated_text}]"),
    "feature-extraction": ("vectors", TEXTS, {}, "[[[float]]]", "[[[[float]]]]"),
    "sentence-similarity": ("vectors", SENTENCES, {}, "[float]", "[[float]]"),
    "zero-shot-classification": (
        "entailment", TEXTS, LABELS, "{sequence labels scores}", "[{sequence labels scores}]",
    ),
    "image-classification": ("images", ["a.png", "b.png"], {}, "[{score label}]", "[[{score label}]]"),
    "audio-classification": ("images", ["a.wav", "b.wav"], {}, "[{score label}]", "[[{score label}]]"),
}  # fmt: skip
LONG = {"WORD": "score token token_str sequence", "TOKEN": "entity score index word start end"}
# The same with an option that changes what is given: task, options, what one gives, what several give.
OTHERS = [
    ("text-classification", {"top_k": None}, "[{label score}]", "[[{label score}]]"),
    ("text-classification", {"top_k": 1}, "[{label score}]", "[[{label score}]]"),
    (
        "token-classification", {"aggregation_strategy": "simple"},
        "[{entity_group score word start end}]", "[[{entity_group score word start end}]]",
    ),
    ("question-answering", {"top_k": 2}, "[{score start end answer}]", "[[{score start end answer}]]"),
]  # fmt: skip


def form(value: Any) -> str:
    """Its keys and lists."""
    if isinstance(value, dict):
        return "{" + " ".join(value) + "}"
    if isinstance(value, list):
        forms = {form(one) for one in value}
        assert len(forms) == 1, forms
        return f"[{forms.pop()}]"
    return type(value).__name__


def wanted(text: str) -> str:
    for name, keys in LONG.items():
        text = text.replace(name, keys)
    return text


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table")
    for name in FOLDERS:
        write_pipeline_folder(path, name)
    for name in ("a.png", "b.png"):
        Image.fromarray(np.zeros((12, 12, 3), np.uint8)).save(path / name)
    return path


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound is a picture of the size that the tiny folder reads."""
    monkeypatch.setattr(images, "read_sound", lambda path: path)
    monkeypatch.setattr(images, "spectrogram", lambda path: np.zeros((12, 12, 3), np.float32))


@cache
def made(task: str, folder: Path) -> Any:
    return pipeline(task, folder)


def placed(inputs: list[Any], root: Path) -> list[Any]:
    return [str(root / one) if str(one).endswith((".png", ".wav")) else one for one in inputs]


def test_every_task_is_in_the_table() -> None:
    assert TABLE.keys() == TASKS.keys() and len(TABLE) == 13


@pytest.mark.parametrize("task", TABLE)
def test_one_a_list_and_a_generator(root: Path, heard: None, task: str) -> None:
    folder, given, options, one, several = TABLE[task]
    asked, inputs = made(task, root / folder), placed(given, root)
    assert form(asked(inputs[0], **options)) == wanted(one)
    found = asked(inputs, **options)
    assert form(found) == wanted(several) and len(found) == 2
    generated = asked((value for value in inputs), **options)
    assert isinstance(generated, Iterator) and form(list(generated)) == wanted(several)
    assert form(asked(inputs, batch_size=1, **options)) == wanted(several)
    assert form(list(asked(iter(inputs), batch_size=2, **options))) == wanted(several)
    assert asked([], **options) == []


@pytest.mark.parametrize(("task", "options", "one", "several"), OTHERS)
def test_with_an_option(root: Path, task: str, options: dict[str, Any], one: str, several: str) -> None:
    folder, inputs, *_ = TABLE[task]
    asked = made(task, root / folder)
    assert form(asked(inputs[0], **options)) == one and form(asked(inputs, **options)) == several
    assert form(list(asked(iter(inputs), **options))) == several


def test_nesting_that_is_odd_there(root: Path) -> None:
    """A pair of texts has its class alone; top_k of the pipeline nests a text's classes; one mask text loses its list."""
    pair = {"text": TEXTS[0], "text_pair": TEXTS[1]}
    asked = made("text-classification", root / "classes")
    assert form(asked(pair)) == "{label score}" and form(asked([pair])) == "[{label score}]"
    assert form(asked(pair, top_k=2)) == "[{label score}]"
    every = pipeline("text-classification", root / "classes", top_k=None)
    assert form(every(TEXTS[0])) == form(every(TEXTS)) == "[[{label score}]]"
    masks = made("fill-mask", root / "words")
    assert masks(["the [MASK]"]) == masks("the [MASK]")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "tokenizer"),
    [("gpt2", "gpt2"), ("llama", "llama2"), ("mistral", "mistral"), ("qwen2", "qwen2"), ("t5", "t5")],
)
def test_beams_copies_and_batches_of_every_family(tmp_path: Path, family: str, tokenizer: str) -> None:
    """Several texts of each prompt; a batch, its prompts alone and a generator give the same."""
    folder = write_folder(tmp_path / family, family, 700)
    KINDS[tokenizer](folder)
    task = "text2text-generation" if family == "t5" else "text-generation"
    asked = pipeline(task, folder)
    for way in ({"num_beams": 3}, {"do_sample": True, "seed": 3}, {}):
        copies = {"num_return_sequences": 2} if way else {}
        found = asked(TEXTS, max_new_tokens=4, **way, **copies)
        assert form(found) == ("[[{generated_text}]]" if way or family != "t5" else "[{generated_text}]")
        assert all(len(rows) == (2 if way else 1) for rows in found)
        assert list(asked(iter(TEXTS), max_new_tokens=4, **way, **copies)) == found
        if "seed" not in way:
            assert asked(TEXTS, max_new_tokens=4, batch_size=1, **way, **copies) == found
            alone = [asked(text, max_new_tokens=4, **way, **copies) for text in TEXTS]
            assert alone == (found if way or family != "t5" else [[row] for row in found])
