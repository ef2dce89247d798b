"""Trustworthy checkpoints: written in the background, complete or absent, verified before use.

A step is the directory `<directory>/<step>`: what Orbax writes (two checkpointables, `params` apart from `training`,
each a flat dict of arrays by path) and `manifest.json` (see manifest.py). It is written under another name and renamed
when complete, so a process that dies at any moment leaves either the complete step or none. Reading is in restore.py.
This is the only file that imports Orbax, and only when a run may write, so a refused config need not wait.
"""

import contextlib
import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from nn_core.files import move
from nn_core.training.manifest import (
    CheckpointError,
    describe,
    leaf_digest,
    named_leaves,
    read_manifest,
    to_host,
    write_manifest,
)
from nn_core.training.pieces import digest_pieces, first_reason, is_apart
from nn_core.training.stored_arrays import brief

PARAMS, TRAINING = "params", "training"
PARTIAL = ".partial"
CORRUPT = "corrupt"  # prefix of the name of a damaged step
MAX_STEP = 2**31 - 1

Leaves = Mapping[str, Mapping[str, Any]]  # kind -> path -> array or description


@dataclass(frozen=True)
class Checkpointer:
    """An open directory of checkpoints; made by `open_checkpoints`. One writer at a time: the caller holds a lock.

    Attributes:
        directory: absolute path.
        keep_latest: newest steps to keep, >= 1.
        keep_best: number of steps with the lowest validation value to keep as well, >= 0.
        worker: the one thread that writes.
        pending: the save in progress, if any.
    """

    directory: Path
    keep_latest: int
    keep_best: int
    worker: ThreadPoolExecutor
    pending: list[Future[None]]


@contextlib.contextmanager
def open_checkpoints(directory: str | Path, *, keep_latest: int = 1, keep_best: int = 1) -> Iterator[Checkpointer]:
    """Opens a directory for writing; on leaving, even after an exception, waits for the save in progress.

    Args:
        directory: created if missing; leftovers of a killed save are removed.
        keep_latest: newest steps to keep, >= 1.
        keep_best: steps with the lowest value to keep besides, >= 0.
    Raises:
        ValueError: a policy that keeps nothing.
        CheckpointError: the directory cannot be created, or, on leaving, the last save failed.
    """
    if keep_latest < 1 or keep_best < 0:
        raise ValueError(f"keep_latest={keep_latest} must be >= 1 and keep_best={keep_best} >= 0; keep a step")
    directory = Path(directory).resolve()  # tensorstore refuses ".."
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for leftover in directory.glob(f"*{PARTIAL}*") if jax.process_index() == 0 else ():
            shutil.rmtree(leftover)
    except OSError as error:
        raise CheckpointError(f"{directory} cannot be written ({error.strerror})") from None
    with ThreadPoolExecutor(1, thread_name_prefix="checkpoint") as worker:
        worker.submit(_import_orbax)  # beside the compilation; the first save reports errors
        checkpointer = Checkpointer(directory, keep_latest, keep_best, worker, [])
        yield checkpointer
        wait(checkpointer)


def save(
    checkpointer: Checkpointer,
    step: int,
    params: Any,
    training: Any,
    record: Mapping[str, Any],
    value: float | None = None,
) -> None:
    """Copies the state to host memory and writes it in the background; the arrays may be donated right after.

    Waits for the previous save. A failed write is tried once more; after that the next `save` or `wait` raises. A step
    with the same number is replaced. If several processes train together, all of them call this, and the call blocks:
    Orbax's communication between processes must not run beside the training's own collectives. Each of them writes its
    own pieces of the arrays that are split over them, and needs memory for no more.

    Args:
        checkpointer: from `open_checkpoints`.
        step: in [0, 2^31).
        params: nested dicts of arrays, all finite.
        training: any pytree of arrays, including typed keys: everything else that a resume needs.
        record: plain JSON, such as the resolved config and versions.
        value: validation loss, the lower the better; None or not finite: the step cannot be the best.
    Raises:
        CheckpointError: the previous save failed; parameters that are not finite; a tree that cannot be stored.
    """
    wait(checkpointer)
    if not 0 <= step <= MAX_STEP:
        raise CheckpointError(f"step={step} is outside [0, {MAX_STEP}]")
    check_names(params)
    leaves = {PARAMS: named_leaves(params), TRAINING: named_leaves(training)}
    held = {kind: {name: _hold(leaf) for name, leaf in tree.items()} for kind, tree in leaves.items()}
    bad = next((name for name, array in held[PARAMS].items() if not _finite(array)), None)
    reason = first_reason(
        f"parameter {bad} is not finite at step {step}; such a state is never saved" if bad is not None else ""
    )
    if reason:
        raise CheckpointError(reason)
    body = {
        "step": step,
        "value": float(value) if value is not None and np.isfinite(value) else None,
        "record": dict(record),
        "leaves": {kind: describe(tree) for kind, tree in leaves.items()},
    }
    checkpointer.pending.append(checkpointer.worker.submit(_save, checkpointer, body, held))
    if jax.process_count() > 1:
        wait(checkpointer)


def _hold(leaf: Any) -> np.ndarray | jax.Array:
    """A private copy in host memory; of an array that is split over several processes the array itself."""
    return leaf if is_apart(leaf) else to_host(leaf)


