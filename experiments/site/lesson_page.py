"""The page of a chapter."""

import html

from experiments.course.lessons import neighbours
from experiments.course.records import Lesson
from experiments.site import claims, configs, elements, formulas
from experiments.site.content import Content, page_of
from experiments.site.frame import page, turn


def lesson_page(lesson: Lesson, content: Content) -> str:
    """Words, pictures, formulas, claims with verdicts, experiments, and where all of it is in the code."""
    words = "\n".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in lesson.words)
    pictures = [content.pictures[name] for name in lesson.pictures if name in content.pictures]
    parts = [
        f'<div class="words">\n{words}\n</div>',
        *map(elements.figure, pictures),
        formulas.formulas(lesson, content),
        claims_part(lesson, content),
        experiments_part(lesson, content),
        formulas.course_map(lesson, content),
    ]
    return page(
        lesson.title,
        "\n".join(filter(None, parts)),
        here=page_of(lesson),
        lessons=content.tables.lessons,
        turn=turn(*neighbours(lesson, content.tables.lessons)),
    )


def claims_part(lesson: Lesson, content: Content) -> str:
    """The questions of a chapter and the verdicts on its claims."""
    sections = [part for part in content.tables.sections if part.slug in lesson.sections]
    if not sections:
        return ""
    return "\n".join(
        ['<h2 id="claims">What the notes claim, measured</h2>', *(claims.section(part, content) for part in sections)]
    )


def experiments_part(lesson: Lesson, content: Content) -> str:
    """The experiments of a chapter."""
    if not lesson.configs:
        return ""
    return "\n".join(
        ['<h2 id="experiments">Experiments</h2>', *(configs.config(name, content) for name in lesson.configs)]
    )
