"""Output of the commands: signs that the terminal lacks are spelt out, and a reader may leave early (`| head`)."""

import codecs
import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn, TextIO

READER_LEFT = 141  # what a shell reports if a process wrote to a closed pipe
# How signs are spelt that a stream's encoding lacks; all others become escapes such as \u0939.
SPELT = {
    "±": "+/-",
    "…": "...",
    "−": "-",
    "–": "-",
    "—": "-",
    "×": "x",
    "·": "*",
    "→": "->",
    "⇒": "=>",
    "─": "-",
    "✓": "ok",
    "✗": "no",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "°": " degrees",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}
ERRORS = "spelt"  # name of the error handler


def spell(error: UnicodeError) -> tuple[str, int]:
    """An error handler for codecs: the replacement of characters that an encoding lacks, and where to continue."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SPELT.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in lacking), error.end


def run_command(main: Callable[[], int]) -> NoReturn:
    """Runs a command and exits with its code, or with READER_LEFT if nobody reads the output any more.

    Args:
        main: the command; returns its exit code.
    """
    codecs.register_error(ERRORS, spell)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)
    try:
        code = main()
        sys.stdout.flush()
    except OSError as error:
        if not reader_left(error):
            raise
        code = READER_LEFT
        silence(sys.stdout)
        silence(sys.stderr)
    sys.exit(code)


def say(text: str, stream: TextIO | None = None) -> None:
    """Prints a line of work that continues without readers: once they have left, this line and all later ones are lost.

    Args:
        text: the line.
        stream: standard output by default.
    Raises:
        OSError: the stream cannot be written for another reason.
    """
    stream = stream or sys.stdout
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        if not reader_left(error):
            raise
        silence(stream)


def reader_left(error: OSError) -> bool:
    """Whether an error means that the other end of a pipe is closed; Windows reports this as a wrong argument."""
    return isinstance(error, BrokenPipeError) or (
        os.name == "nt" and error.errno == errno.EINVAL and not error.filename
    )


def silence(stream: TextIO) -> None:
    """Redirects a stream to nowhere, including what it has buffered."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
