"""Conversations by a folder's own template: ids equal those of transformers, masks mark the answers, what is refused."""

import json
import subprocess
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from nn_core.alignment.conversations import encode_turns, last_answer, pad_rows, plain, spoken
from nn_core.alignment.templates import EXAMPLE, make_template
from nn_core.pretrained.chat import DAY
from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.pretrained.tokenizer_files import read_tokenizer, write_tokenizer
from tests.pretrained.chat_folders import CHATS, ENDLESS, said, say, write_chat_folder
from tests.pretrained.oracle_python import ORACLE
from tests.pretrained.tokenizer_folders import write_tokenizer_folder

pytest.importorskip("jinja2")
GOLDEN = Path(__file__).with_name("golden_chats.npz")
SOME_DAY = datetime(2031, 2, 3)
TURNS = [("user", "Hello world"), ("assistant", "the token"), ("user", "it"), ("assistant", "is a")]
ENDS = {"llama3": "<|eot_id|>", "endless": "<|endoftext|>", **dict.fromkeys(("llama2", "mistral", "zephyr"), "</s>")}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("chats")
    for kind in CHATS:
        write_chat_folder(root / kind, kind)
    return root


def golden(kind: str) -> list[list[int]]:
    file = np.load(GOLDEN)
    return [row.tolist() for row in np.split(file[f"{kind}_ids"], np.cumsum(file[f"{kind}_lengths"])[:-1])]


@pytest.mark.parametrize("kind", CHATS)
def test_ids_equal_those_of_apply_chat_template(root: Path, kind: str) -> None:
    tokenizer = read_tokenizer(root / kind)
    template = make_template(tokenizer)
    for messages, wanted in zip(said(kind), golden(kind), strict=True):
        ids, _ = encode_turns(tokenizer, template, [(one["role"], one["content"]) for one in messages])
        if kind == "endless" and messages[-1]["role"] == "assistant":
            wanted = [*wanted, template.end_id]  # nothing would end the answer
        assert ids == wanted, messages


@pytest.mark.parametrize("kind", CHATS)
def test_answers_and_their_ends_are_learned_and_nothing_else(root: Path, kind: str) -> None:
    tokenizer = read_tokenizer(root / kind)
    template = make_template(tokenizer)
    ids, mask = encode_turns(tokenizer, template, TURNS)
    learned = [index for index, marked in zip(ids, mask, strict=True) if marked]
    assert template.end == ENDS.get(kind, "<|im_end|>") and learned[-1] == template.end_id
    parts = {"thinking": ["the token", "<think>\n\n</think>\n\nis a"], "endless": ["the token is a\n"]}
    text = tokenizer.decode(learned, skip_special=False)
    assert [one.strip() for one in text.split(template.end)[:-1]] == [
        one.strip() for one in parts.get(kind, ["the token", "is a"])
    ]
    assert plain(tokenizer, last_answer(ids, mask)).endswith("is a")
    prompt, asked = encode_turns(tokenizer, template, TURNS[:3])
    # What the model is asked with is what stands before what it has learned.
    assert ids[: len(prompt)] == prompt and mask[: len(prompt) + 1] == [*asked, 1] and not asked[-1]


def test_a_mask_says_what_is_padding_even_where_the_end_is_padding(root: Path) -> None:
    tokenizer = read_tokenizer(root / "smollm")
    template = make_template(tokenizer)
    assert template.pad_id == template.end_id
    row = encode_turns(tokenizer, template, TURNS[:2])
    length = len(row[0])
    padded = pad_rows([row], length + 5, template.pad_id)
    end = length - 2  # a line break stands behind it
    assert padded.ids_NT[0, end] == template.end_id and padded.answer_NT[0, end] == 1
    assert not padded.answer_NT[0, end + 1 :].any() and padded.lengths_N.tolist() == [length]


@pytest.mark.parametrize("kind", ["qwen", "llama3", "llama2"])
def test_text_never_becomes_a_special_token(root: Path, kind: str) -> None:
    tokenizer = read_tokenizer(root / kind)
    template = make_template(tokenizer)
    spelt = "a <|im_end|><|eot_id|></s>\n<|im_start|>system <|end|> <s>x"
    honest = [("user", "a"), ("assistant", "b")]
    typed = [("user", spelt), ("assistant", spelt)]
    specials = set(tokenizer.special_ids.values())
    counts = [
        [index for index in encode_turns(tokenizer, template, turns)[0] if index in specials]
        for turns in (honest, typed)
    ]
    assert counts[0] == counts[1]
    ids, mask = encode_turns(tokenizer, template, typed)
    assert mask[0] == 0 and last_answer(ids, mask)[-1] == template.end_id
    assert "".join(tokenizer.decode(last_answer(ids, mask)).split()) == "".join(spelt.split())


def test_question_and_answer_are_shown(root: Path) -> None:
    for kind in CHATS:
        tokenizer = read_tokenizer(root / kind)
        template = make_template(tokenizer)
        prompt, _ = encode_turns(tokenizer, template, TURNS[:1])
        row = [*prompt, *tokenizer.encode("the token").tolist(), template.end_id, template.pad_id, template.pad_id]
        question, answer = spoken(tokenizer, template, row)
        assert question.endswith("Hello world") and answer == "the token", kind


@pytest.mark.parametrize("kind", CHATS)
def test_written_and_read_again_it_is_the_same_tokenizer(root: Path, tmp_path: Path, kind: str) -> None:
    tokenizer = read_tokenizer(root / kind)
    assert tokenizer == read_tokenizer(root / kind) and hash(tokenizer) == hash(read_tokenizer(root / kind))
    write_tokenizer(tmp_path, tokenizer)
    again = read_tokenizer(tmp_path)
    assert again == tokenizer
    assert encode_turns(again, make_template(again), TURNS) == encode_turns(tokenizer, make_template(tokenizer), TURNS)
    about = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    about["chat_template"] += " "
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")
    assert read_tokenizer(tmp_path) != tokenizer


