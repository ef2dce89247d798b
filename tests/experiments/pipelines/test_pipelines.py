"""Every task of the pipeline on a tiny folder: outputs equal those of transformers where it still has the task."""

import json
import shutil
import subprocess
import wave
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

from experiments.pipeline import main, pipeline
from experiments.pipelines import addresses
from experiments.pipelines.spans import _windows
from experiments.run import main as train
from experiments.trained.clock import now
from nn_core.data.sounds import RATE, SOUNDS, make_sound, read_sound, sounds, spectrogram
from nn_core.pretrained.export import export
from nn_core.pretrained.folder_tokenizer import Fed
from nn_core.pretrained.tensor_files import PretrainedError
from tests.experiments.pipelines.folders import FOLDERS, write_pipeline_folder
from tests.faults import LocalServer
from tests.pretrained.oracle_python import ORACLE

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
TEXTS = ["the world is a token", "Hello hello untokening, don't"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipelines")
    for name in FOLDERS:
        write_pipeline_folder(path, name)
    return path


@cache
def made(task: str, place: Path, **options: Any) -> Any:
    return pipeline(task, place, **options)


def close(found: Any, wanted: Any, tolerance: float = 2e-5) -> bool:
    """The same structure, numbers close."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(close(found[key], wanted[key], tolerance) for key in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(close(a, b, tolerance) for a, b in zip(found, wanted, strict=True))
    return abs(found - wanted) < tolerance if isinstance(wanted, float) else found == wanted


@pytest.mark.parametrize(
    ("name", "task", "texts", "options"),
    [
        ("writer", "text-generation", TEXTS, {"max_new_tokens": 8}),
        ("words", "fill-mask", ["the [MASK] is in it", "[MASK] world and [MASK]"], {"top_k": 3}),
        ("classes", "text-classification", TEXTS, {"top_k": 3}),
        ("tags", "token-classification", TEXTS, {}),
        ("entailment", "zero-shot-classification", TEXTS, {"candidate_labels": "hello, token, in it"}),
        ("vectors", "feature-extraction", TEXTS, {}),
    ],
)
def test_outputs_are_those_of_transformers(root: Path, name: str, task: str, texts: list[str], options: Any) -> None:
    assert close(made(task, root / name)(texts, **options), GOLDEN[name])


@pytest.mark.parametrize("strategy", ["simple", "first", "average", "max"])
def test_entities_are_joined(root: Path, strategy: str) -> None:
    found = made("token-classification", root / "tags")(TEXTS, aggregation_strategy=strategy)
    assert close(found, GOLDEN["strategies"][strategy])


def test_labels_one_by_one(root: Path) -> None:
    asked = made("zero-shot-classification", root / "entailment")
    assert close(asked(TEXTS[0], candidate_labels="hello, token", multi_label=True), GOLDEN["several"])


def test_one_input_a_list_a_generator(root: Path) -> None:
    asked = made("text-classification", root / "classes")
    alone = asked(TEXTS[0])
    assert [*alone[0]] == ["label", "score"] and len(alone) == 1
    assert asked(TEXTS)[0] == alone[0]
    assert list(asked(text for text in TEXTS)) == asked(TEXTS)
    assert asked([]) == []
    assert asked({"text": TEXTS[0], "text_pair": TEXTS[1]}) != alone


def test_answers_are_the_best_spans(root: Path) -> None:
    """Against the definition: over all spans of at most 15 tokens the largest product of two softmaxes."""
    from experiments.pipelines.models import load_model

    model = load_model(root / "answers")
    context, question = "the world is a token of the world and it is in", "hello?"
    fed = model.the_tokenizer().feed(question, context)
    ids, segments = np.array([fed.ids]), np.array([fed.segments])
    logits = np.asarray(model.module.apply({"params": model.params}, ids, segments))[0]
    inside = [i for i, source in enumerate(fed.texts) if source == 1]
    start, end = (np.exp(row) / np.exp(row[[0, *inside]]).sum() for row in logits)
    score, first, last = max((start[i] * end[j], i, j) for i in inside for j in inside if i <= j < i + 15)
    found = made("question-answering", root / "answers")(question=question, context=context)
    assert [*found] == ["score", "start", "end", "answer"]
    assert found["score"] == pytest.approx(float(score), rel=1e-4)
    assert (found["start"], found["end"]) == (fed.offsets[first][0], fed.offsets[last][1])
    assert found["answer"] == context[found["start"] : found["end"]]
    several = made("question-answering", root / "answers")({"question": question, "context": context}, top_k=3)
    assert several[0] == found and several[0]["score"] >= several[1]["score"] >= several[2]["score"]
    nothing = made("question-answering", root / "answers")(
        question=question, context=context, handle_impossible_answer=True, top_k=1000
    )
    assert any(row["answer"] == "" for row in nothing)


def test_long_contexts_are_read_in_windows() -> None:
    """Every token of the context is in a window, neighbours share the stride, the question is in all."""
    count = 57
    fed = Fed(
        list(range(4 + count + 1)), [0] * 4 + [1] * (count + 1), [(i, i + 1) for i in range(count + 5)],
        [None, 0, 0, None, *[1] * count, None], [None] * (count + 5),
    )  # fmt: skip
    windows = _windows(fed, longest=20, stride=6)
    contexts = [window.ids[4:-1] for window in windows]
    assert all(window.ids[:4] == [0, 1, 2, 3] and window.ids[-1] == 61 for window in windows)
    assert sorted({index for context in contexts for index in context}) == list(range(4, 61))
    assert all(one[-6:] == other[:6] for one, other in zip(contexts, contexts[1:], strict=False))
    with pytest.raises(ValueError, match="ask a shorter one"):
        _windows(fed, longest=6, stride=2)


def test_several_texts_of_a_prompt(root: Path) -> None:
    asked = made("text-generation", root / "writer")
    drawn = asked("Hello", max_new_tokens=5, num_return_sequences=3, seed=1)
    assert len(drawn) == 3 and all(row["generated_text"].startswith("Hello") for row in drawn)
    assert drawn == asked("Hello", max_new_tokens=5, num_return_sequences=3, seed=1)
    assert asked("Hello", max_new_tokens=5, num_return_sequences=3, seed=2) != drawn
    for wrong in (
        {"num_beams": 2, "temperature": 0.5},
        {"max_new_tokens": 4, "max_length": 9},
        {"do_sample": False, "top_k": 3},
    ):
        with pytest.raises(ValueError):
            asked("Hello", **wrong)


def test_a_folder_s_rules_that_are_not_computed_are_told(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(root / "writer", tmp_path / "writer")
    rules = {"no_repeat_ngram_size": 1, "min_length": 0, "forced_bos_token_id": 0, "typical_p": 1.0}
    (folder / "generation_config.json").write_text(json.dumps(rules), encoding="utf-8")
    pipeline("text-generation", folder)
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "asks for no_repeat_ngram_size, forced_bos_token_id, which" in told


def test_chats(root: Path) -> None:
    pytest.importorskip("jinja2")
    folder = root / "writer"
    template = "{% for message in messages %}{{ message.content }}\n{% endfor %}"
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}), encoding="utf-8")
    messages = [{"role": "user", "content": "Hello world"}]
    try:
        (found,) = pipeline("text-generation", folder)(messages, max_new_tokens=4)
    finally:
        (folder / "tokenizer_config.json").unlink()
    assert found["generated_text"][:1] == messages and found["generated_text"][1]["role"] == "assistant"
    (plain,) = made("text-generation", folder)("Hello world\n", max_new_tokens=4, return_full_text=False)
    assert found["generated_text"][1]["content"] == plain["generated_text"]


def test_an_answer_that_is_begun_is_gone_on_with(root: Path, tmp_path: Path) -> None:
    """As transformers 4 has it: nothing stands behind the last message, and the new text is put to it."""
    pytest.importorskip("jinja2")
    folder = shutil.copytree(root / "writer", tmp_path / "chatty")
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</>\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}), encoding="utf-8")
    asked, plain = pipeline("text-generation", folder), made("text-generation", root / "writer")
    question, begun = {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "the world "}
    (found,) = asked({"messages": [question, begun], "id": 7}, max_new_tokens=4)
    (wanted,) = plain("<user>Hello</>\n<assistant>the world", max_new_tokens=4, return_full_text=False)
    answer = wanted["generated_text"]
    assert found["generated_text"] == [question, begun | {"content": "the world " + answer}]
    assert asked([question, begun], max_new_tokens=4, return_full_text=False) == [wanted]
    (found,) = asked([begun, question], max_new_tokens=4)
    assert [one["role"] for one in found["generated_text"]] == ["assistant", "user", "assistant"]


def test_fields_that_no_task_reads_are_left_aside(root: Path) -> None:
    """A text may stand under "text" for every task that reads one."""
    value = {"id": 3, "text": TEXTS[0], "label": "bad"}
    for task, name, options in (
        ("text-generation", "writer", {"max_new_tokens": 8}),
        ("text2text-generation", "texts", {"max_new_tokens": 4}),
        ("zero-shot-classification", "entailment", {"candidate_labels": "hello, token"}),
        ("token-classification", "tags", {}),
    ):
        asked = made(task, root / name)
        assert asked(value, **options) == asked(TEXTS[0], **options)
        with pytest.raises(ValueError, match="is not a text; give a text, or"):
            asked({"prompt": "a"}, **options)


def test_the_time_of_a_chat_can_be_fixed(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jinja2")
    folder = shutil.copytree(root / "writer", tmp_path / "chatty")
    template = "{{ strftime_now('%Y') }}{% for message in messages %}{{ message.content }}{% endfor %}"
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}), encoding="utf-8")
    asked = pipeline("text-generation", folder)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    (found,) = asked([{"role": "user", "content": "a"}], max_new_tokens=4, return_full_text=False)
    (wanted,) = made("text-generation", root / "writer")("2001a", max_new_tokens=4, return_full_text=False)
    assert found == wanted
    for wrong in ("soon", "9" * 30):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(ValueError, match="is no time; give whole seconds since 1970"):
            asked([{"role": "user", "content": "a"}])
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert abs((now() - datetime.now()).total_seconds()) < 60


def test_texts_for_texts(root: Path) -> None:
    folder = root / "texts"
    found = made("translation_en_to_fr", folder)(TEXTS, max_new_tokens=4)
    assert [[*row] for row in found] == [["translation_text"], ["translation_text"]]
    alone = made("text2text-generation", folder)("the world: " + TEXTS[0], max_new_tokens=4)
    (summary,) = made("summarization", folder)(TEXTS[0], max_new_tokens=4)  # the folder's prefix stands before it
    assert [summary["summary_text"]] == [row["generated_text"] for row in alone]


def test_sentences(root: Path) -> None:
    """The cosine of the means of the hidden states."""
    folder = root / "vectors"
    means = [np.mean(rows[0], axis=0) for rows in made("feature-extraction", folder)(TEXTS)]
    cosine = means[0] @ means[1] / np.linalg.norm(means[0]) / np.linalg.norm(means[1])
    asked = made("sentence-similarity", folder)
    found = asked({"source_sentence": TEXTS[0], "sentences": [TEXTS[0], TEXTS[1]]})
    assert found == pytest.approx([1.0, cosine], abs=1e-5)


def test_images(root: Path, tmp_path: Path) -> None:
    pixels = (np.random.default_rng(0).uniform(size=(12, 12, 3)) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    asked = made("image-classification", root / "images")
    found = asked(str(tmp_path / "x.png"), top_k=5)
    assert [*found[0]] == ["score", "label"] and sum(row["score"] for row in found) == pytest.approx(1)
    assert (
        found == sorted(found, key=lambda row: -row["score"]) and asked(str(tmp_path / "x.png"), top_k=2) == found[:2]
    )
    from experiments.pipelines.models import load_model

    model = load_model(root / "images")
    logits = model.module.apply({"params": model.params}, pixels[None].astype(np.float32) / 127.5 - 1)
    assert found[0]["label"] == model.labels[int(np.argmax(logits))]
    assert found[0]["score"] == pytest.approx(float(jax.nn.softmax(logits).max()), abs=1e-5)


def test_an_image_may_be_in_memory(root: Path, tmp_path: Path) -> None:
    """As transformers takes those of Pillow: one, several, gray, and one that no file of ours can hold."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (12, 12, 3)).astype(np.uint8))
    image.save(tmp_path / "a.png")
    look = pipeline("image-classification", root / "images")
    assert look(image) == look(str(tmp_path / "a.png"))
    both = look([image, image.convert("L")])
    assert [row["label"] for row in both[0]] == [row["label"] for row in look(image)] and len(both) == 2
    with pytest.raises(ValueError, match="the image .*convert it to gray, RGB or RGBA"):
        look(Image.new("F", (12, 12)))


def test_an_image_may_stand_at_an_address(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F178: as transformers takes it; what cannot be read is one line that names the address."""
    pixels = (np.random.default_rng(0).uniform(size=(12, 12, 3)) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    body, asked = (tmp_path / "x.png").read_bytes(), made("image-classification", root / "images")
    moved = {"status": 302, "headers": {"Location": "/x.png"}}
    for variable in addresses.OFFLINE:
        monkeypatch.delenv(variable, raising=False)
    replies = {
        "/x.png": [{"body": body}],
        "/moved": [moved],
        "/a%20%C3%A9.png": [{"body": body}],
        "/text": [{"body": b"no image"}],
    }
    with LocalServer(replies | {"/short": [{"body": body, "send": 99}]}) as server:
        there, here = server.url("/x.png"), str(tmp_path / "x.png")
        assert asked(there) == asked(here) == asked(server.url("/a é.png")) == asked(server.url("/a%20%C3%A9.png"))
        assert close(asked([here, server.url("/moved")]), [asked(here)] * 2)
        for path, said in (("/none", "404"), ("/text", "is not a readable"), ("/short", "too early")):
            with pytest.raises(ValueError, match=f"{server.url(path)} .*{said}") as caught:
                asked(server.url(path))
            assert "\n" not in str(caught.value)
        monkeypatch.setattr(addresses, "MOST_BYTES", len(body) - 1)
        with pytest.raises(ValueError, match="are too many"):
            asked(there)
        seen = len(server.requests)
        monkeypatch.setenv("NN_CORE_OFFLINE", "1")
        with pytest.raises(ValueError, match="is an address and this process is offline"):
            asked(there)
        assert len(server.requests) == seen
    monkeypatch.delenv("NN_CORE_OFFLINE")
    with pytest.raises(ValueError, match="cannot be read"):
        asked(there)


def test_sounds_are_told_apart_by_their_pictures() -> None:
    """A tone is one line, a chirp many, noise everywhere."""
    rng = np.random.default_rng(0)
    bands = {
        kind: np.mean([(spectrogram(make_sound(rng, kind, 0.01)) > 0.5).any(axis=1).mean() for _ in range(9)])
        for kind in SOUNDS
    }
    assert bands["tone"] < 0.15 < bands["chirp"] < 0.95 < bands["noise"]
    dataset = sounds(num_examples=7)
    assert dataset.inputs.shape == (7, 32, 32, 1) and 0 <= dataset.inputs.min() <= dataset.inputs.max() <= 1


def write_sound(path: Path, samples: np.ndarray, channels: int = 1, rate: int = RATE) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


@pytest.mark.slow
def test_sounds_are_told_apart_by_what_a_config_trains(tmp_path: Path) -> None:
    place, rng = tmp_path / "run", np.random.default_rng(77)
    assert train(["--config=sounds", f"--workdir={place}", "--config.train.steps=200", "--config.figures=()"]) == 0
    kinds, files = [SOUNDS[i % 3] for i in range(18)], [str(tmp_path / f"{i}.wav") for i in range(18)]
    for file, kind in zip(files, kinds, strict=True):
        write_sound(Path(file), make_sound(rng, kind))
    found = [scores[0]["label"] for scores in pipeline("audio-classification", place)(files)]
    assert sum(label == kind for label, kind in zip(found, kinds, strict=True)) >= 15


def test_wave_files(tmp_path: Path) -> None:
    sound = make_sound(np.random.default_rng(0), "tone")
    for channels, rate in ((1, RATE), (2, 2 * RATE)):
        samples = np.repeat(
            np.interp(np.arange(len(sound) * rate // RATE) * RATE / rate, np.arange(len(sound)), sound), channels
        )
        write_sound(tmp_path / "x.wav", samples, channels, rate)
        found = spectrogram(read_sound(tmp_path / "x.wav"))
        assert np.abs(found - spectrogram(np.clip(sound, -1, 1))).mean() < 0.03
    (tmp_path / "y.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match="it ends too early"):
        read_sound(tmp_path / "y.wav")
    for name in ("y.wav", "z.wav"):
        with pytest.raises(ValueError, match=name):
            read_sound(tmp_path / name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no task is given"),
        (["fill-musk", "--model=x", "a"], "fill-mask"),
        (["text-generation", "a"], "train one: python -m experiments.run --config=configs/gpt_quick.py"),
        (["fill-mask", "--model=nowhere", "a"], "nowhere is not a folder"),
        (["fill-mask", "--model={root}/writer", "a"], "kind 'causal'"),
        (["fill-mask", "--model={root}/words", "a"], "no [MASK]"),
        (["fill-mask", "--model={root}/words"], "give inputs"),
        (["fill-mask", "--model={root}/words", "a [MASK]", "--input=x"], "not both"),
        (["fill-mask", "--model={root}/words", "--input=nowhere.txt"], "nowhere.txt"),
        (["fill-mask", "--model={root}/words", "--top_p=1", "a"], "--top_p"),
        (["fill-mask", "--model={root}/words", "[MASK] " * 90], "--truncation"),
        (["question-answering", "--model={root}/answers", "who"], "reads"),
        (["zero-shot-classification", "--model={root}/classes", "a"], "no class of entailment"),
        (["text-generation", "--model={root}/writer", ""], "the prompt is empty"),
        (["image-classification", "--model={root}/images", "nowhere.png"], "nowhere.png"),
    ],
)
def test_mistakes_are_one_line(root: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert main([word.replace("{root}", str(root)) for word in words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and "Traceback" not in error


def test_the_command(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = f"--model={root / 'classes'}"
    assert main(["text-classification", folder, *TEXTS]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == made("text-classification", root / "classes")(TEXTS)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), encoding="utf-8")
    out = tmp_path / "out.jsonl"
    assert main(["text-classification", folder, f"--input={tmp_path / 'in.jsonl'}", f"--output={out}"]) == 0
    assert [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] == lines
    assert main(["text-classification", folder, f"--input={out}", f"--output={out}"]) == 2
    assert "is the file of the inputs, which would be lost" in capsys.readouterr().err
    assert main(["text-classification", "--help"]) == 0 and "--function_to_apply" in capsys.readouterr().out


def test_lines_of_a_file(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A byte-order mark, CRLF, U+2028 and form feeds within a line, empty lines of JSON; the task behind the options."""
    texts = ["the world\u2028is a token", "Hello\x0c world"]
    wanted = made("text-classification", root / "classes")(texts)
    data = "\ufeff" + "".join(json.dumps(text, ensure_ascii=False) + "\r\n\r\n" for text in texts)
    folder = f"--model={root / 'classes'}"
    for name, written in (("x.jsonl", data), ("x.txt", "\ufeff" + "\r\n".join(texts))):
        (tmp_path / name).write_bytes(written.encode())
        assert main([folder, "text-classification", f"--input={tmp_path / name}"]) == 0
        found = [json.loads(line) for line in capsys.readouterr().out.split("\n")[:-1]]
        assert close(found, wanted), name
    for written, said in ((b"", "is empty"), (b"a\n\xff\xff\n", "line 2 is not utf-8"), (b"a\0", "line 1 holds a NUL")):
        (tmp_path / "x.txt").write_bytes(written)
        assert main(["text-classification", folder, f"--input={tmp_path / 'x.txt'}"]) == 2
        assert said in capsys.readouterr().err


def test_outputs_never_replace_a_file_of_the_model(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = shutil.copytree(root / "classes", tmp_path / "model")
    held = (place / "config.json").read_bytes()
    assert main(["text-classification", f"--model={place}", "a", f"--output={place / 'config.json'}"]) == 2
    assert "is a file of the model, which would be lost" in capsys.readouterr().err
    assert (place / "config.json").read_bytes() == held
    assert main(["text-classification", f"--model={place}", "a", f"--output={place / 'answers.jsonl'}"]) == 0


def test_a_search_that_no_memory_holds_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from experiments.command_line.errors import refuse

    assert refuse(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 156201003168 bytes.")) == 2
    error = capsys.readouterr().err
    assert "does not hold it" in error and error.count("\n") == 1
    with pytest.raises(RuntimeError):
        refuse(RuntimeError("something else"))


def test_a_name_on_the_hub_is_looked_up_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("NN_CORE_OFFLINE", "1")
    with pytest.raises(PretrainedError, match="this process is offline"):
        pipeline("text-generation", "nobody/nothing-here")


def test_a_half_precision_folder(root: Path, tmp_path: Path) -> None:
    """Written in bfloat16, read in bfloat16: it answers, and nearly the same."""
    from experiments.pipelines.models import load_model

    model = load_model(root / "classes")
    folder = tmp_path / "half"
    settings = {"id2label": model.settings["id2label"], "label2id": model.settings["label2id"]}
    export(folder, model.module, model.params, dtype="bfloat16", settings=settings)
    (folder / "vocab.txt").write_bytes((root / "classes" / "vocab.txt").read_bytes())
    whole = made("text-classification", root / "classes")(TEXTS[0], top_k=3)
    half = pipeline("text-classification", folder, dtype="bfloat16")(TEXTS[0], top_k=3)
    assert close(sorted(half, key=str), sorted(whole, key=str), tolerance=0.02) or half[0]["label"] == whole[0]["label"]


@pytest.mark.slow
@pytest.mark.skipif(not ORACLE.is_file(), reason="needs a Python with transformers: NN_CORE_ORACLE_PYTHON")
def test_golden_outputs_are_what_transformers_says(root: Path, tmp_path: Path) -> None:
    command = [str(ORACLE), "-m", "tests.experiments.pipelines.oracle", str(tmp_path / "x.json"), str(root)]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[3])
    assert close(json.loads((tmp_path / "x.json").read_text(encoding="utf-8")), GOLDEN)
