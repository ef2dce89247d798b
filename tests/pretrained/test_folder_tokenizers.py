"""Tokenizers from their folders: ids equal those of transformers on 201 awkward strings; chats; what is refused."""

import json
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nn_core.pretrained.chat import check_messages, render
from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.pretrained.generation_config import read_writing
from nn_core.pretrained.spiece import make_tokenizer, read_pieces
from nn_core.pretrained.tensor_files import PretrainedError
from nn_core.pretrained.tokenizer_files import read_tokenizer, write_tokenizer
from nn_core.text.tokenizers import make_tokenizer as train
from tests.pretrained.oracle_python import ORACLE
from tests.pretrained.tokenizer_folders import AWKWARD, KINDS, pieces_file, write_tokenizer_folder

GOLDEN = Path(__file__).with_name("golden_ids.npz")
ASKED = [(text, None) for text in AWKWARD] + list(zip(AWKWARD[:20], AWKWARD[20:40], strict=True))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tokenizers")
    for kind in KINDS:
        write_tokenizer_folder(root / kind, kind)
    return root


@cache
def golden(kind: str) -> list[list[int]]:
    file = np.load(GOLDEN)
    rows = np.split(file[f"{kind}_ids"], np.cumsum(file[f"{kind}_lengths"])[:-1])
    return [row.tolist() for row in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_ids_equal_those_of_transformers(folders: Path, kind: str) -> None:
    tokenizer = read_tokenizer(folders / kind)
    assert len(AWKWARD) == 200
    for (text, pair), wanted in zip(ASKED, golden(kind), strict=True):
        assert tokenizer.feed(text, pair).ids == wanted, (text, pair)


@pytest.mark.parametrize("kind", ["gpt2", "t5", "llama2"])
def test_written_and_read_again(folders: Path, tmp_path: Path, kind: str) -> None:
    """Every kind becomes a tokenizer.json with the same ids."""
    tokenizer = read_tokenizer(folders / kind)
    ids = write_tokenizer(tmp_path, tokenizer)
    again = read_tokenizer(tmp_path)
    assert [again.feed(*asked).ids for asked in ASKED] == golden(kind)
    assert again.special == tokenizer.special
    assert ids["eos_token_id"] == tokenizer.special_id("eos_token")


@pytest.mark.parametrize("name", ["characters", "byte_bpe", "bpe", "wordpiece", "sentencepiece"])
def test_the_projects_own_tokenizers(tmp_path: Path, name: str) -> None:
    text = "the world is a token of the world, and it is in the world\n" * 3
    size = {} if name == "characters" else {"vocabulary_size": 400 if "sentence" in name else 290}
    ours = train(name, [text], **size)
    write_tokenizer(tmp_path, ours)
    theirs = read_tokenizer(tmp_path, ours.vocabulary_size)
    for sample in (text, "the token", "world\nworld"):
        assert theirs.encode(sample).tolist() == ours.encode(sample).tolist()
        assert theirs.decode(ours.encode(sample)) == ours.decode(ours.encode(sample))


def test_brackets_and_offsets(folders: Path) -> None:
    tokenizer = read_tokenizer(folders / "bert")
    fed = tokenizer.feed("Hello world", "the token")
    assert tokenizer.tokens(fed.ids) == ["[CLS]", "hello", "world", "[SEP]", "the", "token", "[SEP]"]
    assert fed.segments == [0, 0, 0, 0, 1, 1, 1]
    assert fed.texts == [None, 0, 0, None, 1, 1, None]
    assert fed.offsets[4:6] == [(0, 3), (4, 9)]
    assert tokenizer.encode("[CLS]").tolist() != [2] and tokenizer.encode("[CLS]", allow_special=True).tolist() == [2]


def test_a_model_of_another_vocabulary(folders: Path) -> None:
    with pytest.raises(PretrainedError, match="not of one model"):
        read_tokenizer(folders / "bert", vocabulary_size=97)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("tokenizer.json", b"{"),
        ("tokenizer.json", b"{}"),
        ("vocab.txt", b"a\n"),
        ("spiece.model", b"\x0a\xff\xff"),
        ("spiece.model", b""),
        ("spiece.model", b"\x80" * 40),
    ],
)
def test_damaged_files(tmp_path: Path, file: str, content: bytes) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(PretrainedError) as caught:
        read_tokenizer(tmp_path)
    assert "\n" not in str(caught.value)


def test_pieces_of_a_kind_that_llama_s_tokenizer_has_not(tmp_path: Path) -> None:
    """transformers 5 makes BPE of them, transformers 4 does not; of Mistral, both read what the file says."""
    folder = write_tokenizer_folder(tmp_path / "llama", "llama2")
    pieces_file(folder / "tokenizer.model", ("<unk>", "<s>", "</s>"), unigram=True)
    with pytest.raises(PretrainedError, match="is a Unigram model and tokenizer_config.json says LlamaTokenizer"):
        read_tokenizer(folder)
    (folder / "config.json").write_text('{"model_type": "mistral"}', encoding="utf-8")
    assert read_tokenizer(folder).feed("the world").ids


def test_no_tokenizer_at_all(tmp_path: Path) -> None:
    with pytest.raises(PretrainedError, match="has no tokenizer"):
        read_tokenizer(tmp_path)


CHAT = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' and not loop.first %}"
    "{{ raise_exception('system comes first') }}{% endif %}<{{ message.role }}>{{ message.content | trim }}</>\n"
    "{% endfor %}{% if add_generation_prompt %}<assistant>{% generation %}{% endgeneration %}{% endif %}"
)


def chatty(template: str | None) -> FolderTokenizer:
    import tokenizers as hf

    backend = hf.Tokenizer(hf.models.BPE({"a": 0}, []))
    return FolderTokenizer(backend, {"bos_token": "<s>"}, template)


