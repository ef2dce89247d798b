"""The chapters of the course in their order, and which chapter a feature, a formula or a config belongs to."""

from collections.abc import Iterable
from itertools import pairwise

from experiments.course.lessons_basics import LESSONS as BASICS
from experiments.course.lessons_practice import LESSONS as PRACTICE
from experiments.course.lessons_transformers import LESSONS as TRANSFORMERS
from experiments.course.records import Lesson

LESSONS: tuple[Lesson, ...] = (*BASICS, *PRACTICE, *TRANSFORMERS)


def covers(lesson: Lesson, feature: str) -> bool:
    """Whether a row of the map (F042) belongs to a chapter.

    >>> covers(LESSONS[0], "F004"), covers(LESSONS[0], "F005")
    (True, False)
    """
    first, last = lesson.features
    return first <= feature <= last


def neighbours(lesson: Lesson, lessons: Iterable[Lesson] = LESSONS) -> tuple[Lesson | None, Lesson | None]:
    """The chapters before and after one."""
    around = [None, *lessons, None]
    before = {second.slug: first for first, second in pairwise(around) if second is not None}
    after = {first.slug: second for first, second in pairwise(around) if first is not None}
    return before[lesson.slug], after[lesson.slug]
