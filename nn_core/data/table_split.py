"""Splits that a table itself decides: a column that names the parts, or groups that must stay together."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from nn_core.data.splits import SPLITS, SplitSizes

# How people call the parts, in lower case.
NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
}


def check_shares(shares: Sequence[float]) -> tuple[float, float, float]:
    """The shares of train, validation and test. Raises ValueError unless they are three, > 0, and at most 1 together."""
    if len(shares) != 3 or any(not 0 < share < 1 for share in shares) or sum(shares) > 1 + 1e-9:
        raise ValueError(
            f"config.data.shares={tuple(shares)} must be three numbers above 0 with a sum of at most 1, such as (0.6, 0.2, 0.2)"
        )
    return shares[0], shares[1], shares[2]


def sizes_of(num_examples: int, shares: Sequence[float]) -> SplitSizes:
    """How many examples each part gets, at least one; where the shares sum to 1 none is left over.

    Raises:
        ValueError: shares that are none, or fewer than three examples.
    """
    train, validation, test = check_shares(shares)
    if num_examples < 3:
        raise ValueError(f"{num_examples} examples cannot be split into train, validation and test; give at least 3")
    sizes = [max(1, round(num_examples * share)) for share in (validation, test)]
    whole = num_examples if sum(shares) > 1 - 1e-9 else min(num_examples, round(num_examples * sum(shares)))
    return SplitSizes(max(1, whole - sum(sizes)), *sizes)


def split_by_column(
    parts: Sequence[str],
    shares: Sequence[float],
    name: str,
    lines_N: Sequence[int] | np.ndarray,
    labels: Sequence[str] = (),
) -> tuple[np.ndarray, SplitSizes]:
    """The order of rows, train first and test last, and how many belong to each part.

    Args:
        parts: the part of each row, by one of NAMES; without any validation, a share of the training rows becomes it, which
            leaves the training a row of each class.
        shares: of train, validation and test.
        name: of what tells the parts, such as "column 'part'", for messages.
        lines_N: line of each row in its file, for messages.
        labels: class of each row; (): there are none.
    Raises:
        ValueError: a part of another name (its line is told), or no training or no test rows.
    """
    found = [NAMES.get(part.strip().lower()) for part in parts]
    if None in found:
        place = found.index(None)
        raise ValueError(
            f"{name} says {parts[place]!r} in line {int(lines_N[place])}; the parts of a split are train, validation and test"
        )
    places = {part: np.flatnonzero(np.array(found) == part) for part in SPLITS}
    for part in ("train", "test"):
        if not len(places[part]):
            raise ValueError(f"{name} gives no example to {part}; a run needs train and test")
    if not len(places["validation"]):
        train, validation, _ = check_shares(shares)
        order_N = np.random.default_rng(0).permutation(places["train"])
        count = max(1, round(len(order_N) * validation / (train + validation)))
        last = {labels[place]: place for place in order_N} if labels else {}  # of each class; it stays
        free_N = order_N[~np.isin(order_N, [*last.values()])]
        if count >= len(order_N) or not len(free_N):
            kept = ", beside one of each class" if labels else ""
            raise ValueError(
                f"{name} gives {len(order_N)} example{'s' * (len(order_N) > 1)} to train and none to validation, which needs "
                f"some of them{kept}; give more, or some to validation"
            )
        places["validation"] = np.sort(free_N[:count])
        places["train"] = np.setdiff1d(order_N, places["validation"])
    return np.concatenate([places[part] for part in SPLITS]), SplitSizes(*(len(places[part]) for part in SPLITS))


def check_classes(labels: Sequence[str], sizes: SplitSizes, name: str) -> None:
    """Checks a split that the data decide: what is tested must have been learned.

    Args:
        labels: class of each example, those of the training first.
        sizes: of the parts.
        name: of the data, for messages.
    Raises:
        ValueError: a class that no training example has.
    """
    unseen = Counter(labels[sizes.train :]).keys() - set(labels[: sizes.train])
    if unseen:
        label = min(unseen)
        raise ValueError(
            f"{name}: class {label!r} has none of the {sizes.train} training examples and {labels.count(label)} of the "
            "others; give train more of it, or leave it out"
        )


def split_by_group(groups_N: np.ndarray, shares: Sequence[float], name: str) -> tuple[np.ndarray, SplitSizes]:
    """The order of rows, train first and test last, and how many belong to each part; no group is in two of them.

    Groups are taken in an order drawn once, and each goes to the part that lacks most of its share.

    Args:
        groups_N: the group of each row.
        shares: of train, validation and test.
        name: of the column, for messages.
    Raises:
        ValueError: fewer than three groups.
    """
    wanted = np.array(check_shares(shares))
    kinds, group_N, counts = np.unique(groups_N, return_inverse=True, return_counts=True)
    if len(kinds) < 3:
        raise ValueError(f"column {name!r} has {len(kinds)} groups; train, validation and test need one each")
    wanted = wanted / wanted.sum() * counts.sum()
    have, members = np.zeros(3), np.zeros(3, int)
    part_of = np.zeros(len(kinds), int)
    order = np.random.default_rng(0).permutation(len(kinds))
    for taken, group in enumerate(order):
        empty = np.flatnonzero(members == 0)
        left = len(order) - taken
        choices = empty if left <= len(empty) else np.arange(3)
        part = int(choices[np.argmax((wanted - have)[choices])])
        part_of[group], have[part], members[part] = part, have[part] + counts[group], members[part] + 1
    parts_N = part_of[group_N]
    return np.argsort(parts_N, kind="stable"), SplitSizes(*np.bincount(parts_N, minlength=3).tolist())
