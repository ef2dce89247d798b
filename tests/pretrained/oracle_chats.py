"""The ids that transformers gives conversations: run by a Python that has it.

/root/oracle/bin/python -m tests.pretrained.oracle_chats OUT.npz FOLDER …
"""

import sys
from pathlib import Path

import numpy as np
from transformers import AutoTokenizer

from tests.pretrained.chat_folders import said

if __name__ == "__main__":
    out, *folders = sys.argv[1:]
    answers = {}
    for path in map(Path, folders):
        tokenizer = AutoTokenizer.from_pretrained(path)
        rows = [
            tokenizer.apply_chat_template(
                messages,
                tokenize=True,
                return_dict=False,
                add_generation_prompt=messages[-1]["role"] == "user",
            )
            for messages in said(path.name)
        ]
        answers[f"{path.name}_lengths"] = np.array([len(row) for row in rows], np.int32)
        answers[f"{path.name}_ids"] = np.array([index for row in rows for index in row], np.int32)
    np.savez_compressed(out, **answers)
