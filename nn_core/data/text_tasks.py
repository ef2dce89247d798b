"""Several tasks as text to text, told apart by a prefix, and span corruption (T5; F140)."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from nn_core.data.checks import check_float, check_int
from nn_core.data.toy_translation import NOUNS, sentence

SENTINEL = "<extra_{}>"  # marks a gap, counted from 0 in each text
NUM_SENTINELS = 8
SENTINELS = tuple(SENTINEL.format(number) for number in range(NUM_SENTINELS))
THINGS = tuple(noun.english for noun in NOUNS if noun.english[0] not in "aeiou")  # "a" fits all of them
COLOURS = ("red", "green", "black", "white", "blue", "yellow")
PEOPLE = ("Anna", "Ben", "Clara", "David", "Emma", "Felix")
LETTERS = "abcdefgh"
THINGS_SUMMARIZED = (2, 3)
NUM_SUMMARIES = len(PEOPLE) * sum(math.perm(len(THINGS), count) for count in THINGS_SUMMARIZED)


def translate(rng: np.random.Generator) -> tuple[str, str]:
    """A sentence of the toy grammar and its French."""
    english, french = sentence(rng)
    return f"translate: {english}", french


def reverse(rng: np.random.Generator) -> tuple[str, str]:
    """Letters, and the same letters from the last to the first."""
    letters = [LETTERS[i] for i in rng.integers(len(LETTERS), size=rng.integers(3, 8))]
    return f"reverse: {' '.join(letters)}", " ".join(reversed(letters))


def answer(rng: np.random.Generator) -> tuple[str, str]:
    """Two facts and a question about one of them."""
    people = [PEOPLE[i] for i in rng.choice(len(PEOPLE), 2, replace=False)]
    things = [THINGS[i] for i in rng.choice(len(THINGS), 2, replace=False)]
    colours = [COLOURS[i] for i in rng.choice(len(COLOURS), 2, replace=False)]
    facts = " ".join(f"{p} has a {c} {t}." for p, c, t in zip(people, colours, things, strict=True))
    who = int(rng.integers(2))
    return f"answer: {facts} What does {people[who]} have?", f"a {colours[who]} {things[who]}"


def summarize(rng: np.random.Generator) -> tuple[str, str]:
    """Who has what, sentence by sentence, and the things alone."""
    low, high = THINGS_SUMMARIZED
    count = int(rng.integers(low, high + 1))
    things = [THINGS[i] for i in rng.choice(len(THINGS), count, replace=False)]
    person = PEOPLE[rng.integers(len(PEOPLE))]
    return f"summarize: {' '.join(f'{person} has a {t}.' for t in things)}", f"{person}: {', '.join(things)}"


TASKS: dict[str, Callable[[np.random.Generator], tuple[str, str]]] = {
    "translate": translate,
    "reverse": reverse,
    "answer": answer,
    "summarize": summarize,
}

# Tasks take turns; "summarize", the last in turn, has the fewest questions and may be asked each of them once.
MOST_EXAMPLES = len(TASKS) * (NUM_SUMMARIES + 1) - 1


def text_tasks(*, num_examples: int = 24_000, seed: int = 0) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Different questions of all tasks in turn; the prefix says which task it is.

    Args:
        num_examples: N, 1 .. 44,931: there are no more different ones in turn.
        seed: which ones.
    Returns:
        (sources, targets), N each.
    """
    check_int("num_examples", num_examples, 1, MOST_EXAMPLES)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    makers, pairs = list(TASKS.values()), dict[str, str]()
    while len(pairs) < num_examples:
        source, target = makers[len(pairs) % len(makers)](rng)
        pairs.setdefault(source, target)
    return tuple(pairs), tuple(pairs.values())


def corrupt(
    words: Sequence[str], rng: np.random.Generator, *, share: float = 0.15, mean_length: float = 3.0
) -> tuple[str, str]:
    """Takes spans of words out: the source has a sentinel for each, the target names each sentinel and its words.

    The number of words that are taken is round(share N), at least 1; they are cut into round(that / mean_length) spans,
    at least 1, which neither touch nor overlap. A last sentinel ends the target (Raffel et al. 2020).

    Args:
        words: N >= 2 words.
        rng: draws the spans.
        share: of the words that are taken, in (0, 1).
        mean_length: words of a span, >= 1.
    Returns:
        (source, target).
    Raises:
        ValueError: too few words, or values out of range.
    """
    check_float("share", share, 0.01, 0.9)
    check_float("mean_length", mean_length, 1.0)
    if len(words) < 2:
        raise ValueError(f"{len(words)} words are too few to take some out and leave some; give at least 2")
    taken = min(max(round(share * len(words)), 1), len(words) - 1)
    spans = min(max(round(taken / mean_length), 1), len(words) - taken, NUM_SENTINELS - 1)
    lengths, gaps = _cut_at_random(taken, spans, rng), _cut_at_random(len(words) - taken, spans, rng)
    source: list[str] = []
    target: list[str] = []
    place = 0
    for number, (gap, length) in enumerate(zip(gaps, lengths, strict=True)):
        mark = SENTINEL.format(number)
        source += [*words[place : place + gap], mark]
        target += [mark, *words[place + gap : place + gap + length]]
        place += gap + length
    return " ".join(source), " ".join([*target, SENTINEL.format(spans)])


def _cut_at_random(total: int, parts: int, rng: np.random.Generator) -> list[int]:
    """`total` as a sum of `parts` numbers >= 1, all such sums equally likely."""
    cuts = sorted(rng.choice(total - 1, parts - 1, replace=False) + 1) if parts > 1 else []
    return [int(high - low) for low, high in zip([0, *cuts], [*cuts, total], strict=True)]


def span_corruption(
    *, num_examples: int = 24_000, share: float = 0.3, mean_length: float = 2.0, seed: int = 0
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Texts of `text_tasks`, question and answer together, with gaps: nothing is labelled (F098, F140).

    Args:
        num_examples, seed: of the texts.
        share, mean_length: see `corrupt`.
    Returns:
        (sources, targets).
    """
    sources, targets = text_tasks(num_examples=num_examples, seed=seed)
    rng = np.random.default_rng((seed, 1))
    made = [
        corrupt(f"{source} {target}".split(), rng, share=share, mean_length=mean_length)
        for source, target in zip(sources, targets, strict=True)
    ]
    return tuple(source for source, _ in made), tuple(target for _, target in made)
