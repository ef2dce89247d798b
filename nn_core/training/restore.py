"""Reads checkpoints: the newest sound state for a resume, the parameters alone for everything else.

No array is returned before every file of its step, and the array itself, have been verified. Several processes share
that work: each reads its part of the files and its pieces of the arrays, and what one finds damaged all pass over.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from nn_core.training.checkpoint import (
    CORRUPT,
    PARAMS,
    TRAINING,
    Checkpointer,
    barrier,
    set_aside,
    steps,
    values,
    wait,
)
from nn_core.training.manifest import (
    CheckpointError,
    DamagedError,
    MismatchError,
    describe,
    mismatch,
    named_leaves,
    nested,
    verify,
)
from nn_core.training.pieces import first_reason
from nn_core.training.stored_arrays import load_arrays


class Restored(NamedTuple):
    """The content of a step.

    Attributes:
        step: the step.
        params: the parameters: like the given target, or nested dicts.
        training: the rest of the training state; None where only the parameters were asked for.
        record: what the caller recorded at the save.
        value: its validation value, or None.
        notes: a line for each preferred step that was damaged, for the user to see.
    """

    step: int
    params: Any
    training: Any
    record: dict[str, Any]
    value: float | None
    notes: tuple[str, ...] = ()


def restore_latest(checkpointer: Checkpointer, params: Any, training: Any) -> Restored | None:
    """The newest sound step; newer ones that are damaged are set aside as `corrupt-<step>-<n>`, never deleted.

    Args:
        checkpointer: from `open_checkpoints`.
        params: what is expected: a pytree of arrays or shapes. Leaves with a sharding are put where it says.
        training: likewise.
    Returns:
        The step, or None where there is none at all.
    Raises:
        MismatchError: the newest sound step has other names, shapes or dtypes; the message is a −/+ diff.
        CheckpointError: every step is damaged (all are left as they are), none can be read, or the only ones left are
            those that were set aside before.
    """
    wait(checkpointer)
    directory = checkpointer.directory
    order = steps(directory)[::-1]
    if not order:
        aside = sorted(path.name for path in directory.glob(f"{CORRUPT}-*"))
        if aside:
            raise CheckpointError(
                f"{directory} has no sound checkpoint, only {', '.join(aside)}; "
                "restore a copy, or start afresh on purpose"
            )
        return None
    wanted = {PARAMS: params, TRAINING: training}
    shardings = {
        kind: {name: getattr(leaf, "sharding", None) for name, leaf in named_leaves(tree).items()}
        for kind, tree in wanted.items()
    }

    def restore(path: Path) -> Restored:
        body = verify(path, (jax.process_index(), jax.process_count()))
        check_structure(path, body, wanted)
        arrays = load_arrays(path, body["leaves"], shardings)
        trees = {kind: like(target, arrays[kind], body["leaves"][kind]) for kind, target in wanted.items()}
        return Restored(body["step"], trees[PARAMS], trees[TRAINING], body["record"], body["value"])

    restored, bad = first_sound(directory, order, restore, first_reason)
    notes = []
    barrier("the step is read")
    for step, reason in bad.items():
        name = set_aside(directory, step) if jax.process_index() == 0 else CORRUPT
        what = f"checkpoint {directory / str(step)}: {reason}"
        notes.append(f"{what}; set aside as {name}, continuing from step {restored.step}")
    return restored._replace(notes=tuple(notes))


def restore_params(directory: str | Path, which: str | int = "best", *, member: int | None = None) -> Restored:
    """The parameters alone, from the path alone; a run may still be writing to it, or it may have moved.

    Nothing is changed on the disk: a damaged step is passed over, with a note, for the next older (or next best) one.

    Args:
        directory: of the steps.
        which: "best" by validation value, "latest", or a step (then no other is taken).
        member: which member of a population, where every leaf has a leading member axis.
    Returns:
        Nested dicts of arrays on the default device.
    Raises:
        MismatchError: no such member.
        CheckpointError: no such step, or no sound one.
    """
    directory = Path(directory).resolve()  # tensorstore refuses ".."

    def restore(path: Path) -> Restored:
        body = verify(path)
        described = body["leaves"][PARAMS]
        arrays = load_arrays(path, {PARAMS: described})[PARAMS]
        chosen = {name: place(select_member(array, name, member), described[name]) for name, array in arrays.items()}
        return Restored(body["step"], nested(chosen), None, body["record"], body["value"])

    restored, bad = first_sound(directory, candidates(directory, which), restore)
    instead = f"using step {restored.step} instead"
    notes = [f"checkpoint {directory / str(step)}: {reason}; {instead}" for step, reason in bad.items()]
    return restored._replace(notes=tuple(notes))


def candidates(directory: Path, which: str | int) -> list[int]:
    """The steps that `which` allows, the preferred one first.

    Raises:
        CheckpointError: there is none.
    """
    present = steps(directory)
    listed = f"there are steps {', '.join(map(str, present))}" if present else "it holds no checkpoint"
    if isinstance(which, int) and which in present:
        return [which]
    if which == "latest" and present:
        return present[::-1]
    if which == "best" and present:
        # A step whose manifest is unreadable might have been the best: it is tried first, so that a note reports its
        # loss.
        known = values(directory)
        order = [step for step in present if step not in known]
        order += [step for _, step in sorted((value, step) for step, value in known.items() if value is not None)]
        if order:
            return order
        raise CheckpointError(f"{directory}: no step has a validation value; ask for 'latest' or a step: {listed}")
    raise CheckpointError(f"{directory}: no checkpoint {which!r}; {listed}")


def first_sound(
    directory: Path,
    order: list[int],
    restore: Callable[[Path], Restored],
    agree: Callable[[str], str] = lambda reason: reason,
) -> tuple[Restored, dict[int, str]]:
    """Restores the first sound step; also says why each one before it was not taken.

    Args:
        directory: of the steps.
        order: the preferred one first.
        restore: reads and verifies a step.
        agree: why this process does not take a step, or "" -> why none does.
    Raises:
        CheckpointError: none is sound; the message names each.
    """
    bad: dict[int, str] = {}
    for step in order:
        reason, restored = "", None
        try:
            restored = restore(directory / str(step))
        except DamagedError as error:
            reason = str(error)
        reason = agree(reason)
        if restored is not None and not reason:
            return restored, bad
        bad[step] = reason
    reasons = "; ".join(f"step {step}: {reason}" for step, reason in bad.items())
    raise CheckpointError(
        f"{directory} has no sound checkpoint ({reasons}); restore a copy, or start afresh on purpose"
    )


def check_structure(path: Path, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises MismatchError with a −/+ diff where the step does not hold exactly the wanted names, shapes and dtypes."""
    described = {kind: describe(named_leaves(tree)) for kind, tree in wanted.items()}

    def flat(kinds: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        return {f"{kind}/{name}": entry for kind in wanted for name, entry in kinds[kind].items()}

    difference = mismatch(flat(body["leaves"]), flat(described))
    if difference:
        raise MismatchError(f"{path} does not fit (- in the checkpoint, + expected): {difference}")


def like(target: Any, arrays: Mapping[str, Any], described: Mapping[str, Mapping[str, Any]]) -> Any:
    """The arrays as a tree of the target's structure and placement."""
    placed = [place(arrays[name], described[name], leaf) for name, leaf in named_leaves(target).items()]
    return jax.tree.unflatten(jax.tree.structure(target), placed)


def place(array: np.ndarray | jax.Array, entry: Mapping[str, Any], target: Any = None) -> jax.Array:
    """An array on its device or devices (a JAX array is there), of its original kind: key data become keys again.

    Raises:
        MismatchError: this process cannot hold the dtype.
    """
    placed = array if isinstance(array, jax.Array) else jax.device_put(array, getattr(target, "sharding", None))
    if "key_impl" in entry:
        placed = jax.random.wrap_key_data(placed, impl=entry["key_impl"])
    if str(placed.dtype) != entry["dtype"]:
        raise MismatchError(f"{entry['dtype']} is stored and JAX gives {placed.dtype} here; enable jax_enable_x64")
    return placed


def select_member(array: np.ndarray, name: str, member: int | None) -> np.ndarray:
    """One member's part of an array with a leading member axis; all of it where `member` is None."""
    if member is None:
        return array
    size = array.shape[0] if array.ndim else 0
    if not 0 <= member < size:
        raise MismatchError(f"member={member} does not exist: parameter {name} has {size} members, numbered from 0")
    return array[member]
