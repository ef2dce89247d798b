"""Texts of one's own: a file, several by a pattern, a folder, or a field of JSON lines; their encoding is found or refused."""

import glob
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from nn_core.data.text import read_text_pieces
from nn_core.data.text_bytes import check_encoding, encoding_of, one_line_end, refuse_nul, without_mark
from nn_core.files import user_path

SUFFIXES = (".txt", ".md", ".text")  # of the files of a folder that are read
JSON_LINES = (".jsonl", ".ndjson")
MAX_BYTES = 1 << 30
REPLACEMENT = "\ufffd"
OPTIONS = "--config.data."  # how a run types `field` and `encoding`, for messages


class OwnText(NamedTuple):
    """A text of one's own.

    Attributes:
        text: of all files in order, each ended by a line end.
        files: how many.
        replaced: how many invalid pieces of bytes became U+FFFD.
        first: the file and line of the first of them; "" without any.
        digest: sha256 of the file; of several: of their names and bytes, the folder may move.
    """

    text: str
    files: int
    replaced: int
    first: str
    digest: str


def decode_file(data: bytes, name: str, encoding: str | None = None) -> tuple[str, int, int]:
    """The text of a file's bytes: line ends become "\\n", invalid bytes U+FFFD.

    Args:
        data: the bytes.
        name: of the file, for messages.
        encoding: None: what its byte-order mark says, else UTF-8.
    Returns:
        The text, how many characters were replaced, and the line of the first of them (0 without any).
    Raises:
        ValueError: an unknown encoding, or NUL characters: the bytes are not text, or UTF-16 without a mark.
    """
    chosen = encoding or encoding_of(data)
    check_encoding(chosen)
    text = one_line_end(without_mark(data.decode(chosen, errors="replace")))
    refuse_nul(text, name, f"{OPTIONS}encoding")
    # What the file itself holds as U+FFFD was not replaced here.
    own = data.count(REPLACEMENT.encode()) if chosen.startswith("utf-8") else 0
    replaced = max(0, text.count(REPLACEMENT) - own)
    return text, replaced, text.count("\n", 0, text.index(REPLACEMENT)) + 1 if replaced else 0


def find_texts(path: str | Path) -> list[Path]:
    """The files that a path means: itself, those of a pattern such as texts/*.txt, or the texts of a folder, in order.

    Raises:
        ValueError: there is none.
    """
    place = user_path(path)
    if place.is_file():
        return [place]
    if place.is_dir():
        found = sorted(
            file
            for file in place.rglob("*")
            if file.suffix.lower() in (*SUFFIXES, *JSON_LINES) and file.is_file() and not hidden(file, place)
        )
        if not found:
            raise ValueError(f"the folder {path} has no text; it reads {', '.join((*SUFFIXES, *JSON_LINES))}")
        return found
    found = sorted(Path(name) for name in glob.glob(str(place), recursive=True) if Path(name).is_file())
    if not found:
        raise ValueError(f"there is no text file {path}; give a file, a folder or a pattern such as 'texts/*.txt'")
    return found


def hidden(file: Path, folder: Path) -> bool:
    """Whether a file, or a folder on the way to it, begins with a dot."""
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def read_own_text(path: str | Path, *, field: str | None = None, encoding: str | None = None) -> OwnText:
    """The text of a file, of several, or of a folder.

    Args:
        path: see `find_texts`.
        field: of JSON lines (.jsonl, .ndjson): the key of each line's text.
        encoding: None: what each file's byte-order mark says, else UTF-8.
    Raises:
        ValueError: in one line, with file and line: no file, one that cannot be read, is too large or no text, JSON
            that is broken or lacks the field; or nothing in any of them.
    """
    files = find_texts(path)
    size = sum(file.stat().st_size for file in files)
    if size > MAX_BYTES:
        raise ValueError(f"{path} has {size} bytes, more than {MAX_BYTES}; turn it into a token file instead")
    check_field(path, files, field, OPTIONS)
    parts: list[str] = []
    total, first = 0, ""
    digest, folder = hashlib.sha256(), os.path.commonpath([file.parent for file in files])
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ValueError(f"cannot read the text file {file}: {error.strerror}; check the path") from error
        if len(files) > 1:
            digest.update(f"{file.relative_to(folder).as_posix()}:{len(data)}:".encode())
        digest.update(data)
        text, replaced, line = decode_file(data, str(file), encoding)
        if replaced and not first:
            first = f"{file} line {line}"
        total += replaced
        if file.suffix.lower() in JSON_LINES:
            text = "\n".join(field_of_lines(text.split("\n"), file, field, OPTIONS))
        parts.append(text if text.endswith("\n") or len(files) == 1 else text + "\n")
    whole = "".join(parts)
    if not whole.strip():
        raise ValueError(f"the text file {path} is empty; give one with text in it")
    return OwnText(whole, len(files), total, first, digest.hexdigest())


