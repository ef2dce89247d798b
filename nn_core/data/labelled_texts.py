"""Texts of one's own with a class each: columns of a table (CSV, TSV, Parquet) or fields of JSON lines."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nn_core.data.conversation_files import read_lines
from nn_core.data.corpora import LabelledTexts
from nn_core.data.table_file import read_table
from nn_core.data.text_files import JSON_LINES
from nn_core.text.interface import clean_text

MOST_CLASSES = 1000
_SHOWN = 60  # characters


def read_labelled_texts(path: str, target: str, text: str | None = None, classes: Sequence[str] = ()) -> LabelledTexts:
    """Texts and their classes, in the order of the file.

    Args:
        path: a table, or JSON lines (.jsonl, .ndjson).
        target: the column of the classes.
        text: the column of the texts; None: the only other one.
        classes: their names in order; (): those that are there, sorted.
    Raises:
        ValueError: in one line, with the row: a file that cannot be read, an unknown column, nothing in a text or a class,
            a single class, or so many of them that they are none.
    """
    columns, lines = _columns(path)
    others = [name for name in columns if name != target]
    chosen = text if text is not None or len(others) != 1 else others[0]
    for key, name in (("target", target), ("text", chosen)):
        if name not in columns:
            found = "several columns could be the text" if name is None else f"there is no column {name!r}"
            raise ValueError(f"{path}: {found}; give --config.data.{key}= one of {', '.join(map(repr, columns))}"[:400])
    if chosen == target:
        raise ValueError(f"{path}: the column {target!r} cannot be text and class at once; name another one")
    texts, labels = columns[str(chosen)], columns[target]
    for line, words, label in zip(lines, texts, labels, strict=True):
        for name, value in ((chosen, words), (target, label)):
            if not value.strip():
                raise ValueError(f"{path} line {line} has nothing in the column {name!r}; leave the line out")
    names = tuple(classes) or _names(path, target, labels)
    places = {name: place for place, name in enumerate(names)}
    for line, label in zip(lines, labels, strict=True):
        if label.strip() not in places:
            raise ValueError(
                f"{path} line {line} has the class {label[:_SHOWN]!r}, which is none of {', '.join(names)}"
            )
    return LabelledTexts(
        tuple(map(clean_text, texts)), np.array([places[label.strip()] for label in labels], np.int32), names
    )


def _names(path: str, target: str, labels: Sequence[str]) -> tuple[str, ...]:
    """The classes; raises ValueError where they are none."""
    counts = Counter(label.strip() for label in labels)
    if len(counts) < 2:
        raise ValueError(
            f"{path}: the column {target!r} has the class {labels[0][:_SHOWN]!r} only; there is nothing to tell"
        )
    if len(counts) > min(MOST_CLASSES, len(labels) // 2):
        raise ValueError(
            f"{path}: the column {target!r} has {len(counts)} different values in {len(labels)} rows, which are no classes; "
            "name another by --config.data.target"
        )
    return tuple(sorted(counts))


def _columns(path: str) -> tuple[dict[str, list[str]], list[int]]:
    """The columns as text, and the line of each row."""
    if Path(path).suffix.lower() in JSON_LINES:
        numbers, records = zip(*read_lines(path), strict=True)
        names = list(dict.fromkeys(name for record in records for name in record))
        rows = {name: [_as_text(record.get(name)) for record in records] for name in names}
        return rows, list(numbers)
    frame = read_table(path)
    return {
        name: [_as_text(value) for value in series] for name, series in frame.columns.items()
    }, frame.lines_N.tolist()


def _as_text(value: object) -> str:
    return "" if value is None else str(value)