def test_chat_templates() -> None:
    pytest.importorskip("jinja2")
    messages = [{"role": "system", "content": "short "}, {"role": "user", "content": "hi"}]
    assert render(chatty(CHAT), messages) == "<s><system>short</>\n<user>hi</>\n<assistant>"
    assert render(chatty(CHAT), messages, add_generation_prompt=False) == "<s><system>short</>\n<user>hi</>\n"
    with pytest.raises(PretrainedError, match="system comes first"):
        render(chatty(CHAT), messages[::-1])
    with pytest.raises(PretrainedError, match="no chat template"):
        render(chatty(None), messages)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.__init__.__globals__ }}",
        "{{ messages.append(1) }}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% include '/etc/passwd' %}",
        "{{",
    ],
)
def test_templates_stay_in_their_sandbox(template: str) -> None:
    pytest.importorskip("jinja2")
    with pytest.raises(PretrainedError):
        render(chatty(template), [{"role": "user", "content": "hi"}])


def test_messages_that_are_none() -> None:
    for wrong in ("hi", [], [{"role": "user"}], [1], None):
        with pytest.raises(ValueError, match="chat messages are a list"):
            check_messages(wrong)


def test_generation_settings(tmp_path: Path) -> None:
    given = {"do_sample": True, "temperature": 0.6, "top_p": 0.9, "top_k": 0, "eos_token_id": [7, 9], "max_length": 40}
    (tmp_path / "generation_config.json").write_text(json.dumps(given), encoding="utf-8")
    found = read_writing(tmp_path, {"eos_token_id": 3, "pad_token_id": 0, "decoder_start_token_id": None})
    assert found.draws and found.end_ids == (7, 9) and found.pad_id == 0 and found.start_id is None
    assert found.options == {"temperature": 0.6, "top_p": 0.9, "max_length": 40}
    (tmp_path / "generation_config.json").write_text('{"temperature": "hot"}', encoding="utf-8")
    with pytest.raises(PretrainedError, match="temperature='hot'"):
        read_writing(tmp_path, {})
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [1, "x"]}', encoding="utf-8")
    with pytest.raises(PretrainedError, match="eos_token_id='x'"):
        read_writing(tmp_path, {})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num_beams": 2.5}, "num_beams='2.5', which is not a whole number"),
        ({"top_k": True, "do_sample": True}, "top_k='True'"),
        ({"max_length": float("inf")}, "max_length='inf'"),
        ({"early_stopping": 3}, "early_stopping='3', which is not true or false"),
    ],
)
def test_generation_settings_of_another_kind(tmp_path: Path, given: dict[str, object], said: str) -> None:
    (tmp_path / "generation_config.json").write_text(json.dumps(given), encoding="utf-8")
    with pytest.raises(PretrainedError, match=said):
        read_writing(tmp_path, {})


def test_whole_numbers_may_be_written_as_others(tmp_path: Path) -> None:
    """A whole number with a point; a search that never stops early, which is told and not refused."""
    (tmp_path / "generation_config.json").write_text('\ufeff{"num_beams": 2.0, "early_stopping": "never"}', "utf-8")
    found = read_writing(tmp_path, {})
    assert found.options == {"num_beams": 2} and type(found.options["num_beams"]) is int
    assert found.passed_over == ("early_stopping",)


def test_a_template_that_is_no_text_is_named(folders: Path, tmp_path: Path) -> None:
    write_tokenizer(tmp_path, read_tokenizer(folders / "gpt2"))
    (tmp_path / "chat_template.jinja").write_bytes(b"\xff\xfe")
    with pytest.raises(PretrainedError, match="chat_template.jinja cannot be read as UTF-8"):
        read_tokenizer(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("unigram", [True, False])
def test_files_that_sentencepiece_trains(tmp_path: Path, unigram: bool) -> None:
    """With its own normalization: the ids are the library's."""
    library = pytest.importorskip("sentencepiece")
    (tmp_path / "text.txt").write_text(
        "\n".join([*AWKWARD[150:], "the world of tokens is in it"] * 3), encoding="utf-8"
    )
    library.SentencePieceTrainer.train(
        input=str(tmp_path / "text.txt"), model_prefix=str(tmp_path / "m"), vocab_size=420, hard_vocab_limit=False,
        model_type="unigram" if unigram else "bpe", byte_fallback=not unigram, minloglevel=2,
        remove_extra_whitespaces=unigram,
    )  # fmt: skip
    tokenizer = make_tokenizer(read_pieces(tmp_path / "m.model"))
    reference = library.SentencePieceProcessor(model_file=str(tmp_path / "m.model"))
    for text in ("the world", "tokens of the world", "don't", "½ cup", "naïve café", "日本語", "Hello, world!",
                 "two  blanks", " one  at each end ", "a\n b", "   "):  # fmt: skip
        assert tokenizer.encode(text, add_special_tokens=False).ids == reference.encode(text), text


@pytest.mark.slow
@pytest.mark.skipif(not ORACLE.is_file(), reason="needs a Python with transformers: NN_CORE_ORACLE_PYTHON")
def test_golden_ids_are_what_transformers_gives(folders: Path, tmp_path: Path) -> None:
    paths = [str(folders / kind) for kind in KINDS]
    command = [str(ORACLE), "-m", "tests.pretrained.oracle_tokens", str(tmp_path / "ids.npz"), *paths]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])
    found, kept = np.load(tmp_path / "ids.npz"), np.load(GOLDEN)
    assert set(found.files) == set(kept.files)
    for key in found.files:
        np.testing.assert_array_equal(found[key], kept[key])
