"""The user's own pairs of texts: two files, of which each line belongs to the line of the same number."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from ml_collections import ConfigDict

from experiments.building.digests import check_digest, digest_of_file
from experiments.building.kept_tokenizer import inherited
from experiments.building.ranges import naming_options
from experiments.building.unknown_words import tell_unknown
from nn_core.data.text_pairs import TextPairs, load_text_pairs
from nn_core.data.text_tasks import TASKS
from nn_core.files import user_path

PARALLEL_FILES = "parallel_files"  # data.name
FILES = ("source", "target")
SHARE, MOST = 10, 1000  # a tenth of the pairs chooses and a tenth judges, at most 1,000 each


def load_pairs(section: ConfigDict) -> TextPairs:
    """The pairs that a data section names.

    Raises:
        ValueError: a file that is missing, has no effect or cannot be read, files of unequal length, unknown options.
    """
    files = {key: section[key] for key in FILES if key in section}  # runs of earlier versions have none
    given = [key for key, path in files.items() if path is not None]
    own = section.name == PARALLEL_FILES
    if given and not own:
        raise ValueError(
            f"config.data.{given[0]}={files[given[0]]} has no effect on config.data.name={section.name!r}; add "
            f"--config.data.name={PARALLEL_FILES}"
        )
    if own and len(given) < len(FILES):
        raise ValueError(
            f"config.data.name={PARALLEL_FILES!r} needs two files, line for line; give --config.data.source=FILE and "
            "--config.data.target=FILE"
        )
    with naming_options(section):
        return load_text_pairs(section.name, **section.options.to_dict(), **(files if own else {}))


def resolve_pairs(config: ConfigDict, given: Collection[str]) -> tuple[ConfigDict, tuple[str, ...]]:
    """The config with the options of its own data taken back, and the sizes of the splits chosen by the files.

    Args:
        config: of data by the name "parallel_files"; it is changed.
        given: the keys that the command line sets; they stay as they are.
    """
    section = config.data
    options: Mapping[str, Any] = section.options.to_dict()
    kept = {key: value for key, value in options.items() if f"data.options.{key}" in given}
    section.options = ConfigDict(kept | {key: 1 for key in ("validation", "test") if key not in kept})
    pairs = load_pairs(section)
    digests = "".join(digest_of_file(user_path(section[key])) for key in FILES)
    digest = hashlib.sha256(digests.encode()).hexdigest()
    section.digest = check_digest(section, digest, f"{section.source} with {section.target}")
    count = sum(len(part[0]) for part in (pairs.train, pairs.validation, pairs.test))
    size = min(max(count // SHARE, 1), MOST)
    section.options.update({key: size for key in ("validation", "test") if key not in kept})
    sizes = section.options
    train = count - sizes.test - sizes.validation
    lines = [
        f"{section.source} and {section.target}: {count:,} pairs; the last {sizes.test:,} judge, the {sizes.validation:,} "
        f"before them choose, {train:,} train"
    ]
    if section.batch_size > train > 0 and "data.batch_size" not in given:
        section.batch_size = train
        lines.append(f"config.data.batch_size={train}, since {train} pairs train")
    lines += fit(config, given, pairs.test[0][0])
    start = inherited(config)
    lines += [] if start is None else tell_unknown(start, (text for side in pairs.train for text in side))
    return config, tuple(lines)


def fit(config: ConfigDict, given: Collection[str], first: str) -> list[str]:
    """Takes back what only the tasks of the config's own data have; returns lines about it."""
    if "sample.prompt" not in given:
        config.sample.prompt = first
    kept = tuple(name for name in config.table if name.removesuffix("_exact") not in TASKS)
    left_out = [name for name in config.table if name not in kept]
    if not left_out or "table" in given:
        return []
    config.table = kept
    return [f"left out, since it belongs to other data: table: {', '.join(left_out)}"]