def _finite(array: np.ndarray | jax.Array) -> bool:
    """Whether no number that this process holds is infinite or not a number."""
    if not jax.dtypes.issubdtype(array.dtype, np.inexact):
        return True
    parts = [shard.data for shard in array.addressable_shards] if isinstance(array, jax.Array) else [array]
    return all(np.all(np.isfinite(np.asarray(part))) for part in parts)


def wait(checkpointer: Checkpointer) -> None:
    """Waits for the save in progress.

    Raises:
        CheckpointError: it failed, twice.
    """
    while checkpointer.pending:
        checkpointer.pending.pop().result()


def check_names(params: Any) -> None:
    """Raises CheckpointError if parameters are not nested dicts with string keys, because they are rebuilt from paths."""
    for path, _ in jax.tree_util.tree_leaves_with_path(params):
        keys = [entry.key if isinstance(entry, jax.tree_util.DictKey) else None for entry in path]
        if not keys or not all(isinstance(key, str) and "/" not in key for key in keys):
            place = jax.tree_util.keystr(path) or "a single array"
            raise CheckpointError(f"parameters must be nested dicts with string keys without '/', not {place}")


def steps(directory: Path) -> list[int]:
    """The steps in a directory, sound or not, in ascending order; other names are ignored."""
    try:
        names = [path.name for path in directory.iterdir() if path.is_dir()] if directory.is_dir() else []
    except OSError as error:
        raise CheckpointError(f"{directory} cannot be read ({error.strerror})") from None
    return sorted(int(name) for name in names if re.fullmatch(r"0|[1-9][0-9]{0,9}", name))


def values(directory: Path) -> dict[int, float | None]:
    """The validation value of each step whose manifest is sound."""
    found = {}
    for step in steps(directory):
        with contextlib.suppress(CheckpointError):
            found[step] = read_manifest(directory / str(step))["value"]
    return found


def set_aside(directory: Path, step: int, label: str = CORRUPT) -> str:
    """Renames a step to `<label>-<step>-<n>`, so that it no longer counts as a checkpoint, and returns that name."""
    taken = {path.name for path in directory.iterdir()}
    name = next(name for n in range(1, len(taken) + 2) if (name := f"{label}-{step}-{n}") not in taken)
    try:
        move(directory / str(step), directory / name)
    except OSError as error:
        raise CheckpointError(f"{directory / str(step)} cannot be set aside ({error.strerror})") from None
    return name


def barrier(name: str) -> None:
    """Waits for the other processes, if there are any."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def _save(checkpointer: Checkpointer, body: dict[str, Any], held: Leaves) -> None:
    """Runs in the worker: writes a step, retries once if that fails, then removes steps that the policy does not keep."""
    directory, step = checkpointer.directory, body["step"]
    try:
        for kind, entries in body["leaves"].items():
            pieces = digest_pieces({name: array for name, array in held[kind].items() if is_apart(array)})
            for name, entry in entries.items():
                if name in pieces:
                    entry["pieces"] = pieces[name]
                else:
                    entry["sha256"] = leaf_digest(entry, held[kind][name])
        try:
            _write(directory, step, body, held)
        except CheckpointError:
            raise
        except Exception:
            if jax.process_count() > 1:
                raise  # the others would not write it once more
            _write(directory, step, body, held)
        if jax.process_index() == 0:
            _remove_surplus(checkpointer)
    except Exception as error:
        place = f"step {step} is not saved in {directory}"
        raise CheckpointError(f"{place} ({brief(error)}); earlier steps are untouched") from error


def _write(directory: Path, step: int, body: dict[str, Any], held: Leaves) -> None:
    partial, final, old = directory / f"{step}{PARTIAL}", directory / str(step), directory / f"{step}.old{PARTIAL}"
    if jax.process_index() == 0:
        shutil.rmtree(partial, ignore_errors=True)
    # Orbax stores neither empty dicts nor arrays without elements; the manifest knows their shapes.
    sized = {kind: {name: array for name, array in tree.items() if array.size} for kind, tree in held.items()}
    with _orbax() as ocp:
        ocp.save_checkpointables(partial, {kind: tree for kind, tree in sized.items() if tree}, overwrite=True)
    if jax.process_index() == 0:
        write_manifest(partial, body)
        if final.exists():
            move(final, old)
        move(partial, final)
        shutil.rmtree(old, ignore_errors=True)
    barrier(f"step {step} is complete")


def _remove_surplus(checkpointer: Checkpointer) -> None:
    """Removes the steps that are neither among the latest nor among the best; unreadable ones are left alone."""
    directory, known = checkpointer.directory, values(checkpointer.directory)
    best = sorted((value, step) for step, value in known.items() if value is not None)[: checkpointer.keep_best]
    kept = {*sorted(known)[-checkpointer.keep_latest :], *(step for _, step in best)}
    for step in known.keys() - kept:
        # The rename is atomic: a process killed inside the removal leaves no half step.
        gone = directory / f"{step}.old{PARTIAL}"
        move(directory / str(step), gone)
        shutil.rmtree(gone, ignore_errors=True)


def _import_orbax() -> ModuleType:
    """Imports the module, which takes 0.3 s the first time."""
    from orbax.checkpoint import v1

    return v1


@contextlib.contextmanager
def _orbax() -> Iterator[ModuleType]:
    """Orbax without its pages of tracebacks; the error itself is raised anyway."""
    ocp = _import_orbax()
    logger = logging.getLogger("absl")

    def foreign(record: logging.LogRecord) -> bool:
        return "orbax" not in record.pathname

    logger.addFilter(foreign)
    try:
        yield ocp
    finally:
        logger.removeFilter(foreign)
