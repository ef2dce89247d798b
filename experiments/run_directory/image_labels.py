"""What a run on labelled images keeps besides its checkpoints: labels, size, and each member's standardization.

So prediction needs neither the data nor the member's split.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from experiments.run_directory.files import entry
from experiments.run_directory.kept_table import TABLE
from experiments.run_directory.stored_run import Stored
from nn_core.files import whole_file

IMAGES = "images.npz"


def write_images(folder: Path, kept: Mapping[str, ArrayLike]) -> None:
    """Writes the file completely or not at all.

    Args:
        folder: of the population.
        kept: "labels", "shape", "numbers" of the members, and for each of them "shift" and "scale".
    """
    with whole_file(entry(folder, IMAGES)) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **kept)


def read_images(stored: Stored) -> dict[str, np.ndarray]:
    """Reads what `write_images` wrote.

    Raises:
        ValueError: the file is missing, damaged, or belongs to other members.
    """
    path = stored.folder / IMAGES
    if (stored.folder / TABLE).is_file():
        raise ValueError(
            f"{stored.directory} learned a table and no images; give experiments.predict a CSV of new rows"
        )
    if not path.is_file():
        raise ValueError(
            f"{path} is missing: the run learned no images, or another version wrote it; "
            "give the run of an image classifier, or train it again"
        )
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            kept = {name: file[name] for name in file.files}
        if stored.member not in kept["numbers"] or not {"labels", "shape"} <= set(kept):
            raise ValueError(f"nothing of member {stored.member}")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read ({error}); train the run again") from None
    return kept
