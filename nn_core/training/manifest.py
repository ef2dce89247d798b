"""The manifest of a checkpoint step: its content, and the proof that it is unchanged.

Orbax notices neither a flipped bit in an array nor the loss of its metadata. So each step carries `manifest.json`:
dtype, shape and sha256 of every array in memory (of one that is split over processes, of each piece), sha256 of every
file as written, and the caller's record (the resolved config, the versions). It is sealed by its own sha256. This file
does not use Orbax.
"""

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from nn_core.files import sync_folder

MANIFEST = "manifest.json"
FORMAT = 1
FORMAT_IN_PIECES = 2  # some array has a digest for each of its pieces
PARTS = {"format", "step", "value", "record", "leaves", "files"}
_SHOWN = 8  # entries of each sign in a −/+ diff before it says "and n more"


class CheckpointError(RuntimeError):
    """A checkpoint cannot be written or read; the message is one line and says which, why and what to do."""


class DamagedError(CheckpointError):
    """A step differs from what was written; an older one may be sound."""


class MismatchError(CheckpointError):
    """A sound checkpoint of something else: other names, shapes or dtypes, or the format of a newer version."""


def named_leaves(tree: Any) -> dict[str, Any]:
    """The leaves of a pytree by path, such as `dense_0/kernel`, in the tree's order.

    Raises:
        CheckpointError: two leaves share a path, or a leaf is not an array (nor a shape-and-dtype record).
    """
    leaves: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        if name in leaves:
            raise CheckpointError(f"two leaves are both named {name!r}; rename one")
        if not hasattr(leaf, "shape") or not hasattr(leaf, "dtype"):
            raise CheckpointError(f"leaf {name!r} is a {type(leaf).__name__}, not an array; use jnp.asarray")
        leaves[name] = leaf
    return leaves


