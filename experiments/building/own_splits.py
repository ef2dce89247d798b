"""How a config is fitted to the parts of the user's own examples."""

from collections.abc import Collection

from ml_collections import ConfigDict

from nn_core.data.splits import SplitSizes


def fit_sizes(section: ConfigDict, given: Collection[str], sizes: SplitSizes) -> None:
    """Sets the sizes of the parts, and a batch that is not larger than what is trained on, unless they are given.

    Args:
        section: config.data; it is changed.
        given: the keys that the command line sets.
        sizes: that fit the data.
    """
    for name, size in sizes._asdict().items():
        if f"data.{name}" not in given:
            section[name] = int(size)
    if section.batch_size is not None and "data.batch_size" not in given:
        section.batch_size = min(section.batch_size, section.train)


def tell_split(section: ConfigDict, how: str) -> str:
    """The line about the parts, and how they are chosen."""
    return f"split: train {section.train:,}, validation {section.validation:,}, test {section.test:,}, {how}"
