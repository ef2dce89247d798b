"""Calls as transformers 4 takes them, sentence encoders with their modules, and scores without a function."""

import json
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers as hf
from PIL import Image

from experiments.export import main as export
from experiments.pipeline import pipeline
from experiments.pipelines import writing
from experiments.pipelines.encoders import cut, feed
from experiments.pipelines.models import load_model, note
from experiments.pipelines.run import task_named
from experiments.pipelines.sentences import sentence_vectors
from experiments.sample import main as sample
from nn_core.models.transformer.fine_tuned import FineTuned
from nn_core.pretrained.folder_tokenizer import Fed
from nn_core.pretrained.preprocessor import Preprocessor, read_preprocessor
from nn_core.pretrained.tensor_files import PretrainedError
from tests.experiments import tiny
from tests.experiments.pipelines.folders import write_pipeline_folder
from tests.pretrained.folders import write_folder, write_tensors
from tests.pretrained.tokenizer_folders import KINDS

TEXTS = ["the world is a token", "Hello hello untokening, don't"]
NAMES = ("words", "classes", "tags", "answers", "entailment", "vectors", "writer", "texts", "images")


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


def test_a_pair_of_languages_is_two() -> None:
    """As transformers 4 has it."""
    assert task_named("translation_en_to_fr") is task_named("translation")
    for name in ("translation_klingon", "translation_", "translation_en_to_", "translation_en_to_fr_to_de"):
        with pytest.raises(ValueError, match=f"^the task '{name}' is unknown; .* is written translation_xx_to_yy$"):
            task_named(name)


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


def test_tokens_of_a_network_that_was_tuned_here(root: Path) -> None:
    """Its hidden states are features, and their mean is a sentence's vector."""
    whole = load_model(root / "words")
    encoder = whole.module.encoder
    module = FineTuned(encoder, 2)
    params = {"backbone": whole.params["encoder"], "output": {"kernel": np.zeros((24, 2)), "bias": np.zeros(2)}}
    tuned = whole._replace(kind="text_class", module=module, params=params, settings={"max_tokens": 20})
    plain = made("feature-extraction", root / "words")(TEXTS[0])
    states = pipeline("feature-extraction", tuned)(TEXTS[0])
    np.testing.assert_allclose(states, plain, atol=1e-5)
    asked = {"source_sentence": TEXTS[0], "sentences": [TEXTS[0], "hello"]}
    wanted = pipeline("sentence-similarity", root / "words")(asked)
    np.testing.assert_allclose(pipeline("sentence-similarity", tuned)(asked), wanted, atol=1e-5)


def fed_of(first: int, second: int) -> Fed:
    """[CLS] first [SEP] second [SEP]."""
    texts = [None, *[0] * first, None, *[1] * second, *([None] if second else [])]
    count = len(texts)
    return Fed(list(range(count)), [0] * count, [(0, 1)] * count, texts, [None] * count)


@pytest.mark.parametrize(
    ("first", "second", "longest", "wanted"),
    [(9, 0, 7, (5, 0)), (9, 3, 10, (4, 3)), (3, 9, 10, (3, 4)), (10, 8, 8, (3, 2)), (8, 8, 8, (2, 3))],
)
def test_texts_are_cut_as_transformers_cuts(first: int, second: int, longest: int, wanted: tuple[int, int]) -> None:
    """The library that transformers asks is the oracle, on words of one token."""
    found = cut(fed_of(first, second), longest)
    assert (found.texts.count(0), found.texts.count(1)) == wanted and len(found.ids) == longest
    oracle = hf.Tokenizer(hf.models.WordLevel({"a": 0, "[S]": 1}, unk_token="a"))
    oracle.pre_tokenizer = hf.pre_tokenizers.Whitespace()
    oracle.post_processor = hf.processors.TemplateProcessing("[S] $A [S]", "[S] $A [S] $B [S]", [("[S]", 1)])
    oracle.enable_truncation(longest)
    theirs = oracle.encode("a " * first, "a " * second if second else None)
    assert found.texts == theirs.sequence_ids