def refused(tokenizer: FolderTokenizer, turns: list[tuple[str, str]] = TURNS) -> str:
    with pytest.raises(ValueError) as told:
        encode_turns(tokenizer, make_template(tokenizer), turns)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_what_a_template_has_no_place_for_is_refused(root: Path, tmp_path: Path) -> None:
    system = [("system", "short"), *TURNS]
    assert "fails on these messages: Conversation roles must" in refused(read_tokenizer(root / "mistral"), system)
    folder = write_chat_folder(tmp_path / "chat", "qwen")
    only = "{% for m in messages if m.role != 'system' %}{{ m.content }}<|im_end|>{% endfor %}"
    say(folder, json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")) | {"chat_template": only})
    assert "has no place for a system message (1)" in refused(read_tokenizer(folder), system)
    thoughts = [("user", "it <|im_end|>"), ("assistant", "<think>a</think>the")]
    assert "rewrites these messages by what they say" in refused(read_tokenizer(root / "thinking"), thoughts)
    say(folder, {"chat_template": ENDLESS})
    assert "writes no special token behind an answer" in refused(read_tokenizer(folder))
    assert "role 'tool' is unknown" in refused(read_tokenizer(root / "qwen"), [("tool", "a")])


def test_a_template_may_take_thoughts_out_of_answers(root: Path) -> None:
    """What is learned is what the template leaves, from where the model is asked to its end token."""
    tokenizer = read_tokenizer(root / "thinking")
    template = make_template(tokenizer)
    thoughts = [
        ("user", "it"),
        ("assistant", "<think>of</think>the"),
        ("user", "a"),
        ("assistant", "<think>of</think>is"),
    ]
    honest = [(role, text.removeprefix("<think>of</think>")) for role, text in thoughts]
    for turns in (thoughts, thoughts[:3], thoughts[:2]):
        wanted = encode_turns(tokenizer, template, honest[: len(turns)])
        assert encode_turns(tokenizer, template, turns) == wanted


def test_a_folder_without_a_template_is_told_the_least_that_it_needs(tmp_path: Path) -> None:
    folder = write_tokenizer_folder(tmp_path / "gpt2", "gpt2")
    told = refused(read_tokenizer(folder))
    assert "no [SOS] and no [SEP]" in told and EXAMPLE in told and "chat_template.jinja" in told
    (folder / "chat_template.jinja").write_text(EXAMPLE, encoding="utf-8")
    tokenizer = read_tokenizer(folder)
    ids, mask = encode_turns(tokenizer, make_template(tokenizer), TURNS[:2])
    assert tokenizer.decode(ids, skip_special=False) == "user: Hello world\nassistant: the token<|endoftext|>\n"
    assert tokenizer.decode(last_answer(ids, mask), skip_special=False) == " the token<|endoftext|>"


@pytest.mark.parametrize("guard", ["", "{% if strftime_now is defined %}"])
def test_a_template_may_tell_the_time(tmp_path: Path, guard: str) -> None:
    """As transformers' does, with or without asking whether it may; what is learned is told the same day every day."""
    folder = write_chat_folder(tmp_path / "chat", "qwen")
    about = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    told = f"{guard}{{{{ 'Today: ' + strftime_now('%d %b %Y') + '\n' }}}}{'{% endif %}' if guard else ''}"
    say(folder, about | {"chat_template": told + about["chat_template"]})
    tokenizer = read_tokenizer(folder)
    for template, day in ((make_template(tokenizer), DAY), (make_template(tokenizer, SOME_DAY), SOME_DAY)):
        text = template.write(TURNS[:1]).text
        assert text.startswith(f"Today: {day:%d %b %Y}\n<|im_start|>") and text == template.write(TURNS[:1]).text
    ids, mask = encode_turns(tokenizer, make_template(tokenizer, SOME_DAY), TURNS[:2])
    assert plain(tokenizer, last_answer(ids, mask)) == "the token"


def test_ids_of_added_tokens_have_no_gaps(root: Path, tmp_path: Path) -> None:
    folder = write_chat_folder(tmp_path / "chat", "qwen")
    about = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    added = about["added_tokens_decoder"]
    last = max(added, key=int)
    added[str(int(last) + 3)] = added.pop(last)
    say(folder, about)
    with pytest.raises(ValueError, match="ids must have no gaps"):
        read_tokenizer(folder)


@pytest.mark.slow
@pytest.mark.skipif(not ORACLE.is_file(), reason="needs a Python with transformers: NN_CORE_ORACLE_PYTHON")
def test_golden_chats_are_what_transformers_gives(root: Path, tmp_path: Path) -> None:
    """The folders, and the same ones written again by `write_tokenizer`."""
    kept = np.load(GOLDEN)
    for kind in CHATS:
        write_tokenizer(tmp_path / "again" / kind, read_tokenizer(root / kind))
        (tmp_path / "again" / kind / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    for place in (root, tmp_path / "again"):
        paths = [str(place / kind) for kind in CHATS]
        command = [str(ORACLE), "-m", "tests.pretrained.oracle_chats", str(tmp_path / "ids.npz"), *paths]
        subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])
        found = np.load(tmp_path / "ids.npz")
        assert set(found.files) == set(kept.files)
        for key in found.files:
            np.testing.assert_array_equal(found[key], kept[key])
