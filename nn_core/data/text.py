"""Texts: tiny Shakespeare, the documentation that comes with Python, generated sentences, and any file by path (F151).

What bytes become: UTF-8, or what a byte-order mark at the start says; "\\r\\n" and "\\r" become "\\n". Bytes that are
not of the encoding are refused in a file that is read as a whole, and give U+FFFD in what is downloaded or read in pieces.
"""

import codecs
import io
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from nn_core.data.assistant_world import assistant_text
from nn_core.data.checks import check_choice, check_int
from nn_core.data.download import fetch
from nn_core.data.graphs import karate_walks
from nn_core.data.registry import SOURCES
from nn_core.data.text_bytes import check_encoding, decode, encoding_of, one_line_end, refuse_nul, without_mark
from nn_core.data.world import small_world
from nn_core.files import user_path

_MAX_BYTES = 1 << 30


def decode_text(data: bytes) -> str:
    """The text of a download."""
    return one_line_end(without_mark(data.decode("utf-8", errors="replace")))


def read_text(path: str | Path) -> str:
    """The text of a file.

    Raises:
        ValueError: it cannot be read, is empty, is not of its encoding, holds NUL characters (as UTF-16 without a mark
            does), or has more than 2^30 bytes (those are for `read_text_pieces`).
    """
    try:
        size = user_path(path).stat().st_size
        if size > _MAX_BYTES:
            raise ValueError(f"{path} has {size} bytes, more than {_MAX_BYTES}; turn it into a token file instead")
        data = user_path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the text file {path}: {error.strerror}; check the path") from error
    text = one_line_end(decode(data, str(path)))
    if not text:
        raise ValueError(f"the text file {path} is empty; give one with text in it")
    return text


def read_text_pieces(
    path: str | Path, *, piece_bytes: int = 1 << 24, encoding: str | None = None, option: str | None = None
) -> Iterator[str]:
    """The text of a file in pieces that fit in memory and end at line ends, where there are any.

    Joined, they are what `read_text` gives, but bytes that are not of the encoding become U+FFFD.

    Args:
        path: the file.
        piece_bytes: bytes read at a time; a line longer than that is cut.
        encoding: None: what the byte-order mark says, else UTF-8.
        option: how an encoding is named on the command line, for messages; None: it cannot be.
    Yields:
        Non-empty pieces.
    Raises:
        ValueError: the file cannot be read, an unknown encoding, or NUL characters.
    """
    check_int("piece_bytes", piece_bytes, 1)
    if encoding is not None:
        check_encoding(encoding)
    try:
        file = user_path(path).open("rb")
    except OSError as error:
        raise ValueError(f"cannot read the text file {path}: {error.strerror}; check the path") from error
    with file:
        # Not "utf-8-sig": its incremental decoder loses a file of one or two bytes that begin a mark without ending it.
        chosen = (encoding or encoding_of(file.read(4))).removesuffix("-sig")
        file.seek(0)
        reader = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(chosen)(errors="replace"), translate=True)
        carried, begun, line = "", False, 1
        while block := file.read(piece_bytes):
            try:
                decoded = reader.decode(block)
            except UnicodeError as error:  # such as UTF-16 without the mark that its name asks for
                raise ValueError(f"{path} is not {chosen}: {error}; name another encoding") from None
            carried += decoded if begun else without_mark(decoded)
            begun = begun or bool(decoded)
            refuse_nul(decoded, str(path), option, line)
            line += decoded.count("\n")
            end = carried.rfind("\n") + 1 or len(carried)
            if end:
                yield carried[:end]
                carried = carried[end:]
    if last := carried + reader.decode(b"", final=True):
        yield last


def shakespeare() -> str:
    """Tiny Shakespeare: 1,115,394 characters, 65 different ones; downloaded."""
    return read_text(fetch(SOURCES["shakespeare"]))


def pydoc() -> str:
    """The documentation topics that come with Python, about 460,000 characters of English: the offline default.

    It differs between Python versions, so quote the version with any result. If a distribution leaves it out,
    `generated_text()` takes its place.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        return generated_text()
    return "\n\n".join(topics[name] for name in sorted(topics))


_WORDS: dict[str, tuple[str, ...]] = {
    "name": ("Anna", "Ben", "Clara", "David", "Emma", "Felix"),
    "noun": ("dog", "cat", "house", "garden", "river", "teacher", "child", "letter", "song", "ship", "tree", "king"),
    "adjective": ("old", "young", "quiet", "bright", "small", "great", "green", "sad", "happy", "strange"),
    "verb": ("sees", "finds", "likes", "draws", "follows", "remembers", "paints", "forgets", "leaves"),
    "adverb": ("slowly", "often", "never", "today", "again", "gladly", "alone"),
    "place": ("in the city", "by the sea", "under the bridge", "at school", "near the mill", "on the hill"),
}
_SENTENCES = (
    "{name} {verb} the {adjective} {noun} {place}.",
    "The {adjective} {noun} {verb} {name} {adverb}.",
    "{adverb} {name} {verb} a {noun} and a {adjective} {noun}.",
    "Why is the {noun} so {adjective}?",
    "{name} and {name} wait {place}, but the {noun} {verb} them {adverb}.",
)


@lru_cache(maxsize=4)
def generated_text(*, num_characters: int = 400_000, seed: int = 0) -> str:
    """Sentences of a small grammar, in paragraphs of five, cut to `num_characters` >= 1."""
    check_int("num_characters", num_characters, 1, _MAX_BYTES)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    pieces: list[str] = []
    length = 0
    while length < num_characters:
        sentence = _sentence(rng)
        sentence += "\n\n" if len(pieces) % 5 == 4 else " "
        pieces.append(sentence)
        length += len(sentence)
    return "".join(pieces)[:num_characters]


def _sentence(rng: np.random.Generator) -> str:
    sentence = _SENTENCES[rng.integers(len(_SENTENCES))]
    for kind, words in _WORDS.items():
        while (slot := f"{{{kind}}}") in sentence:
            sentence = sentence.replace(slot, words[rng.integers(len(words))], 1)
    return sentence[0].upper() + sentence[1:]


TEXTS: dict[str, Callable[[], str]] = {
    "shakespeare": shakespeare,
    "pydoc": pydoc,
    "generated": generated_text,
    "small_world": small_world,
    "assistant_world": assistant_text,
    "karate_walks": karate_walks,
}


def load_text(name: str, path: str | Path | None = None) -> str:
    """A text by name, or that of a file.

    Args:
        name: a name in TEXTS, or "file".
        path: the file, for the name "file" only.
    Returns:
        The text, not empty.
    Raises:
        ValueError: an unknown name, a path without "file" or "file" without a path, or a text that cannot be obtained.
    """
    check_choice("text", name, (*TEXTS, "file"))
    if name == "file":
        if path is None:
            raise ValueError("the text 'file' needs a path; give the path of a text file")
        return read_text(path)
    if path is not None:
        raise ValueError(f"path={str(path)!r} has no effect for the text {name!r}; use the text 'file', or no path")
    return TEXTS[name]()
