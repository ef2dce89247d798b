"""The ids that transformers gives the awkward strings: run by a Python that has it.

/root/oracle/bin/python -m tests.pretrained.oracle_tokens OUT.npz FOLDER …
"""

import sys
from pathlib import Path

import numpy as np
from transformers import AutoTokenizer

from tests.pretrained.tokenizer_folders import AWKWARD

if __name__ == "__main__":
    out, *folders = sys.argv[1:]
    answers = {}
    for path in map(Path, folders):
        tokenizer = AutoTokenizer.from_pretrained(path)
        rows = [tokenizer(text)["input_ids"] for text in AWKWARD]
        rows += [tokenizer(text, other)["input_ids"] for text, other in zip(AWKWARD[:20], AWKWARD[20:40], strict=True)]
        answers[f"{path.name}_lengths"] = np.array([len(row) for row in rows], np.int32)
        answers[f"{path.name}_ids"] = np.array([index for row in rows for index in row], np.int32)
    np.savez_compressed(out, **answers)
