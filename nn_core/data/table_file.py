"""Tables from CSV, TSV, Parquet and NPZ files, as text or numbers by column, with the line of every row.

CSV is read as text by polars, so that nothing is guessed before it is checked: its reader takes 0.9 s for 100,000 rows
of 50 numbers on two cores, pandas' 5.6 s. Every mistake of a file is one line with its row and column.
"""

import gzip
import io
import zipfile
import zlib
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nn_core.data.table_text import (
    blank_rows,
    check_header,
    check_width,
    column_names,
    find_separator,
    row_lines,
)
from nn_core.data.text_bytes import decode
from nn_core.files import user_path

if TYPE_CHECKING:
    import polars

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": ","}
PARQUET, NPZ = (".parquet", ".pq"), (".npz",)
KINDS = (*SEPARATORS, *PARQUET, *NPZ)
GZIP = ".gz"  # may follow the end of a table of text
# What else holds tables -> how one that is read is made of it.
INSTEAD = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "save it as CSV (UTF-8) with the program that opens it"),
    **dict.fromkeys((".zip", ".bz2", ".xz", ".zst", ".7z", GZIP), "unpack it, and name the table that is in it"),
    ".json": "write it as CSV in Python: polars.read_json(FILE).write_csv('rows.csv')",
    **dict.fromkeys((".jsonl", ".ndjson"), "write it as CSV in Python: polars.read_ndjson(FILE).write_csv('rows.csv')"),
    **dict.fromkeys(
        (".feather", ".arrow", ".ipc"),
        "write it as Parquet in Python: polars.read_ipc(FILE).write_parquet('rows.parquet')",
    ),
}
ROW_LINES = 1  # a header stands before the first row
# Bytes of memory that reading takes for each byte of a file: the bytes, the text by column, the numbers.
MEMORY_FACTOR = 4
UNPACKED_AT_ONCE = 1 << 26


class Frame(NamedTuple):
    """A table as it stands in its file.

    Attributes:
        name: what messages call it.
        columns: by name, in the order of the file: text, or numbers (null where the file has none).
        lines_N: line of each row in a text file, else its number from 1.
        notes: what the reader found out by itself.
    """

    name: str
    columns: dict[str, "polars.Series"]
    lines_N: np.ndarray
    notes: tuple[str, ...] = ()


def kind_of(name: str) -> tuple[str, bool]:
    """What kind of table a file is by its name, and whether it is packed by gzip.

    >>> kind_of("Rows.CSV.gz")
    ('.csv', True)

    Raises:
        ValueError: it is none; the message says what to do.
    """
    path = PurePath(name.lower())
    inner = PurePath(path.stem).suffix
    if path.suffix == GZIP and inner in SEPARATORS:
        return inner, True
    if path.suffix not in KINDS:
        fix = INSTEAD.get(path.suffix, f"use a file that ends in {', '.join(KINDS)}, or {GZIP} behind one of text")
        raise ValueError(f"{name} is not a table by its name; {fix}")
    return path.suffix, False


def read_table(
    path: str | Path,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    memory: int | None = None,
    columns: int = 2,
) -> Frame:
    """Reads a table; what kind of file it is, is told by the end of its name.

    Args:
        path: .csv, .tsv, .tab, .txt (text with a header, also with .gz behind it), .parquet, .pq, or .npz (arrays of N
            rows, see `read_npz`).
        separator: one character between fields; None: found in the header among comma, semicolon and tab.
        encoding: of a text file; None: UTF-8, or what its byte-order mark says.
        memory: bytes that reading may take; a file that needs more is refused before it is read. None: not checked.
        columns: fewest that it may have, 1 or 2: a target and an input, or an input alone.
    Returns:
        The table, with at least one row.
    Raises:
        ValueError: in one line, with row and column: a file that cannot be read, is empty, has no rows, rows of
            another width, names that are empty or twice there, or an encoding that does not fit.
    """
    file, shown = user_path(path), str(path)
    suffix, packed = kind_of(shown)
    try:
        size = file.stat().st_size
    except OSError as error:
        raise ValueError(f"cannot read the table {shown}: {error.strerror}; check the path") from None
    if not file.is_file():
        raise ValueError(f"the table {shown} is not a file; give the path of one")
    check_memory(shown, size, memory)
    if size == 0:
        raise ValueError(f"the table {shown} is empty; give one with a header and rows")
    if suffix in PARQUET:
        return checked(read_parquet(file, shown), columns)
    if suffix in NPZ:
        return checked(read_npz(file, shown), columns)
    try:
        data = unpacked(file, shown, memory) if packed else file.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the table {shown}: {error.strerror}; check its permissions") from None
    return checked(read_text_table(data, shown, separator, SEPARATORS[suffix], encoding), columns)


def check_memory(name: str, size: int, memory: int | None) -> None:
    """Raises ValueError where a table of so many bytes takes more memory than there is."""
    if memory is not None and size * MEMORY_FACTOR > memory:
        raise ValueError(
            f"{name} has {size / 1e9:.1f} GB and takes about {size * MEMORY_FACTOR / 1e9:.1f} GB to read, "
            f"{memory / 1e9:.1f} GB are free; cut it, or keep fewer columns"
        )