def test_a_long_text_leaves_its_label_whole(root: Path) -> None:
    """Cut from the end, every label had the same score."""
    asked = made("zero-shot-classification", root / "entailment")
    found = asked("the world " * 60, ["hello", "a token of it"], truncation=True)
    assert found["scores"][0] != found["scores"][1]
    with pytest.raises(ValueError, match="leaves no room for a text"):
        asked("the world", ["hello " * 90], truncation=True)
    with pytest.raises(ValueError, match="use --truncation"):
        asked("the world " * 60, ["hello"])


def test_answers_are_whole_words(root: Path) -> None:
    """As transformers 4 aligns them: the pieces of a word stay together, at every place that may be answered."""
    context = "untokening tokened worlding aing"
    found = made("question-answering", root / "answers")(question="it?", context=context, top_k=200)
    assert len(found) > 3
    words = context.split()
    for row in found:
        assert set(row["answer"].split()) <= set(words) and context[row["start"] : row["end"]] == row["answer"]


def test_words_that_are_no_words(root: Path) -> None:
    asked = made("fill-mask", root / "words")
    with pytest.raises(ValueError, match="the target '世' is not in the vocabulary"):
        asked("the [MASK] is in it", targets=["世"])
    assert asked("the [MASK] is in it", targets=["[SEP]"])[0]["token_str"] == "[SEP]"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"do_sample": True, "num_beams": 2}, "beams draw nothing"),
        ({"do_sample": True, "temperature": 0}, "contradicts temperature=0"),
        ({"do_sample": False, "temperature": 0.7}, "temperature=0.7 has no effect with do_sample=False"),
        ({"do_sample": False, "top_k": 3}, "top_k=3 has no effect with do_sample=False"),
        ({"num_beams": 10**9}, "num_beams=1000000000 is more than 10,000"),
        ({"seed": -1}, "seed=-1 is outside [0, 4294967295]"),
        ({"seed": 2**40, "do_sample": True}, "is outside [0, 4294967295]"),
        ({"num_beams": 2, "length_penalty": float("nan")}, "length_penalty=nan is not a finite number"),
        ({"max_length": 10**9}, "max_length=1000000000 is more than 1,000,000"),
        ({"num_return_sequences": 10**9}, "num_return_sequences=1000000000 is more than 10,000"),
    ],
)
def test_contradictions_of_sampling_are_refused(root: Path, options: dict[str, Any], said: str) -> None:
    asked = made("text-generation", root / "writer")
    with pytest.raises(ValueError, match=re.escape(said)):
        asked("the", **({} if "max_length" in options else {"max_new_tokens": 2}), **options)
    assert asked("the", max_new_tokens=2, do_sample=False, temperature=0) == asked("the", max_new_tokens=2)


def test_what_chooses_within_a_run_is_refused_for_a_folder(root: Path, tiny_run: Path) -> None:
    for options in ({"member": 3}, {"step": "latest"}):
        with pytest.raises(ValueError, match="chooses within a run directory"):
            pipeline("fill-mask", root / "words", **options)
    with pytest.raises(ValueError, match="dtype=bfloat16 is for the parameters of a folder"):
        pipeline("text-generation", tiny_run, dtype="bfloat16")


