"""Pairs of texts by name: what is read, and what is to be written for it. Each comes in three splits."""

from collections.abc import Callable
from typing import NamedTuple

from nn_core.data.checks import check_int
from nn_core.data.corpora import multi30k
from nn_core.data.sources import call_loader
from nn_core.data.text import read_text
from nn_core.data.text_tasks import SENTINELS, TASKS, span_corruption, text_tasks
from nn_core.data.toy_translation import toy_translation
from nn_core.files import user_path

Pairs = tuple[tuple[str, ...], tuple[str, ...]]


class TextPairs(NamedTuple):
    """Sources and targets, line by line, of each split.

    Attributes:
        train, validation, test: (sources, targets) of equal length.
        marks: special tokens beside the usual ones, such as the sentinels of span corruption.
        texts: what a tokenizer is trained on; (): the training pairs. Data of equal texts and marks have equal tokenizers,
            so that a model of one can be trained on with the other.
        prefixes: the tasks that sources begin with, "reverse" for "reverse: a b c"; (): one task.
    """

    train: Pairs
    validation: Pairs
    test: Pairs
    marks: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


def cut(pairs: Pairs, validation: int, test: int, marks: tuple[str, ...] = ()) -> TextPairs:
    """The last pairs judge, those before them choose, all others train.

    Raises:
        ValueError: nothing is left to train on.
    """
    count = len(pairs[0])
    check_int("validation", validation, 1)
    check_int("test", test, 1)
    if validation + test >= count:
        raise ValueError(f"validation={validation} and test={test} leave none of the {count} pairs to train on")
    bounds = (0, count - validation - test, count - test, count)
    train, held, judging = (
        (pairs[0][low:high], pairs[1][low:high]) for low, high in zip(bounds[:-1], bounds[1:], strict=True)
    )
    return TextPairs(train, held, judging, marks)


def toy_pairs(*, num_examples: int = 12_000, validation: int = 500, test: int = 1000, seed: int = 0) -> TextPairs:
    """`toy_translation`, split."""
    return cut(toy_translation(num_examples=num_examples, seed=seed), validation, test)


def multi30k_pairs(*, validation: int = 1000, train: int = 28_000) -> TextPairs:
    """Multi30k English to French: its validation file judges, the last pairs of its training file choose.

    Args:
        validation: pairs that choose.
        train: at most this many of the others.
    """
    english, french = multi30k("train")
    whole = cut((english, french), validation, 1)
    held = english[-validation:], french[-validation:]
    kept = check_int("train", train, 1)
    return TextPairs((whole.train[0][:kept], whole.train[1][:kept]), held, multi30k("val"))


def parallel_files(*, source: str, target: str, validation: int = 500, test: int = 500) -> TextPairs:
    """Two text files, of which each line is a translation of the line of the same number.

    Raises:
        ValueError: files of unequal length, an empty line, too few lines.
    """
    lines = [read_text(user_path(path)).rstrip("\n").split("\n") for path in (source, target)]
    counts = [len(each) for each in lines]
    if counts[0] != counts[1]:
        raise ValueError(
            f"{source} has {counts[0]} lines and {target} has {counts[1]}; line {min(counts) + 1} is the first without "
            "a partner, so give files whose lines belong together"
        )
    for path, each in zip((source, target), lines, strict=True):
        empty = next((number for number, line in enumerate(each, 1) if not line.strip()), None)
        if empty is not None:
            raise ValueError(f"line {empty} of {path} is empty; leave the pair out of both files")
    return cut((tuple(lines[0]), tuple(lines[1])), validation, test)


def task_pairs(*, num_examples: int = 24_000, validation: int = 500, test: int = 1000, seed: int = 0) -> TextPairs:
    """`text_tasks`, split; with the texts and marks of `span_pairs`."""
    pairs = text_tasks(num_examples=num_examples, seed=seed)
    made = cut(pairs, validation, test, SENTINELS)
    return made._replace(texts=pairs[0] + pairs[1], prefixes=tuple(TASKS))


def span_pairs(*, num_examples: int = 24_000, validation: int = 500, test: int = 1000, seed: int = 0) -> TextPairs:
    """`span_corruption`, split; its sentinels are special tokens. The test part holds no text of the training."""
    texts = text_tasks(num_examples=num_examples, seed=seed)
    return cut(span_corruption(num_examples=num_examples, seed=seed), validation, test, SENTINELS)._replace(
        texts=texts[0] + texts[1]
    )


TEXT_PAIRS: dict[str, Callable[..., TextPairs]] = {
    "toy_translation": toy_pairs,
    "multi30k": multi30k_pairs,
    "parallel_files": parallel_files,
    "text_tasks": task_pairs,
    "span_corruption": span_pairs,
}


def load_text_pairs(name: str, **options: object) -> TextPairs:
    """Loads an entry of TEXT_PAIRS; see `call_loader` for options and errors."""
    return call_loader("text pairs", TEXT_PAIRS, name, options)
