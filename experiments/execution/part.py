"""--part=2/5: a share of a sweep's populations, for this machine; the same command without it joins the shares."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")
WHOLE = (1, 1)


def parse_part(text: str | None) -> tuple[int, int]:
    """Which share of how many: (1, 1) where none is asked for.

    >>> parse_part("2/5"), parse_part(None)
    ((2, 5), (1, 1))

    Raises:
        ValueError: it is no such share.
    """
    if text is None:
        return WHOLE
    number, slash, count = text.partition("/")
    if not slash or not number.isdecimal() or not count.isdecimal() or not 1 <= int(number) <= int(count):
        raise ValueError(f"--part={text} is not a share; write --part=K/N with K from 1 to N, such as --part=2/5")
    return int(number), int(count)


def share(populations: Sequence[Item], part: tuple[int, int]) -> list[Item]:
    """Every N-th population from the K-th on.

    Raises:
        ValueError: the share is empty: there are fewer populations than shares.
    """
    number, count = part
    chosen = list(populations[number - 1 :: count])
    if not chosen:
        raise ValueError(
            f"--part={number}/{count} is empty: the sweep has {len(populations)} population"
            f"{'s' if len(populations) > 1 else ''}; ask for fewer parts, or lower config.train.max_members"
        )
    return chosen