def test_prompts_are_refused_in_the_words_of_sample(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of characters, and the folder that it is exported to."""
    folder = tmp_path / "exported"
    assert export([f"--checkpoint={tiny_run}", f"--out={folder}"]) == 0
    for place in (tiny_run, folder):
        asked = pipeline("text-generation", place, max_new_tokens=2)
        for prompt in ("Zoë 7", ""):
            capsys.readouterr()
            assert sample([f"--checkpoint={tiny_run}", f"--prompt={prompt}"]) == 2
            told = capsys.readouterr().err.removeprefix("error: ").strip()
            with pytest.raises(ValueError) as caught:
                asked(["Anna", prompt])
            assert str(caught.value) == told
        assert len(asked("Anna")) == 1


def test_what_is_forgotten_is_told_once(tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the pipeline as by sample; within the window there is nothing to tell."""
    note.cache_clear()
    asked = pipeline("text-generation", tiny_run, do_sample=False)
    asked("Anna", max_new_tokens=tiny.CONTEXT - 3)
    assert capsys.readouterr().err == ""
    for prompt in ("Anna", "Anna sees the dog."):
        assert sample([f"--checkpoint={tiny_run}", f"--prompt={prompt}", "--max_new_tokens=14", "--greedy"]) == 0
        (told,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
        asked(prompt, max_new_tokens=14)
        asked(prompt, max_new_tokens=14)
        (found,) = capsys.readouterr().err.splitlines()
        assert found == f"note: {tiny_run}: {told.removeprefix('note: ').removesuffix(' (--keep says how many)')}"
        assert f"the context window of {tiny.CONTEXT} tokens" in found


def test_the_first_blank_of_what_is_written_is_kept(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in transformers: a tokenizer that marks the beginnings of words would lose it, decoding the new tokens alone."""
    folder = write_folder(tmp_path / "llama", "llama", 700)
    KINDS["llama2"](folder)
    asked = pipeline("text-generation", folder)
    model = load_model(folder)
    before, whole = (model.prompt_ids(text) for text in ("Hello", "Hello world"))
    assert whole[: len(before)] == before and model.the_tokenizer().decode(whole[len(before) :]) == "world"
    monkeypatch.setattr(writing, "write", lambda *arguments: [[whole[len(before) :]]])
    assert asked("Hello") == [{"generated_text": "Hello world"}]
    assert asked("Hello", return_full_text=False) == [{"generated_text": " world"}]


def test_characters_that_a_class_of_texts_has_no_token_for_are_told(
    tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note.cache_clear()
    model = load_model(tiny_run)
    model = model._replace(module=FineTuned(model.module, 2), settings={"max_tokens": 9})
    assert feed(model, "Anna").ids == feed(model, "Ann7a").ids
    assert (
        capsys.readouterr().err
        == f"note: {tiny_run}: texts have characters outside the vocabulary, which are left out\n"
    )


def with_task(folder: Path, task: str, said: dict[str, Any]) -> Path:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {"task_specific_params": {task: said}}
    path.write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_what_a_folder_says_for_a_task_is_done_for_this_task(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in the T5s and GPT-2s of the hub and transformers 4: beams, lengths, draws and prefix; what is asked counts more."""
    ways: list[tuple[int, int | None, int | None, bool, int]] = []

    def write(model: Any, params: Any, prompts: Any, way: Any) -> Any:
        length = 0 if isinstance(params, dict) else int((params[1][0] != 0).sum())
        ways.append((way["num_beams"], way.get("max_new_tokens"), way.get("max_length"), way["greedy"], length))
        return [[[5]]]

    monkeypatch.setattr(writing, "write", write)
    said = {"num_beams": 3, "max_length": 6, "early_stopping": True, "prefix": "hello ", "no_repeat_ngram_size": 3}
    folder = with_task(shutil.copytree(root / "texts", tmp_path / "t5"), "translation_en_to_fr", said)
    plain, asked = pipeline("text2text-generation", folder), pipeline("translation_en_to_fr", folder)
    assert capsys.readouterr().err.count(f"{folder / 'config.json'} asks for no_repeat_ngram_size") == 1
    plain("the world")
    asked("the world")
    asked("the world", num_beams=1, max_new_tokens=9, prefix="")
    (tokens, longer) = (ways[0][4], ways[1][4])
    assert ways == [(1, 20, None, True, tokens), (3, None, 6, False, longer), (1, 9, None, True, tokens)]
    assert longer > tokens
    drawn = with_task(shutil.copytree(root / "writer", tmp_path / "gpt"), "text-generation", {"do_sample": True})
    pipeline("text-generation", drawn)("the world")
    assert ways[-1] == (1, 20, None, False, 0)
    broken = with_task(folder, "summarization", {"max_length": "long"})
    with pytest.raises(PretrainedError, match=r"config\.json has max_length='long', which is not a whole number"):
        pipeline("summarization", broken)


def test_an_array_is_no_list_of_inputs(root: Path) -> None:
    with pytest.raises(ValueError, match="and not ndarray"):
        made("image-classification", root / "images")(np.zeros((4, 4, 3)))


def test_labels_may_be_left_out_or_kept(root: Path, tmp_path: Path) -> None:
    """As transformers: O is left out unless another list is given; the kind of a group counts, without B- and I-."""
    asked = made("token-classification", root / "tags")
    every = asked(TEXTS[1])
    assert {row["entity"] for row in every} == {"B-PER"}
    assert asked(TEXTS[1], ignore_labels="O, B-PER") == []
    assert asked(TEXTS[1], ignore_labels=["PER"]) == every
    assert asked(TEXTS[1], aggregation_strategy="simple", ignore_labels=["PER"]) == []
    folder = shutil.copytree(root / "tags", tmp_path / "tags")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["id2label"] = {key: {"B-PER": "O", "O": "B-PER"}.get(name, name) for key, name in config["id2label"].items()}
    config["label2id"] = {name: int(key) for key, name in config["id2label"].items()}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    outside = made("token-classification", folder)
    assert outside(TEXTS[1]) == []
    assert [row["entity"] for row in outside(TEXTS[1], ignore_labels=[])] == ["O"] * len(every)
    assert outside("", ignore_labels=[]) == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"size": "big"}, "size=big; it must be a whole number"),
        ({"size": {"height": 12}}, "size="),
        ({"image_mean": "x"}, "image_mean=x; it must be 3 numbers"),
        ({"image_std": [1.0, 0.0, 1.0]}, "image_std="),
        ({"resample": "bicubic"}, "resample=bicubic; it must be one of 0, 2, 3"),
        ({"rescale_factor": 0}, "rescale_factor=0; it must be a number > 0"),
        ({"do_center_crop": True, "crop_size": 0}, "crop_size=0"),
    ],
)
def test_a_preprocessor_of_another_kind_is_one_line(tmp_path: Path, said: dict[str, Any], message: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(PretrainedError, match=re.escape(message)):
        read_preprocessor(tmp_path, 12, 3)


def test_what_a_preprocessor_says_is_done(tmp_path: Path) -> None:
    """Sides, shorter sides, what is cut out, factors: by hand, of a picture whose rows tell where they are."""
    picture = Image.fromarray(np.repeat(np.arange(24, dtype=np.uint8)[:, None, None], 12, 1).repeat(3, 2) * 10)

    def of(**said: Any) -> Preprocessor:
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(said), encoding="utf-8")
        return read_preprocessor(tmp_path, 12, 3)

    assert of(size={"height": 12, "width": 10}).prepare(picture).shape == (12, 10, 3)
    whole = of(size={"shortest_edge": 12}).prepare(picture)
    assert whole.shape == (24, 12, 3)
    cut = of(size={"shortest_edge": 12}, do_center_crop=True, crop_size=8).prepare(picture)
    np.testing.assert_array_equal(cut, whole[8:16, 2:10])
    assert of(do_resize=False).prepare(picture).shape == (24, 12, 3)
    np.testing.assert_allclose(of(image_mean=0.25).standardize(whole[None])[0], (whole - 0.25) / 0.5, atol=1e-6)
    np.testing.assert_allclose(
        of(do_rescale=False, do_normalize=False).standardize(whole[None])[0], whole * 255, rtol=1e-6
    )
    scaled = of(rescale_factor=1 / 127.5, image_mean=1.0, image_std=1.0).standardize(whole[None])[0]
    np.testing.assert_allclose(scaled, whole * 2 - 1, atol=1e-6)
