"""The ids that transformers gives conversations: run by a Python that has it.

/root/oracle/bin/python -m tests.pretrained.oracle_chats OUT.npz FOLDER …
"""

from typing import Any

from tests.pretrained.chat_folders import said
from tests.pretrained.oracle_tokens import write_ids


def conversations(tokenizer: Any, name: str) -> list[list[int]]:
    """Of the conversations of a folder; those that end with the user are asked."""
    return [
        tokenizer.apply_chat_template(
            messages, tokenize=True, return_dict=False, add_generation_prompt=messages[-1]["role"] == "user"
        )
        for messages in said(name)
    ]


if __name__ == "__main__":
    write_ids(conversations)
