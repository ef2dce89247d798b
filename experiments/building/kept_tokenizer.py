"""The tokenizer that is kept with a run: its own, or that of the folder it started from, chat template included."""

from pathlib import Path

from ml_collections import ConfigDict

from configs.base import TRANSFER
from experiments.building.records import PRETRAINED
from experiments.run_directory.files import entry
from nn_core.files import user_path
from nn_core.pretrained.folder import is_folder
from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.pretrained.tokenizer_files import SETTINGS, read_tokenizer, write_tokenizer
from nn_core.text.interface import Tokenizer
from nn_core.text.tokenizers import load_tokenizer
from nn_core.training.manifest import CheckpointError

TOKENIZER = "tokenizer.json"  # in the folder of a population: the run directory itself for a single run


def stored_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a run, of a population of it, or of a Hugging Face folder.

    Raises:
        ValueError: there is none, or a damaged one.
    """
    if is_folder(folder) or (folder / SETTINGS).is_file():
        return read_tokenizer(folder)
    if not (folder / TOKENIZER).is_file():
        raise ValueError(f"{folder / TOKENIZER} is missing; without it the model's tokens have no spelling")
    return load_tokenizer(folder / TOKENIZER)


def tokenizer_of_start(source: str) -> Tokenizer | None:
    """The tokenizer of the run or folder that a run starts from; None where it keeps none, or is not there."""
    place = user_path(source)
    for folder in (place, *sorted(place.glob("groups/*"))):
        try:
            return stored_tokenizer(folder)
        except (OSError, ValueError):
            continue
    return None


def inherited(config: ConfigDict) -> Tokenizer | None:
    """The tokenizer that goes with the parameters which a run starts from: its embeddings are those of its tokens.

    Returns:
        That of a source whose structure is the model's too; that of a run whose parameters are all loaded; else None.
    """
    section, whole = config.transfer, config.model.name == PRETRAINED
    if section.source is None or not (whole or section.load == TRANSFER["load"].default):
        return None
    found = tokenizer_of_start(section.source)
    return None if isinstance(found, FolderTokenizer) and not whole else found


def keep_tokenizer(folder: Path, tokenizer: Tokenizer) -> Tokenizer:
    """Saves the tokenizer of a new run; a run that continues gets the one that it began with.

    Raises:
        CheckpointError: the saved one cannot be read.
    """
    path = entry(folder, TOKENIZER)
    if not path.is_file():
        if isinstance(tokenizer, FolderTokenizer):
            write_tokenizer(entry(folder, SETTINGS).parent, tokenizer)
        else:
            tokenizer.save(path)
        return tokenizer
    try:
        return stored_tokenizer(folder)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the run's tokenizer cannot be read ({error})") from None
