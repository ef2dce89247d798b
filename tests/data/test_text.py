"""Texts by name and path, and the one policy for bytes that are not clean UTF-8 text."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_core.data.text import TEXTS, decode_text, generated_text, load_text, pydoc, read_text, read_text_pieces


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n", "plain\n"),
        ("\u00fc\u20ac\U0001f600".encode(), "\u00fc\u20ac\U0001f600"),
        (b"a\xffb\xe2\x82", "a\ufffdb\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),  # a lone surrogate in UTF-8's clothes
        (b"\xef\xbb\xbfbom\xef\xbb\xbf", "bom\ufeff"),
        (b"a\r\nb\rc\n\r", "a\nb\nc\n\n"),
        (b"a\x00\xc2\x85\xe2\x80\xa8b", "a\x00\x85\u2028b"),
    ],
)
def test_decoding_policy(data: bytes, text: str) -> None:
    assert decode_text(data) == text


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\xef\xbb\xbf", b"\xf0", b"\x9f", b"\x80", b"\xe2\x82"])),
    st.integers(1, 9),
)
def test_pieces_join_to_the_text(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], piece_bytes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "pieces.txt"
    path.write_bytes(b"".join(parts))
    pieces = list(read_text_pieces(path, piece_bytes=piece_bytes))
    assert "".join(pieces) == decode_text(path.read_bytes()) and all(pieces)


def test_pieces_heed_a_mark_and_hold_no_nul(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Größe\r\n" * 9, encoding="utf-16", newline="")
    for piece_bytes in (1, 7, 1000):
        assert "".join(read_text_pieces(tmp_path / "a.txt", piece_bytes=piece_bytes)) == "Größe\n" * 9
        (tmp_path / "b.txt").write_bytes(b"one\ntwo\nth\0ree")
        with pytest.raises(ValueError, match="b.txt line 3 holds a NUL character.*; save it as UTF-8$"):
            list(read_text_pieces(tmp_path / "b.txt", piece_bytes=piece_bytes))


def test_pieces_end_with_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one line\ntwo\nthree" * 50)
    pieces = list(read_text_pieces(path, piece_bytes=40))
    assert len(pieces) > 10 and all(piece.endswith("\n") for piece in pieces[:-1])


def test_text_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"To be\r\n\xc3\xbc")
    assert load_text("file", path) == "To be\n\u00fc" == read_text(str(path))
    path.write_bytes(b"To be\r\n\xff")
    with pytest.raises(ValueError, match="a.txt line 2 is not utf-8: byte 0xff; save it as UTF-8$"):
        read_text(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="a.txt is empty; give one with text in it"):
        load_text("file", path)
    for bad, words in ((tmp_path / "missing", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(ValueError, match=f"cannot read the text file .*: {words}"):
            load_text("file", bad)


def test_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)  # sparse: takes no room
    with pytest.raises(ValueError, match="has 1073741825 bytes.*token file"):
        read_text(path)


def test_names_and_paths_must_agree() -> None:
    with pytest.raises(ValueError, match="unknown text 'shakespear'; choose from .*, file; did you mean 'shakespeare'"):
        load_text("shakespear")
    with pytest.raises(ValueError, match="needs a path"):
        load_text("file")
    with pytest.raises(ValueError, match="path='a' has no effect for the text 'pydoc'"):
        load_text("pydoc", "a")


def test_pydoc_is_english_and_offline() -> None:
    text = load_text("pydoc")
    assert len(text) > 200_000 and 40 < len(set(text)) < 300
    assert text.count(" the ") > 1000 and text == pydoc()


def test_generated_text_stands_in_for_pydoc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    assert pydoc() == generated_text() == TEXTS["generated"]()


def test_generated_text() -> None:
    text = generated_text(num_characters=5003, seed=2)
    assert len(text) == 5003 and text.isascii() and "{" not in text
    assert text == generated_text(num_characters=5003, seed=2) != generated_text(num_characters=5003, seed=3)
    assert text.startswith(generated_text(num_characters=100, seed=2))
    sentences = text.replace("\n\n", " ").split(". ")
    assert all(sentence[0].isupper() for sentence in sentences)
    with pytest.raises(ValueError, match="num_characters=0 is out of range"):
        generated_text(num_characters=0)


def test_shakespeare(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NN_CORE_DATA_DIR", str(shared_data))
    text = load_text("shakespeare")
    assert len(text) == 1_115_394 and len(set(text)) == 65
    assert text.startswith("First Citizen:\nBefore we proceed any further, hear me speak.")


@pytest.mark.parametrize(
    "data", [b"\xef", b"\xef\xbb", b"\xef\xbb\xbf", b"\xef\xbb\xbfa", b"a\xef\xbb\xbf", b"\xef\xbba"]
)
@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 100])
def test_half_a_byte_order_mark_is_in_the_pieces_as_in_the_text(data: bytes, piece_bytes: int, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(data)
    assert "".join(read_text_pieces(tmp_path / "text", piece_bytes=piece_bytes)) == decode_text(data)