def own_text_pieces(
    path: str | Path,
    *,
    field: str | None = None,
    encoding: str | None = None,
    piece_bytes: int = 1 << 24,
    options: str = OPTIONS,
) -> Iterator[str]:
    """The text of `read_own_text` in pieces, whatever its size.

    Args:
        path, field, encoding: as of `read_own_text`.
        piece_bytes: of UTF-8 that a piece has, roughly; it ends at a line end, where there are any.
        options: how `field` and `encoding` are typed, for messages.
    Yields:
        Non-empty pieces.
    Raises:
        ValueError: as `read_own_text`, but for the size.
    """
    files = find_texts(path)
    check_field(path, files, field, options)
    yield from gathered(_pieces(files, field, encoding, piece_bytes, options), piece_bytes)


def _pieces(
    files: list[Path], field: str | None, encoding: str | None, piece_bytes: int, options: str
) -> Iterator[str]:
    for file in files:
        last = ""
        pieces = read_text_pieces(file, piece_bytes=piece_bytes, encoding=encoding, option=f"{options}encoding")
        if file.suffix.lower() in JSON_LINES:
            pieces = between(field_of_lines(lines_of(pieces), file, field, options))
        for last in pieces:
            yield last
        if len(files) > 1 and not last.endswith("\n"):
            yield "\n"


def lines_of(pieces: Iterable[str]) -> Iterator[str]:
    """The lines of a text that comes in pieces.

    >>> list(lines_of(["a", "b\\nc", "\\nd"]))
    ['ab', 'c', 'd']
    """
    held = ""
    for piece in pieces:
        *lines, held = (held + piece).split("\n")
        yield from lines
    yield held


def between(texts: Iterable[str]) -> Iterator[str]:
    """Texts with a line end after each but the last; none is empty."""
    held = None
    for text in texts:
        if held is not None:
            yield f"{held}\n"
        held = text
    if held:
        yield held


def gathered(pieces: Iterable[str], piece_bytes: int) -> Iterator[str]:
    """Pieces joined as long as together they have at most so many bytes.

    >>> list(gathered(["a", "b", "cd", "efgh"], 3))
    ['ab', 'cd', 'efgh']
    """
    held: list[str] = []
    size = 0
    for piece in pieces:
        more = len(piece.encode(errors="surrogatepass"))
        if held and size + more > piece_bytes:
            yield "".join(held)
            held, size = [], 0
        held.append(piece)
        size += more
    if held:
        yield "".join(held)


def check_field(path: str | Path, files: list[Path], field: str | None, options: str) -> None:
    """Raises ValueError for a field where no file has any."""
    if field is not None and not any(file.suffix.lower() in JSON_LINES for file in files):
        raise ValueError(f"{options}field={field} has no effect: {path} holds no JSON lines (.jsonl); leave it out")


def field_of_lines(lines: Iterable[str], file: Path, field: str | None, options: str) -> Iterator[str]:
    """The text of each line of a JSONL file.

    Raises:
        ValueError: no field is named, a line is not an object, or has no text of this name.
    """
    if field is None:
        raise ValueError(f"{file} holds JSON lines; name the key of the text by {options}field=text")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"{file} line {number} is not JSON ({error}); each line must be an object") from None
        if not isinstance(content, dict) or not isinstance(content.get(field), str):
            has = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
            raise ValueError(
                f"{file} line {number} has no text {field!r} (it has {has[:80]}); name another {options}field"
            )
        yield content[field]
