"""What a run on a table keeps for prediction: how a row becomes numbers, and the statistics of each member's training rows."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from experiments.run_directory.files import entry
from experiments.run_directory.no_run import TEXT_CLASSES, about_classes
from experiments.run_directory.stored_run import Stored
from nn_core.data.table_scheme import Scheme, scheme_from_json, scheme_to_json
from nn_core.files import whole_file

TABLE = "table.npz"


def write_table(folder: Path, scheme: Scheme, kept: Mapping[str, ArrayLike]) -> None:
    """Writes the file at once or not at all.

    Args:
        folder: of the population.
        scheme: how a row becomes numbers.
        kept: "numbers" of the members, and for each of them the statistics.
    """
    with whole_file(entry(folder, TABLE)) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, scheme=np.array(scheme_to_json(scheme)), **kept)


def read_kept_table(stored: Stored) -> tuple[Scheme, dict[str, np.ndarray]]:
    """The scheme, and the member's own statistics by name.

    Raises:
        ValueError: the file is missing, damaged, or of other members.
    """
    path = stored.folder / TABLE
    if stored.config.task.name == TEXT_CLASSES:
        raise ValueError(about_classes(stored.directory))
    if not path.is_file():
        raise ValueError(f"{path} is missing: the run learned no table; give the run of one (config.data.name='table')")
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            kept = {name: file[name] for name in file.files}
        place = kept.pop("numbers").tolist().index(stored.member)
        scheme = scheme_from_json(str(kept.pop("scheme")))
        return scheme, {name: array[place] for name, array in kept.items()}
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read ({error}); train the run again") from None