def nested(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `named_leaves` for nested dicts: {"a/b": leaf} -> {"a": {"b": leaf}}."""
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        *parents, last = path.split("/")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = leaf
    return tree


def is_key(leaf: Any) -> bool:
    """Whether a leaf is an array of typed PRNG keys."""
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def to_host(leaf: Any) -> np.ndarray:
    """A private copy of an array in host memory: the original may be donated or changed afterwards.

    Keys become their data. An array spread over several processes is gathered, so every process must call this.
    """
    return np.array(gathered(jax.random.key_data(leaf) if is_key(leaf) else leaf), copy=True)


def gathered(array: Any) -> Any:
    """An array that this process can read. One split over several processes is gathered, so all must call this."""
    if isinstance(array, jax.Array) and not (array.is_fully_addressable or array.is_fully_replicated):
        return multihost_utils.process_allgather(array, tiled=True)
    return array


def leaf_digest(entry: Mapping[str, Any], data: np.ndarray) -> str:
    """sha256 of dtype, shape and bytes, so that neither a reshape nor a reinterpretation goes unnoticed.

    Args:
        entry: of `describe`.
        data: the array on the host; for an array of keys, the key data.
    """
    digest = hashlib.sha256(f"{entry['dtype']}{list(entry['shape'])}".encode())
    digest.update(np.ascontiguousarray(data).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def describe(leaves: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """dtype and shape of each leaf, and for arrays of keys the generator's name."""
    described: dict[str, dict[str, Any]] = {}
    for name, leaf in leaves.items():
        described[name] = {"dtype": str(leaf.dtype), "shape": list(leaf.shape)}
        if is_key(leaf) and isinstance(leaf, jax.Array):
            described[name]["key_impl"] = str(jax.random.key_impl(leaf))
    return described


def mismatch(found: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The −/+ diff of two descriptions on one line, or None if names, shapes and dtypes agree.

    Args:
        found: what the checkpoint (or weights file) holds, from `describe`.
        wanted: what the model expects, from `describe`.
    Returns:
        `- only in the checkpoint; + only in the model`, each with dtype and shape.
    """

    def lines(these: Mapping[str, Mapping[str, Any]]) -> list[str]:
        return [f"{name} {entry['dtype']}{list(entry['shape'])}" for name, entry in sorted(these.items())]

    def signed(sign: str, entries: list[str]) -> list[str]:
        more = [f"{sign} {len(entries) - _SHOWN} more"] if len(entries) > _SHOWN else []
        return [f"{sign} {entry}" for entry in entries[:_SHOWN]] + more

    found_lines, wanted_lines = lines(found), lines(wanted)
    minus = signed("-", [line for line in found_lines if line not in set(wanted_lines)])
    plus = signed("+", [line for line in wanted_lines if line not in set(found_lines)])
    return "; ".join(minus + plus) or None


def seal(body: Mapping[str, Any]) -> bytes:
    """The manifest as bytes: canonical JSON under its own sha256. Equal bodies give equal bytes.

    Raises:
        CheckpointError: the body holds something that JSON cannot express, such as NaN.
    """
    try:
        plain = json.loads(json.dumps(body, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the record is not plain JSON ({error}); use strings, finite numbers, lists") from None
    text = json.dumps(plain, sort_keys=True)
    return f'{{"sha256": "{hashlib.sha256(text.encode()).hexdigest()}", "body": {text}}}\n'.encode()


def unseal(raw: bytes) -> dict[str, Any]:
    """The body of a sealed manifest. Any changed byte is noticed, because the body must give exactly the same bytes again.

    Raises:
        DamagedError: the bytes are not those that `seal` wrote.
    """
    try:
        body = json.loads(raw)["body"]
        intact = isinstance(body, dict) and PARTS <= body.keys() and seal(body) == raw
    except (ValueError, KeyError, TypeError, RecursionError, CheckpointError):
        intact = False
    if not intact:
        raise DamagedError(f"{MANIFEST} is damaged")
    return body


def hash_files(directory: Path, *, sync: bool = False) -> dict[str, str]:
    """sha256 of each regular file below a step's directory except the manifest; `sync` first forces them to disk."""
    digests = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if name == MANIFEST or not is_regular(path):
            continue
        if sync:
            with path.open("rb+") as file:  # Windows forces to the disk only what is open for writing
                os.fsync(file.fileno())
        digests[name] = hash_file(path)
    return digests


def is_regular(path: Path) -> bool:
    """Whether a path is a file of its own."""
    return path.is_file() and not path.is_symlink()


def hash_file(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(directory: Path, body: Mapping[str, Any]) -> None:
    """Completes a written step: hashes and syncs its files and writes the sealed manifest."""
    in_pieces = any("pieces" in entry for tree in body["leaves"].values() for entry in tree.values())
    kind = FORMAT_IN_PIECES if in_pieces else FORMAT
    raw = seal({**body, "format": kind, "files": hash_files(directory, sync=True)})
    with (directory / MANIFEST).open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    for path in (directory, directory.parent):  # the entries themselves; the rename that follows is then ordered
        sync_folder(path)


def read_manifest(directory: Path) -> dict[str, Any]:
    """The body of a step's manifest; the seal is checked, the files are not.

    Raises:
        DamagedError: the manifest is missing or damaged.
        MismatchError: the manifest has a format that this version does not know.
    """
    try:
        raw = (directory / MANIFEST).read_bytes()
    except FileNotFoundError:
        raise DamagedError(f"{MANIFEST} is missing") from None
    except OSError as error:
        raise unreadable(error) from None
    body = unseal(raw)
    if body["format"] not in (FORMAT, FORMAT_IN_PIECES):
        newest = FORMAT_IN_PIECES
        raise MismatchError(f"{directory} has format {body['format']}, this version reads {newest}; update nn_core")
    return body


def verify(directory: Path, share: tuple[int, int] = (0, 1)) -> dict[str, Any]:
    """The body of a step's manifest, after checking that every file is as written.

    Args:
        directory: of the step.
        share: (i, n): of the files only every n-th from the i-th on, where n processes share the work.
    Raises:
        DamagedError: a file is missing or differs; the message names it.
        CheckpointError: the files cannot be read for another reason (permissions, too many open files).
    """
    body = read_manifest(directory)
    first, step = share
    try:
        for name in sorted(body["files"])[first::step]:
            if not is_regular(directory / name):
                raise DamagedError(f"{name} is missing")
            if hash_file(directory / name) != body["files"][name]:
                raise DamagedError(f"{name} is damaged")
    except OSError as error:
        raise unreadable(error) from None
    return body


def unreadable(error: OSError) -> CheckpointError:
    """The error for an unreadable file: damage if the file or its disk is at fault, but not if this process may not read it."""
    damaged = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO)
    return (DamagedError if damaged else CheckpointError)(f"{error.filename} cannot be read ({error.strerror})")
