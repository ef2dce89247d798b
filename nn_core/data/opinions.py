"""Opinions on films in generated sentences, with negations: whether they praise depends on the order of the words (F105)."""

import numpy as np

from nn_core.data.checks import check_int

_GOOD = ("good", "great", "funny", "clever", "moving", "brilliant", "lovely", "fresh", "gripping", "superb", "charming")
_BAD = ("bad", "dull", "boring", "clumsy", "stale", "awful", "tedious", "weak", "silly", "poor", "dreadful")
_THINGS = ("film", "plot", "cast", "music", "ending", "script", "acting", "story", "dialogue")
_TEMPLATES = (
    "the {thing} is {word}",
    "a {word} {thing} i must say",
    "i found the {thing} {word}",
    "the {thing} of this film was {word} to me",
)
_NEGATED = (
    "the {thing} is not {word}",
    "not a {word} {thing} i must say",
    "i found the {thing} anything but {word}",
    "the {thing} of this film was never {word} to me",
)
_TURNED = ("the {thing} is not {other} but {word}", "{word} and not {other} is the {thing}")


def opinions(*, num_examples: int = 1000, seed: int = 0) -> tuple[tuple[str, ...], np.ndarray]:
    """Sentences and whether they praise.

    In a third of them a word is negated; in another third two opposite words stand with one "not". So the words alone,
    without their order, do not tell which it is.

    Args:
        num_examples: N >= 2.
        seed: of everything.
    Returns:
        N sentences, and int32 (N,): 1 for praise.
    """
    check_int("num_examples", num_examples, 2)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    texts, labels = [], []
    for index in range(num_examples):
        praise = bool(rng.integers(2))
        kind = index % 3
        own, others = (_GOOD, _BAD) if praise else (_BAD, _GOOD)
        templates = (_TEMPLATES, _NEGATED, _TURNED)[kind]
        word = (others if kind == 1 else own)[int(rng.integers(len(_GOOD)))]
        other, thing = others[int(rng.integers(len(_GOOD)))], _THINGS[int(rng.integers(len(_THINGS)))]
        texts.append(templates[int(rng.integers(len(templates)))].format(thing=thing, word=word, other=other))
        labels.append(int(praise))
    return tuple(texts), np.array(labels, np.int32)