def unpacked(file: Path, name: str, memory: int | None) -> bytes:
    """The bytes of a gzip file.

    Raises:
        ValueError: it is damaged, or holds more than there is memory for; no more than that is unpacked.
    """
    parts: list[bytes] = []
    size = 0
    try:
        with gzip.open(file) as opened:
            while part := opened.read(UNPACKED_AT_ONCE):
                size += len(part)
                check_memory(f"{name}, unpacked,", size, memory)
                parts.append(part)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{name} is not a whole gzip file ({error}); pack it again") from None
    return b"".join(parts)


def checked(frame: Frame, columns: int) -> Frame:
    """The frame. Raises ValueError where it has no rows, or fewer columns than it must have."""
    if not len(frame.lines_N):
        raise ValueError(f"the table {frame.name} has a header and no rows; give at least a few examples")
    if len(frame.columns) < columns:
        only = next(iter(frame.columns), "")
        raise ValueError(
            f"the table {frame.name} has one column, {only[:60]!r}; give a target and at least one other, or name what "
            "stands between fields by --config.data.table.separator"
        )
    return frame


def read_text_table(data: bytes, name: str, separator: str | None, usual: str, encoding: str | None) -> Frame:
    """A table of text; see `read_table`."""
    import polars  # half a second, and only tables need it

    text = decode(data, name, encoding, "--config.data.table.encoding")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    body = text.lstrip("\n")
    skipped = len(text) - len(body)
    if not body or body.isspace():
        raise ValueError(f"the table {name} is empty; give one with a header and rows")
    notes: tuple[str, ...] = ()
    if separator is None:
        separator = find_separator(body, usual)
        notes = () if separator == usual else (f"fields are separated by {separator!r}",)
    elif len(separator) != 1 or separator in '"\n\r' or ord(separator) > 127:
        raise ValueError(f"data.table.separator={separator!r} must be one plain character, such as ',' or ';'")
    try:
        table = polars.read_csv(
            io.BytesIO(body.encode()),
            has_header=False,
            separator=separator,
            infer_schema=False,
            empty_string_is_null=False,
        )
    except polars.exceptions.PolarsError as error:
        check_width(body, name, separator, skipped)
        message = " ".join(str(error).split()).partition(".")[0]
        raise ValueError(f"{name} is not a table of text: {message}; check its quotes") from None
    last = table.to_series(table.width - 1)
    if (last == "").any():  # polars fills short rows with empty fields
        check_width(body, name, separator, skipped)
    check_header(name, table.row(0), skipped + 1)
    names = column_names(name, table.row(0), skipped + 1)
    rows = table.slice(1)
    lines_N = np.arange(len(rows), dtype=np.int64) + skipped + 1 + ROW_LINES
    if '"' in body and body.count("\n") > len(rows) + 1:  # quoted fields hold line ends
        lines_N = row_lines(body, separator, skipped)
    blank_N = blank_rows(rows)
    if blank_N.any():
        rows, lines_N = rows.filter(polars.Series(~blank_N)), lines_N[~blank_N]
    columns = {column: rows.to_series(place) for place, column in enumerate(names)}
    return Frame(name, columns, lines_N, notes)


def read_parquet(file: Path, name: str) -> Frame:
    """A Parquet file: numbers stay numbers; truth values, categories and dates become text."""
    import polars

    try:
        table = polars.read_parquet(file)
    except (polars.exceptions.PolarsError, OSError, ValueError) as error:
        raise ValueError(f"{name} is not a readable Parquet file: {' '.join(str(error).split())[:120]}") from None
    columns = {}
    names = column_names(name, tuple(table.columns), 0)
    for column, series in zip(names, table.iter_columns(), strict=True):
        plain = series.dtype.is_numeric() or series.dtype.is_nested() or series.dtype == polars.Binary
        columns[column] = series if plain else series.cast(polars.String).fill_null("")
    return Frame(name, columns, np.arange(1, len(table) + 1))


def read_npz(file: Path, name: str) -> Frame:
    """An NPZ file: every 1-D array is a column, every 2-D array a column for each of its columns (x_0, x_1, …).

    A 2-D array "inputs" or "X" with an array "input_names" takes its names from there.
    """
    import polars

    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            held = {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        pickled = zipfile.is_zipfile(file) and "pickle" in str(error)
        why = "it holds Python objects; make text of them by array.astype(str)" if pickled else "it is damaged"
        raise ValueError(
            f"{name} is not a readable NPZ file of plain arrays: {why}, and write it by numpy.savez"
        ) from None
    given = held.pop("input_names", None)
    columns: dict[str, polars.Series] = {}
    length = None
    for key, array in held.items():
        if array.ndim not in (1, 2) or array.dtype.kind not in "fiubUS":
            raise ValueError(
                f"{name} array {key!r} has shape {array.shape} and type {array.dtype}; give numbers or text of one or two axes"
            )
        length = len(array) if length is None else length
        if len(array) != length:
            raise ValueError(
                f"{name} array {key!r} has {len(array)} rows instead of {length}; give one row per example"
            )
        parts = {key: array} if array.ndim == 1 else {f"{key}_{i}": array[:, i] for i in range(array.shape[1])}
        if array.ndim == 2 and given is not None and len(given) == array.shape[1] and key in ("inputs", "X"):
            parts = {str(column): array[:, i] for i, column in enumerate(given)}
        for column, values_N in parts.items():
            if column in columns:
                raise ValueError(f"{name} gives two columns the name {column!r}; rename an array")
            plain = values_N.astype(str) if values_N.dtype.kind in "USb" else np.ascontiguousarray(values_N)
            columns[column] = polars.Series(column, plain)
    return Frame(name, columns, np.arange(1, (length or 0) + 1))
