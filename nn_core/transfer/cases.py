"""The four cases of transfer learning as four rows of a table, and which one the notes recommend (F071).

A case says how much of the pre-trained network is kept, whether its weights are loaded, and how fast they learn.
Case 2 keeps the *early* blocks: the notes say to slice them off, and mean all the others (S29).
"""

from collections.abc import Sequence
from typing import NamedTuple

from nn_core.transfer.rules import LOAD, NEW, Rule

# The notes call two thousand images small and a million large, and leave the line open: this is their geometric mean.
LARGE_FROM = 45_000


class Case(NamedTuple):
    """A way to use a pre-trained network.

    Attributes:
        small: whether it is for a small data set.
        similar: whether it is for data like those of the pre-training.
        whole: all blocks but the last are kept; False: the first few only.
        load: the kept blocks start from the pre-trained weights; False: from random ones.
        factor: multiplies the learning rate of the kept blocks; 0: frozen.
        says: what is done, in a few words.
    """

    small: bool
    similar: bool
    whole: bool
    load: bool
    factor: float
    says: str


CASES: dict[int, Case] = {
    1: Case(True, True, True, True, 0.0, "new head on the frozen network"),
    2: Case(True, False, False, True, 0.0, "new head on the frozen early layers"),
    3: Case(False, True, True, True, 1.0, "pre-trained start, all trained"),
    4: Case(False, False, True, False, 1.0, "random start, all trained"),
}


class Setting(NamedTuple):
    """A case applied to a network.

    Attributes:
        kept: names of the blocks that the new network has before its head.
        load: rules for loading.
        train: rules for training, with learning-rate factors.
    """

    kept: tuple[str, ...]
    load: tuple[Rule, ...]
    train: tuple[Rule, ...]


def recommend(num_examples: int, similar: bool, large_from: int = LARGE_FROM) -> int:
    """The case of the notes for a new data set.

    >>> recommend(2000, True), recommend(2000, False), recommend(1_000_000, True), recommend(1_000_000, False)
    (1, 2, 3, 4)

    Args:
        num_examples: of the new data, >= 1.
        similar: whether they are like the data of the pre-training.
        large_from: smallest number of examples of a large data set.
    Returns:
        1, 2, 3 or 4, a key of CASES.
    Raises:
        ValueError: no examples.
    """
    if num_examples < 1:
        raise ValueError(f"num_examples={num_examples} leaves nothing to learn from; give at least 1")
    small = num_examples < large_from
    return next(number for number, case in CASES.items() if (case.small, case.similar) == (small, similar))


def apply_case(case: Case, blocks: Sequence[str], head: str, early: int) -> Setting:
    """The effect of a case on a network, as data.

    Args:
        case: an entry of CASES.
        blocks: names of the pre-trained network's blocks from input to output, the head last.
        head: name of the new network's head.
        early: how many blocks are kept where the whole network is not, in 1..len(blocks) - 1.
    Returns:
        The setting.
    Raises:
        ValueError: there is no block before the head, or `early` is out of range.
    """
    if len(blocks) < 2 or not 1 <= early < len(blocks):
        raise ValueError(
            f"early={early} must keep at least 1 and at most {len(blocks) - 1} of the blocks {tuple(blocks)}"
        )
    kept = tuple(blocks[:-1] if case.whole else blocks[:early])
    load = tuple((f"{block}/*", LOAD if case.load else NEW) for block in kept)
    train = tuple((f"{block}/*", case.factor) for block in kept)
    return Setting(kept, (*load, (f"{head}/*", NEW)), (*train, (f"{head}/*", 1.0)))
