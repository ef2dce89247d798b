"""From a folder to a Linen module and its parameters: every leaf filled once, every tensor used (F174, F176)."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import ml_dtypes
import numpy as np
from jax.sharding import Sharding

from nn_core.files import user_path
from nn_core.pretrained.families import choose_family
from nn_core.pretrained.family import Family, Structure
from nn_core.pretrained.folder import CONFIG, read_json, tensors
from nn_core.pretrained.rows import Row, pieces, theirs_slices, view
from nn_core.pretrained.settings import Settings
from nn_core.pretrained.shapes import parameter_shapes
from nn_core.pretrained.tensor_files import PretrainedError, Stored, read_into
from nn_core.training.manifest import nested

DTYPES = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
_ALIGNMENT = 64  # bytes; on a CPU JAX takes arrays with this alignment without a copy
_BLOCK = 2**26  # bytes; a block is freed with the last of its parameters
_READERS = 4  # threads; the windows that they read at a time are all that they need besides the parameters
_TOGETHER = 12  # parameters that are handed to JAX at a time: a call costs more than a small one's reading
_SHOWN = 10
Empty = Callable[[tuple[int, ...]], np.ndarray]  # shape -> an array of it


class Pretrained(NamedTuple):
    """A model from a folder.

    Attributes:
        folder: where it comes from.
        family: see `Family`.
        kind: what its head does.
        settings: config.json.
        structure: see `Structure`; its module with the parameters is the model.
        params: nested dicts of arrays.
    """

    folder: Path
    family: Family
    kind: str
    settings: Settings
    structure: Structure
    params: Any

    @property
    def module(self) -> nn.Module:
        """The model's structure."""
        return self.structure.module


def read_structure(folder: Path, names: frozenset[str] = frozenset()) -> tuple[Family, str, Settings, Structure]:
    """What config.json says; no weights are touched.

    Raises:
        PretrainedError: see `choose_family` and the families.
    """
    settings = Settings(read_json(folder / CONFIG), str(folder / CONFIG))
    family, kind = choose_family(settings)
    return family, kind, settings, family.read(settings, kind, names)


def load(
    folder: str | Path, dtype: str = "float32", sharding: Callable[[str, tuple[int, ...]], Sharding] | None = None
) -> Pretrained:
    """A folder in Hugging Face's layout as a Linen module with parameters.

    Tensors are read one by one straight into their places, so the peak is the parameters and little more.

    Args:
        folder: with config.json and safetensors; no other file is needed.
        dtype: of the parameters: float32, bfloat16 or float16, whatever they are stored in.
        sharding: None, or (path, shape) -> where a parameter lives on a mesh; each device reads its own part only.
    Returns:
        The model.
    Raises:
        PretrainedError: anything that is wrong with the folder, in one line.
        ValueError: an unknown dtype.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype={dtype!r} is unknown; use one of {', '.join(DTYPES)}")
    folder = user_path(folder)
    if not folder.is_dir():
        raise PretrainedError(f"there is no folder {folder}")
    read_json(folder / CONFIG)  # checked first: a folder without it is no model at all
    found = tensors(folder)
    family, kind, settings, structure = read_structure(folder, frozenset(found))
    wanted = shapes(structure)
    located = match(family, structure, wanted, found)
    check_copies(family, structure, found, settings.where)
    empty = _memory(np.dtype(DTYPES[dtype]))

    def leaves(rows: Sequence[Row]) -> list[jax.Array]:
        places = [None if sharding is None else sharding(row.ours, wanted[row.ours]) for row in rows]
        made = [_leaf(row, wanted[row.ours], located, empty, at) for row, at in zip(rows, places, strict=True)]
        return jax.device_put(made)

    parts = [structure.rows[start : start + _TOGETHER] for start in range(0, len(structure.rows), _TOGETHER)]
    with ThreadPoolExecutor(_READERS) as pool:  # reading and checking let other threads run
        found_leaves = [leaf for made in pool.map(leaves, parts) for leaf in made]
    params = nested(dict(zip([row.ours for row in structure.rows], found_leaves, strict=True)))
    return Pretrained(folder, family, kind, settings, structure, params)


def shapes(structure: Structure) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter of a module, by path; nothing is computed."""
    shape, dtype = structure.example
    try:
        return parameter_shapes(structure.module, jax.ShapeDtypeStruct(shape, dtype))
    except ValueError as error:
        raise PretrainedError(f"config.json describes no model that can be: {str(error).splitlines()[0]}") from None


