"""The ids that transformers gives the awkward strings: run by a Python that has it.

/root/oracle/bin/python -m tests.pretrained.oracle_tokens OUT.npz FOLDER …
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from tests.pretrained.tokenizer_folders import AWKWARD


def write_ids(rows_of: Callable[[Any, str], list[list[int]]]) -> None:
    """Writes the rows of ids of every folder; `rows_of` takes its tokenizer and its name."""
    out, *folders = sys.argv[1:]
    answers = {}
    for path in map(Path, folders):
        rows = rows_of(AutoTokenizer.from_pretrained(path), path.name)
        answers[f"{path.name}_lengths"] = np.array([len(row) for row in rows], np.int32)
        answers[f"{path.name}_ids"] = np.array([index for row in rows for index in row], np.int32)
    np.savez_compressed(out, **answers)


def awkward(tokenizer: Any, name: str) -> list[list[int]]:
    """Of the strings, and of pairs of them."""
    del name
    rows = [tokenizer(text)["input_ids"] for text in AWKWARD]
    return rows + [
        tokenizer(text, other)["input_ids"] for text, other in zip(AWKWARD[:20], AWKWARD[20:40], strict=True)
    ]


if __name__ == "__main__":
    write_ids(awkward)
