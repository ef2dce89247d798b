"""Pictures of a model on its way: frames/STEP.npz holds what was watched of each member at an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.run_directory.files import entry
from experiments.run_directory.results import GROUPS
from nn_core.files import whole_file

FOLDER = "frames"


def write_frame(folder: Path, step: int, numbers: Sequence[int], values: Mapping[str, np.ndarray]) -> None:
    """Writes what was watched at a step; a resumed run writes the same files.

    Args:
        folder: the run directory, or the folder of a population.
        step: updates so far.
        numbers: of the members.
        values: name -> array with a leading axis of members; what follows the last number is padding.
    """
    entry(folder, FOLDER).mkdir(exist_ok=True)
    arrays = {
        f"{name}/{number}": array[place] for name, array in values.items() for place, number in enumerate(numbers)
    }
    with whole_file(folder / FOLDER / f"{step:08d}.npz") as part, part.open("wb") as archive:
        np.savez_compressed(archive, allow_pickle=False, **arrays)


def read_frames(directory: Path, name: str, number: int) -> tuple[list[int], list[np.ndarray]]:
    """What was watched of one member of a run.

    Args:
        directory: the run directory.
        name: of the arrays.
        number: of the member.
    Returns:
        (the steps, in order; an array for each of them).
    """
    paths = [*directory.glob(f"{FOLDER}/*.npz"), *directory.glob(f"{GROUPS}/*/{FOLDER}/*.npz")]
    found = {}
    for path in sorted(paths, key=lambda path: int(path.stem)):
        with np.load(path, allow_pickle=False) as stored:
            if f"{name}/{number}" in stored.files:
                found[int(path.stem)] = stored[f"{name}/{number}"]
    return list(found), list(found.values())
