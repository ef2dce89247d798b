"""Bytes of a file of one's own as text: its byte-order mark tells the encoding, without one it is UTF-8."""

import codecs

# A mark at the start of a file -> how its bytes are read. The longer ones come first: UTF-32's begins like UTF-16's.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8",
}
BYTE_ORDER_MARK = "\ufeff"


def encoding_of(data: bytes) -> str:
    """What the mark at the start of a file says, "utf-8" without one."""
    return next((found for mark, found in MARKS.items() if data.startswith(mark)), "utf-8")


def one_line_end(text: str) -> str:
    """A text whose line ends, of whatever system, are "\\n"."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def without_mark(text: str) -> str:
    """A text without the mark at its start, which UTF-8 and an encoding that is named leave there."""
    return text.removeprefix(BYTE_ORDER_MARK)


def decode(data: bytes, name: str, encoding: str | None = None, option: str | None = None) -> str:
    """The text of a file; its line ends stay as they are.

    Args:
        data: the bytes.
        name: of the file, for messages.
        encoding: None: see `encoding_of`.
        option: how an encoding is named on the command line, for messages; None: it cannot be.
    Raises:
        ValueError: an unknown encoding, bytes that are not of it (with their line), or NUL characters.
    """
    chosen = encoding_of(data) if encoding is None else encoding
    check_encoding(chosen)
    try:
        text = without_mark(data.decode(chosen))
    except UnicodeDecodeError as error:
        if encoding is None:
            refuse_nul(data.decode("latin-1"), name, option)  # the better reason, where both hold
        line = data.count(b"\n", 0, error.start) + 1
        hint = "" if option is None else f", or name its encoding: {option}=cp1252 (Windows, western Europe)"
        raise ValueError(
            f"{name} line {line} is not {chosen}: byte {data[error.start]:#04x}; save it as UTF-8{hint}"
        ) from None
    except UnicodeError as error:
        raise ValueError(f"{name} is not {chosen}: {error}; save it as UTF-8") from None
    refuse_nul(text, name, option)
    return text


def check_encoding(encoding: str) -> None:
    """Raises ValueError for an encoding of text that Python does not know."""
    try:
        b" ".decode(encoding, "ignore")  # nothing at all would be decoded without a look at the name
    except (LookupError, UnicodeError):
        raise ValueError(
            f"encoding {encoding!r} is unknown to Python; use a name such as utf-8, cp1252 or utf-16"
        ) from None


def refuse_nul(text: str, name: str, option: str | None = None, line: int = 1) -> None:
    """Raises ValueError for a NUL character.

    Args:
        text: of a file, or a piece of it.
        name: of the file.
        option: as of `decode`.
        line: of the file, at which the piece begins.
    """
    place = text.find("\0")
    if place >= 0:
        hint = "" if option is None else f", or say how it is written, such as {option}=utf-16-le"
        raise ValueError(
            f"{name} line {line + text.count(chr(10), 0, place)} holds a NUL character: it is not text, or UTF-16 without a "
            f"mark; save it as UTF-8{hint}"
        )