def match(
    family: Family, structure: Structure, wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, Stored]
) -> dict[str, Stored]:
    """Their tensors by the names in our table.

    Raises:
        PretrainedError: a parameter without a tensor, a tensor without a parameter, another shape.
    """
    filled = [row.ours for row in structure.rows]
    if sorted(filled) != sorted(wanted):
        raise PretrainedError(f"the table does not fill the model once: {_first(set(filled) ^ set(wanted))}")
    located: dict[str, Stored] = {}
    missing, misfits = [], []
    for row in structure.rows:
        for piece in pieces(row, wanted[row.ours]):
            stored = next((found[name] for name in spellings(family, piece.name) if name in found), None)
            if stored is None:
                missing.append(piece.name)
            elif stored.shape != piece.shape:
                misfits.append(f"{stored.name} is {stored.shape} and not {piece.shape}")
            else:
                located[piece.name] = stored
    used = {stored.name for stored in located.values()}
    unused = [
        name
        for name in found
        if name not in used and not any(fnmatchcase(name, pattern) for pattern in structure.ignored)
    ]
    if missing or misfits or (unused and len(used) == len(located)):
        parts = [f"missing: {_first(missing)}"] if missing else []
        parts += [f"of another shape: {_first(misfits)}"] if misfits else []
        misfit_names = {misfit.split(" ")[0] for misfit in misfits}
        left = [name for name in unused if name not in misfit_names]
        parts += [f"without a place: {_first(left)}"] if left else []
        raise PretrainedError(f"the tensors do not fit config.json; {'; '.join(parts)}")
    return located


def check_copies(family: Family, structure: Structure, found: Mapping[str, Stored], where: str) -> None:
    """Raises PretrainedError where a copy of a tied tensor holds other numbers: another function than config.json's."""
    for names in structure.copies:
        copy, tied = (next((found[name] for name in spellings(family, one) if name in found), None) for one in names)
        if copy is None or tied is None:
            continue
        if copy.shape != tied.shape or not np.array_equal(_whole(copy), _whole(tied)):
            raise PretrainedError(
                f"{copy.name} differs from {tied.name}, and {where} ties them; "
                'if they shall differ, set "tie_word_embeddings": false there'
            )


def _whole(stored: Stored) -> np.ndarray:
    out = np.empty(stored.shape, np.float32)
    read_into(stored, out)
    return out


def spellings(family: Family, name: str) -> list[str]:
    """A name as it may stand in a folder: as saved today, without the prefix, as saved formerly."""
    names = [name, name.removeprefix(family.prefix)]
    return names + [
        spelling.replace(today, once) for spelling in names for today, once in family.aliases if today in spelling
    ]


def _leaf(
    row: Row, shape: tuple[int, ...], located: Mapping[str, Stored], empty: Empty, sharding: Sharding | None
) -> np.ndarray | jax.Array:
    def part(index: tuple[slice, ...] | None) -> np.ndarray:
        index = index or (slice(None),) * len(shape)
        bounds = [slice(*entry.indices(length)[:2]) for entry, length in zip(index, shape, strict=True)]
        out = empty(tuple(bound.stop - bound.start for bound in bounds))
        first, last = bounds[-1].start, bounds[-1].stop
        for piece in pieces(row, shape):
            start, stop = max(piece.start, first), min(piece.stop, last)
            if start < stop:
                inside = (*bounds[:-1], slice(start - piece.start, stop - piece.start))
                target = view(row, out[..., start - first : stop - first])
                read_into(located[piece.name], target, theirs_slices(row, inside))
        return out

    if sharding is None:
        return part(None)
    return jax.make_array_from_callback(shape, sharding, part)


def _memory(dtype: np.dtype) -> Empty:
    """Places for arrays in a few large blocks: small ones would each be made of pages of 4 kB, whose first touch costs
    more than reading the file does."""
    block, lock = np.empty(0, np.uint8), Lock()

    def empty(shape: tuple[int, ...]) -> np.ndarray:
        nonlocal block
        size = math.prod(shape) * dtype.itemsize
        with lock:
            if len(block) < size + _ALIGNMENT:
                block = np.empty(max(size + _ALIGNMENT, _BLOCK), np.uint8)
            start = -block.ctypes.data % _ALIGNMENT
            part, block = block[start : start + size], block[start + size :]
        return part.view(dtype).reshape(shape)

    return empty


def _first(names: Any) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
