"""The sha256 of data of one's own, and of trained parameters: a run keeps it, and goes on with the same bytes only,
wherever they lie."""

import hashlib
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict


def digest_of_file(path: Path) -> str:
    """The sha256 of a file.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}; check the path") from None


def check_digest(section: ConfigDict, digest: str, shown: str, key: str = "data") -> str:
    """The digest of what was read, for its section to keep.

    Args:
        section: its `digest` is that of an earlier reading, or None.
        digest: of what was read now.
        shown: what was read, for the message.
        key: of the section in the config.
    Raises:
        ValueError: the section has another one.
    """
    if section.digest is not None and digest != section.digest.lower():
        raise ValueError(
            f"{shown} has changed: its sha256 is {digest} and config.{key}.digest says {section.digest}; give its digest, "
            f"or leave {key}.digest unset"
        )
    return digest


def digest_of(params: Any) -> str:
    """The sha256 of every array of a tree."""
    found = hashlib.sha256()
    for leaf in jax.tree.leaves(params):
        array = np.ascontiguousarray(leaf)
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return found.hexdigest()
