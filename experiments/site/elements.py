"""The pieces of a page: text, links, tables, pictures, badges. Pure functions to HTML."""

import html
import re
import textwrap
from collections.abc import Mapping, Sequence

from experiments.report.findings import NOT_RUN, is_pending
from experiments.report.records import Finding
from experiments.site.pictures import FOLDER, Picture
from nn_core.evidence.verdicts import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, Verdict

SIGNS = {SUPPORTED: "✓", NOT_SUPPORTED: "✗", INCONCLUSIVE: "?"}
ID = re.compile(r"\b(?:F\d{3}[a-z]?|S\d{1,2}[a-d]?|[A-EG-Z]\d{1,2}[a-c]?)\b|\bconfigs/\w+\.py\b")
NARROW, MIDDLE, WIDE = 40, 84, 145  # columns of letters that fit a phone, a tablet, a desk
GAP = 3  # letters of a cell's margins
LEAST, MOST = 66, 96  # pixels of a picture's inch: so that its letters can be read, and as it was drawn
PHONE = 320  # pixels that a picture may take on a phone before it scrolls in its box
Places = Mapping[str, str]  # id of a row, or configs/NAME.py -> where it stands in the site


def text(words: str, places: Places | None = None) -> str:
    """Words as HTML: `code` is set as code, and ids that have a place are links to it."""
    parts = re.split(r"`([^`]+)`", words)
    shown = [f"<code>{html.escape(one)}</code>" if place % 2 else html.escape(one) for place, one in enumerate(parts)]
    joined = "".join(shown)
    if not places:
        return joined
    return ID.sub(lambda found: link(places[found[0]], found[0]) if found[0] in places else found[0], joined)


def link(address: str, words: str) -> str:
    """A link; the words are HTML."""
    return f'<a href="{html.escape(address)}">{words}</a>'


def prose(docstring: str, places: Places) -> str:
    """A docstring as paragraphs, commands, and what stands indented as it is."""
    blocks = []
    for part in filter(str.strip, docstring.split("\n\n")):
        lines = [line.strip() for line in part.strip().splitlines()]
        indented = all(line.startswith("    ") for line in part.strip("\n").splitlines())
        if indented or all(line.startswith("python -m") for line in lines):
            blocks.append(command(textwrap.dedent(part).strip("\n")))
        else:
            blocks.append(f"<p>{text(' '.join(lines), places)}</p>")
    return "\n".join(blocks)


def command(words: str) -> str:
    """A command line to copy."""
    return f"<pre><code>{html.escape(words)}</code></pre>"


def badge(verdict: Verdict) -> str:
    """A verdict as a word, a sign and a colour."""
    kind = verdict.label.replace(" ", "-")
    return f'<span class="badge {kind}"><span aria-hidden="true">{SIGNS[verdict.label]}</span> {verdict.label}</span>'


def sign(finding: Finding) -> str:
    """The badge of a claim, or a note that it has not been run."""
    return f'<span class="soft">{NOT_RUN}</span>' if is_pending(finding) else badge(finding.verdict)


def table(caption: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that is never cut off: where its columns do not fit, each row becomes a card with named lines.

    Args:
        caption: what it holds, for those who cannot see it.
        names: of the columns; the first one names the rows.
        rows: cells as HTML.
    """
    head = "".join(f'<th scope="col" role="columnheader">{html.escape(name)}</th>' for name in names)
    body = "\n".join(f'<tr role="row">{row_cells(names, row)}</tr>' for row in rows)
    return (
        f'<table role="table" class="{fit(names, rows)}"><caption>{html.escape(caption)}</caption>\n'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>\n<tbody role="rowgroup">{body}</tbody></table>'
    )


def row_cells(names: Sequence[str], row: Sequence[str]) -> str:
    """The cells of a row; each carries the name of its column for the card."""
    first, *rest = row
    cells = [f'<th scope="row" role="rowheader">{first}</th>']
    for name, cell in zip(names[1:], rest, strict=True):
        kind = "" if cell else ' class="empty"'
        cells.append(f'<td role="cell" data-name="{html.escape(name)}"{kind}><span>{cell}</span></td>')
    return "".join(cells)


def fit(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The class of a table by the letters that its columns need at least: those of their longest words."""
    needed = 0
    for column in zip(names, *rows, strict=True):
        words = [word for cell in column for word in re.sub(r"<[^>]*>", "", cell).split(" ")]
        needed += GAP + max(map(len, words))
    return next(
        (name for name, most in (("narrow", NARROW), ("middle", MIDDLE), ("wide", WIDE)) if needed <= most), "cards"
    )


def number(words: str) -> str:
    """A cell of numbers, which breaks only before its interval."""
    return html.escape(words).replace("± ", "±\u00a0")


def figure(picture: Picture) -> str:
    """A picture with its caption, dark on a dark page; one that is too wide for a phone scrolls in its box."""
    width, height = picture.inches
    least = round(width * LEAST)
    wide = f' tabindex="0" role="region" aria-label="{html.escape(picture.name)}, scrolls"' if least > PHONE else ""
    file = f"{FOLDER}/{picture.name}"
    ending = "webp" if picture.moves else "svg"
    again = f" {link(f'{file}.webp', 'Play it again')}." if picture.moves else ""
    return (
        f'<figure id="{figure_id(picture)}"><div class="picture"{wide}><picture>{sources(picture)}'
        f'<img src="{file}.{ending}" alt="Figure {html.escape(picture.name)}, described below" loading="lazy" '
        f'width="{round(width * MOST)}" height="{round(height * MOST)}" style="min-width: {min(least, round(width * MOST))}px">'
        f"</picture></div><figcaption>{html.escape(picture.about)}{again}</figcaption></figure>"
    )


def sources(picture: Picture) -> str:
    """The files of a picture by what the system asks for: dark pages, and no motion."""
    file = f"{FOLDER}/{picture.name}"
    wanted = {"(prefers-color-scheme: dark)": f"{file}-dark.{'webp' if picture.moves else 'svg'}"}
    if picture.moves:
        calm = "(prefers-reduced-motion: reduce)"
        wanted = {f"{calm} and (prefers-color-scheme: dark)": f"{file}-dark.svg", calm: f"{file}.svg"} | wanted
    return "".join(f'<source media="{media}" srcset="{name}">' for media, name in wanted.items())


def figure_id(picture: Picture) -> str:
    """The place of a picture on its page."""
    return f"figure-{picture.name}"
