"""Bytes of a file of one's own as text: its byte-order mark tells the encoding, without one it is UTF-8."""

import codecs

# A mark at the start of a file -> how its bytes are read. The longer ones come first: UTF-32's begins like UTF-16's.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}


def encoding_of(data: bytes) -> str:
    """What the mark at the start of a file says, "utf-8" without one."""
    return next((found for mark, found in MARKS.items() if data.startswith(mark)), "utf-8")


def one_line_end(text: str) -> str:
    """A text whose line ends, of whatever system, are "\\n"."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode(data: bytes, name: str, encoding: str | None = None, key: str | None = None) -> str:
    """The text of a file; its line ends stay as they are.

    Args:
        data: the bytes.
        name: of the file, for messages.
        encoding: None: see `encoding_of`.
        key: of the config that names an encoding, for messages; None: there is none.
    Raises:
        ValueError: an unknown encoding, bytes that are not of it (with their line), or NUL characters.
    """
    chosen = encoding_of(data) if encoding is None else encoding
    try:
        text = data.decode(chosen)
    except LookupError:
        raise ValueError(unknown(chosen)) from None
    except UnicodeDecodeError as error:
        if encoding is None:
            refuse_nul(data.decode("latin-1"), name, key)  # the better reason, where both hold
        line = data.count(b"\n", 0, error.start) + 1
        hint = "" if key is None else f", or name its encoding: --config.{key}=cp1252 (Windows, western Europe)"
        raise ValueError(
            f"{name} line {line} is not {chosen}: byte {data[error.start]:#04x}; save it as UTF-8{hint}"
        ) from None
    except UnicodeError as error:
        raise ValueError(f"{name} is not {chosen}: {error}; save it as UTF-8") from None
    refuse_nul(text, name, key)
    return text


def unknown(encoding: str) -> str:
    """What is said of an encoding that Python does not know."""
    return f"encoding {encoding!r} is unknown to Python; use a name such as utf-8, cp1252 or utf-16"


def refuse_nul(text: str, name: str, key: str | None = None, line: int = 1) -> None:
    """Raises ValueError for a NUL character.

    Args:
        text: of a file, or a piece of it.
        name: of the file.
        key: as of `decode`.
        line: of the file, at which the piece begins.
    """
    place = text.find("\0")
    if place >= 0:
        hint = "" if key is None else f", or say how it is written, such as --config.{key}=utf-16-le"
        raise ValueError(
            f"{name} line {line + text.count(chr(10), 0, place)} holds a NUL character: it is not text, or UTF-16 without a "
            f"mark; save it as UTF-8{hint}"
        )
