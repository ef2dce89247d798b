"""The frame of every page: head, navigation with the search box, the way to the neighbours."""

import html
from collections.abc import Sequence
from pathlib import Path

from experiments.course.records import Lesson
from experiments.site.content import INDEX, METHODS, SLIPS, page_of

HERE = Path(__file__).parent
ASSETS = ("site.css", "search.js")  # beside this file and beside the pages
ENTRIES = "entries.js"  # what can be found
SEARCH = """<form id="search" role="search" hidden><label for="query">Search</label>
<input id="query" type="search" autocomplete="off" spellcheck="false" aria-controls="found">
<p id="count" class="soft" role="status"></p><ol id="found"></ol></form>"""


def page(title: str, body: str, *, here: str, lessons: Sequence[Lesson] = (), turn: str = "") -> str:
    """A whole page.

    Args:
        title: heading and name of the page.
        body: HTML below the heading.
        here: file of the page.
        lessons: chapters for the menu.
        turn: links to the chapters before and after.
    """
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title>",
            '<meta name="color-scheme" content="light dark">',
            '<link rel="icon" href="data:,">\n<link rel="stylesheet" href="site.css">',
            f'<script src="{ENTRIES}" defer></script>\n<script src="search.js" defer></script>\n</head>\n<body>',
            '<a class="skip" href="#content">Skip to the content</a>',
            f"<header>\n{menu(here, lessons)}\n{SEARCH}\n</header>",
            f'<main id="content">\n<h1>{html.escape(title)}</h1>\n{body}\n</main>',
            f"<footer>\n{turn}\n</footer>\n</body>\n</html>\n",
        ]
    )


def menu(here: str, lessons: Sequence[Lesson]) -> str:
    """The navigation: the three pages about everything, and the chapters."""
    fixed = ((INDEX, "The course"), (SLIPS, "Slips of the notes"), (METHODS, "Methods"))
    items = [item(address, words, here) for address, words in fixed]
    chapters = "".join(f"<li>{item(page_of(one), one.title, here)}</li>" for one in lessons)
    return (
        f'<nav aria-label="Pages">{" ".join(items)}'
        f"<details><summary>Chapters</summary><ol>{chapters}</ol></details></nav>"
    )


def item(address: str, words: str, here: str) -> str:
    """A link of the menu; the present page is marked."""
    current = ' aria-current="page"' if address == here else ""
    return f'<a href="{address}"{current}>{html.escape(words)}</a>'


def turn(before: Lesson | None, after: Lesson | None) -> str:
    """Links to the neighbours."""
    links = [
        f'<a rel="{rel}" href="{page_of(one)}">{words}: {html.escape(one.title)}</a>'
        for rel, words, one in (("prev", "Before", before), ("next", "Next", after))
        if one is not None
    ]
    return f'<nav aria-label="Neighbours">{" ".join(links)}</nav>'
