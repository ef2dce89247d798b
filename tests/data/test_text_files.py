"""Texts of one's own: files, folders, patterns, JSON lines, and the encodings that are found or refused."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nn_core.data.text import decode_text, read_text
from nn_core.data.text_files import decode_file, own_text_pieces, read_own_text

TEXT = "Der Fluß, été, Ω\nzweite Zeile\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_encoding_with_a_mark_is_found(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes(TEXT.encode(encoding))
    assert read_own_text(tmp_path / "a.txt")[:4] == (TEXT, 1, 0, "")
    assert read_text(tmp_path / "a.txt") == TEXT


def test_utf_16_without_a_mark_is_refused_and_read_when_it_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT.encode("utf-16-le"))
    hint = "; save it as UTF-8"
    for read, end in (
        (read_text, hint),  # no key names an encoding
        (read_own_text, f"{hint}, or say how it is written, such as --config.data.encoding=utf-16-le"),
    ):
        with pytest.raises(ValueError, match=f"a.txt line 1 holds a NUL character.*{end}$"):
            read(tmp_path / "a.txt")
    assert read_own_text(tmp_path / "a.txt", encoding="utf-16-le").text == TEXT


def test_bytes_that_do_not_fit_are_counted_with_their_first_place(tmp_path):
    (tmp_path / "a.txt").write_bytes("eins\nzwei \ufffd\n".encode() + "drei Fl\xfcsse\nvier \xe9\n".encode("cp1252"))
    found = read_own_text(tmp_path / "a.txt")
    assert found.replaced == 2 and found.first.endswith("a.txt line 2")
    (tmp_path / "b.txt").write_bytes(TEXT.replace("Ω", "").encode("cp1252"))
    assert read_own_text(tmp_path / "b.txt", encoding="cp1252").text == TEXT.replace("Ω", "")


def test_a_folder_and_a_pattern_are_several_files_in_order(tmp_path):
    for name, text in (("b.txt", "b"), ("a/c.md", "c\n"), (".hidden/x.txt", "x"), ("a/._c.md", "x"), ("d.csv", "x")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_own_text(tmp_path).text == "c\nb\n"
    assert read_own_text(f"{tmp_path}/*.txt").text == "b"
    assert read_own_text(f"{tmp_path}/**/*.md").files == 1


def test_json_lines_give_a_field(tmp_path):
    lines = [{"text": "one\ntwo", "id": 1}, {"text": "three", "id": 2}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")
    assert read_own_text(tmp_path / "a.jsonl", field="text").text == "one\ntwo\nthree"
    for field, message in ((None, "name the key of the text"), ("id", "line 1 has no text 'id' .it has text, id")):
        with pytest.raises(ValueError, match=message):
            read_own_text(tmp_path / "a.jsonl", field=field)
    (tmp_path / "b.jsonl").write_text('{"text": "one"}\n{"text": ', encoding="utf-8")
    with pytest.raises(ValueError, match="b.jsonl line 2 is not JSON"):
        read_own_text(tmp_path / "b.jsonl", field="text")


def test_what_holds_no_text_is_refused(tmp_path):
    (tmp_path / "empty.txt").write_bytes(b" \n")
    (tmp_path / "none").mkdir()
    for path, options, message in (
        (tmp_path / "empty.txt", {}, "is empty"),
        (tmp_path / "none", {}, "has no text"),
        (tmp_path / "gone.txt", {}, "there is no text file"),
        (tmp_path / "empty.txt", {"encoding": "latin-99"}, "'latin-99' is unknown"),
    ):
        with pytest.raises(ValueError, match=message):
            read_own_text(path, **options)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40))
def test_any_bytes_are_a_text_or_one_line(data):
    try:
        text, replaced, line = decode_file(data, "a.txt")
    except ValueError as error:
        assert "\n" not in str(error)
        return
    assert "\r" not in text and (replaced > 0) == (line > 0)
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        assert text == decode_text(data)


def test_a_field_without_json_lines_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    with pytest.raises(ValueError, match=r"--config.data.field=text has no effect: .*a.txt holds no JSON lines"):
        read_own_text(tmp_path / "a.txt", field="text")


@pytest.mark.parametrize("piece_bytes", [3, 40, 10_000])
def test_pieces_of_files_join_to_their_text(tmp_path, piece_bytes):
    """Also of lines that are longer than a piece, of a mark, and of a file without an end of its last line."""
    lines = [{"text": f"Größe {n}\n" * n, "id": n} for n in range(5)]
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(map(json.dumps, lines)).encode())
    (tmp_path / "b.txt").write_text(TEXT * 9 + "no end", encoding="utf-16")
    (tmp_path / "c.md").write_bytes(b"")
    for path, field in ((tmp_path, "text"), (tmp_path / "a.jsonl", "text"), (f"{tmp_path}/*.txt", None)):
        pieces = list(own_text_pieces(path, field=field, piece_bytes=piece_bytes))
        assert all(pieces) and "".join(pieces) == read_own_text(path, field=field).text
        assert all(len(piece.encode()) <= piece_bytes for piece in pieces) or piece_bytes < 100


def test_pieces_are_refused_in_the_words_of_their_command(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"text": ', encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(TEXT.encode("utf-16-le"))
    for name, options, message in (
        ("a.jsonl", {}, "name the key of the text by --field=text"),
        ("a.jsonl", {"field": "words"}, "line 1 has no text 'words' .*name another --field"),
        ("a.jsonl", {"field": "text"}, "a.jsonl line 2 is not JSON"),
        ("b.txt", {}, "line 1 holds a NUL character.* such as --encoding=utf-16-le"),
        ("b.txt", {"field": "text"}, "--field=text has no effect"),
        ("b.txt", {"encoding": "latin-99"}, "'latin-99' is unknown"),
        ("a.jsonl", {"field": "text", "encoding": "utf-16"}, "a.jsonl is not utf-16: .*; name another encoding"),
        ("c.txt", {}, "there is no text file"),
    ):
        with pytest.raises(ValueError, match=message):
            list(own_text_pieces(tmp_path / name, options="--", **options))
    assert "".join(own_text_pieces(tmp_path / "b.txt", encoding="utf-16-le")) == TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "UTF-8-sig"])
def test_a_mark_is_no_character_where_the_encoding_is_named(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes(("\ufeff" * (encoding != "UTF-8-sig") + TEXT).encode(encoding))
    assert read_own_text(tmp_path / "a.txt", encoding=encoding).text == TEXT
    assert "".join(own_text_pieces(tmp_path / "a.txt", encoding=encoding)) == TEXT
