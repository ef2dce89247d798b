"""Calls as transformers 4 takes them, sentence encoders with their modules, and scores without a function."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.pipeline import pipeline
from experiments.pipelines.models import load_model
from experiments.pipelines.sentences import sentence_vectors
from nn_core.pretrained.tensor_files import PretrainedError
from tests.experiments.pipelines.folders import write_pipeline_folder
from tests.pretrained.folders import write_tensors

TEXTS = ["the world is a token", "Hello hello untokening, don't"]
NAMES = ("words", "classes", "tags", "answers", "entailment", "vectors")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calls")
    for name in NAMES:
        write_pipeline_folder(path, name)
    return path


@cache
def made(task: str, place: Path) -> Any:
    return pipeline(task, place)


def test_labels_are_a_text_a_list_or_the_second_argument(root: Path) -> None:
    asked = made("zero-shot-classification", root / "entailment")
    wanted = asked(TEXTS[0], candidate_labels="hello, token")
    assert asked(TEXTS[0], candidate_labels=["hello", "token"]) == wanted
    assert (
        asked(TEXTS[0], ["hello", "token"]) == asked(sequences=TEXTS[0], candidate_labels=["hello", "token"]) == wanted
    )


def test_other_names_of_tasks(root: Path) -> None:
    assert pipeline("ner", root / "tags")(TEXTS[0]) == made("token-classification", root / "tags")(TEXTS[0])
    classes = made("text-classification", root / "classes")(TEXTS)
    alone = pipeline("sentiment-analysis", root / "classes", batch_size=1)(TEXTS)
    assert [row["label"] for row in alone] == [row["label"] for row in classes]
    assert [row["score"] for row in alone] == pytest.approx([row["score"] for row in classes])


def test_no_top_k_is_every_class(root: Path) -> None:
    asked = made("text-classification", root / "classes")
    assert len(asked(TEXTS[0])) == 1 and len(asked(TEXTS[0], top_k=None)) == 3
    assert [len(rows) for rows in asked(TEXTS, top_k=None)] == [3, 3]
    assert [len(rows) for rows in asked(TEXTS, top_k=1)] == [1, 1]


def test_words_of_a_mask_may_be_named(root: Path) -> None:
    asked = made("fill-mask", root / "words")
    every = asked("the [MASK] is in it", top_k=359)
    found = asked("the [MASK] is in it", targets=["world", "token"])
    assert found == [row for row in every if row["token_str"] in ("world", "token")]
    assert asked("the [MASK] is in it", targets="world, token") == found
    with pytest.raises(ValueError, match="the target 'hello world' is 2 tokens"):
        asked("the [MASK] is in it", targets=["hello world"])


def test_questions_in_every_form(root: Path) -> None:
    asked = made("question-answering", root / "answers")
    one, other = (asked(question=question, context="the world is a token") for question in ("hello?", "the world?"))
    pairs = [{"question": question, "context": "the world is a token"} for question in ("hello?", "the world?")]
    assert asked("hello?", "the world is a token") == one
    assert asked(pairs) == asked(question=["hello?", "the world?"], context="the world is a token") == [one, other]
    assert asked(question=["hello?", "the world?"], context=["the world is a token"] * 2) == [one, other]
    with pytest.raises(ValueError, match="2 and 3 questions and contexts"):
        asked(question=["a", "b"], context=["a"] * 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": 0}, "device= is not taken: JAX takes the accelerator it finds"),
        ({"tokenizer": "x"}, "tokenizer= is not taken: it is read from the model's folder"),
        ({"framework": "pt"}, "there is JAX alone"),
        ({"top_q": 1}, "text-classification has no option 'top_q'; did you mean top_k"),
        ({"top_k": "x"}, "top_k='x' must be a whole number"),
        ({"top_k": 0}, "top_k=0 must be a whole number >= 1"),
        ({"top_k": -1}, "top_k=-1 must be"),
        ({"truncation": 1}, "truncation=1 must be True or False"),
        ({"batch_size": 0}, "batch_size=0 must be"),
    ],
)
def test_wrong_options_are_told_in_the_words_of_a_pipeline(root: Path, options: dict[str, Any], said: str) -> None:
    for call in (
        lambda: pipeline("text-classification", root / "classes", **options),
        lambda: made("text-classification", root / "classes")("a", **options),
    ):
        with pytest.raises(ValueError) as caught:
            call()
        assert said in str(caught.value) and "config." not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("task", "name", "value"),
    [
        ("text-classification", "classes", {"text": 3}),
        ("text-classification", "classes", b"bytes"),
        ("text-classification", "classes", ["a", 3]),
        ("question-answering", "answers", {"question": 3, "context": "a"}),
        ("sentence-similarity", "vectors", {"source_sentence": "a", "sentences": "abc"}),
        ("zero-shot-classification", "entailment", [3]),
    ],
)
def test_inputs_that_are_no_texts(root: Path, task: str, name: str, value: Any) -> None:
    options = {"candidate_labels": ["hello"]} if name == "entailment" else {}
    with pytest.raises(ValueError, match="is not a text|reads"):
        made(task, root / name)(value, **options)


def test_an_unknown_task_is_told_in_the_words_of_a_pipeline() -> None:
    with pytest.raises(ValueError, match="^the task 'fill-musk' is unknown; did you mean fill-mask"):
        pipeline("fill-musk", "x")


def test_a_broken_config_is_named(root: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(root / "classes", tmp_path / "broken")
    (folder / "config.json").write_text("{bad", encoding="utf-8")
    with pytest.raises(PretrainedError, match=r"broken.config\.json is not JSON .* download it again"):
        pipeline("text-classification", folder)


def test_a_regression_s_numbers_are_as_they_are(root: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(root / "classes", tmp_path / "numbers")
    path = folder / "config.json"
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"problem_type": "regression"}), encoding="utf-8"
    )
    found = pipeline("text-classification", folder)(TEXTS[0], top_k=None)
    assert found == made("text-classification", root / "classes")(TEXTS[0], top_k=None, function_to_apply="none")


def with_modules(folder: Path, modules: Any, pooling: dict[str, Any]) -> Path:
    (folder / "modules.json").write_text(modules if isinstance(modules, str) else json.dumps(modules), encoding="utf-8")
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    return folder


MODULES = [{"path": "", "type": "x.Transformer"}, {"path": "1_Pooling", "type": "x.Pooling"}]
DENSE = [*MODULES, {"path": "2_Dense", "type": "x.Dense"}, {"path": "3_Normalize", "type": "x.Normalize"}]


def test_pooled_and_dense_vectors(root: Path, tmp_path: Path) -> None:
    """As sentence-transformers: [first, largest, mean, mean * sqrt(T), weighted mean], tanh(W x + b), length 1."""
    names = ("cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens")
    folder = shutil.copytree(root / "vectors", tmp_path / "dense")
    with_modules(folder, DENSE, {f"pooling_mode_{name}": True for name in names})
    (folder / "2_Dense").mkdir()
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(7, 5 * 24)).astype(np.float32), rng.normal(size=7).astype(np.float32)
    about = {"in_features": 120, "out_features": 7, "activation_function": "torch.nn.modules.activation.Tanh"}
    (folder / "2_Dense" / "config.json").write_text(json.dumps(about), encoding="utf-8")
    write_tensors(folder / "2_Dense" / "model.safetensors", {"linear.weight": weight, "linear.bias": bias})
    found = sentence_vectors(load_model(folder), TEXTS, truncation=False)
    wanted = []
    for rows in made("feature-extraction", root / "vectors")(TEXTS):
        states = np.array(rows[0])
        steps = np.arange(1, len(states) + 1)[:, None]
        pooled = [states[0], states.max(0), states.mean(0), states.sum(0) / len(states) ** 0.5]
        wanted.append(np.tanh(weight @ np.concatenate([*pooled, (steps * states).sum(0) / steps.sum()]) + bias))
    lengths = np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(found, wanted / lengths, atol=1e-5)


def test_the_length_that_a_sentence_encoder_names(root: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(root / "vectors", tmp_path / "short")
    with_modules(folder, MODULES, {"pooling_mode_mean_tokens": True})
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 4}), encoding="utf-8")
    model = load_model(folder)
    with pytest.raises(ValueError, match="the model reads 4; use --truncation"):
        sentence_vectors(model, TEXTS, truncation=False)
    cut = sentence_vectors(model, ["the world and the", "the world a"], truncation=True)
    np.testing.assert_allclose(cut[0], sentence_vectors(model, ["the world"], truncation=False)[0], atol=1e-6)


@pytest.mark.parametrize(
    ("modules", "pooling", "said"),
    [
        (["a"], {}, "is not a list of modules"),
        ("{bad", {}, "modules.json is not JSON"),
        ([{"path": "../x", "type": "x.Transformer"}], {}, "is not a list of modules"),
        (MODULES[:1], {}, "the first two must be Transformer, Pooling"),
        ([*MODULES, {"path": "2", "type": "x.LSTM"}], {}, "a module 'LSTM', which is not computed"),
        (MODULES, {"pooling_mode_mean_tokens": False}, "pools in a way that is not computed"),
        (MODULES, {"pooling_mode_odd_tokens": True}, "pools in a way that is not computed"),
        (DENSE, {}, "2_Dense"),
    ],
)
def test_modules_that_are_not_computed(root: Path, tmp_path: Path, modules: Any, pooling: Any, said: str) -> None:
    folder = shutil.copytree(root / "vectors", tmp_path / "odd")
    with_modules(folder, modules, pooling)
    with pytest.raises(PretrainedError) as caught:
        sentence_vectors(load_model(folder), TEXTS, truncation=False)
    assert said in str(caught.value) and str(folder) in str(caught.value)
