"""What a command writes to its streams: signs that the terminal lacks are spelt, and a reader may leave (`| head`)."""

import codecs
import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn, TextIO

READER_LEFT = 141  # what a shell reports for a process that wrote to a closed pipe
# How signs are spelt where the encoding of a stream has none of them; all others become escapes such as \u0939.
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
    """An error handler of codecs: what stands for characters that an encoding lacks, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SPELT.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in lacking), error.end


def run_command(main: Callable[[], int]) -> NoReturn:
    """Runs a command as the process that it is, and exits with its code; READER_LEFT where nobody reads it any more.

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
    """Prints a line of a work that goes on without readers: once they have left, this line and all later ones are lost.

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
    """Whether an error says that the other end of a pipe is closed; Windows tells it as a wrong argument."""
    return isinstance(error, BrokenPipeError) or (
        os.name == "nt" and error.errno == errno.EINVAL and not error.filename
    )


def silence(stream: TextIO) -> None:
    """Lets a stream write to nowhere from now on, also what it still holds."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
