"""The first page: chapters, verdicts; and the pages about everything: methods, slips."""

import html
from collections.abc import Mapping
from typing import Any

from experiments.course.records import Lesson
from experiments.report.findings import NOT_RUN, correction, is_pending
from experiments.report.runs import Ran
from experiments.site import claims, elements, formulas
from experiments.site.content import INDEX, METHODS, SLIPS, Content, findings_of, formulas_of, page_of
from experiments.site.frame import page
from experiments.site.pictures import sentence
from nn_core.evidence.statistics import CONFIDENCE, SIGNIFICANCE


def index_page(content: Content) -> str:
    """The contents of the course, and the verdicts on its claims."""
    chapters = "\n".join(chapter(lesson, content) for lesson in content.tables.lessons)
    body = (
        f"{introduction(content)}\n"
        f'<h2 id="chapters">Chapters</h2>\n<ol class="chapters">\n{chapters}\n</ol>\n'
        f'<h2 id="verdicts">Verdicts</h2>\n<p>{counts(content)}. {sentence(correction(content.findings))}</p>\n'
        f"{claims.overview(content)}\n"
        f'<p class="soft">How they are made: {elements.link(METHODS, "methods")}; in full precision: '
        f"{elements.link('csv/verdicts.csv', 'csv/verdicts.csv')}.</p>"
    )
    return page("Neural networks, measured" + (" (quick)" if content.quick else ""), body, here=INDEX)


def introduction(content: Content) -> str:
    """What the site is; it says if it is the quick one."""
    text = (
        '<div class="words"><p>A course from the perceptron to assistants, chapter by chapter: each has its idea in a few '
        "words, its formulas with the errors that a check found, its experiments with the command that runs them, and the "
        "claims of the notes with a verdict by rules that were fixed before the runs. A verdict that contradicts the notes "
        "is printed as it is.</p></div>"
    )
    if content.quick:
        experiments = content.tables.experiments
        text += (
            '<p class="notice"><strong>Quick report:</strong> fewer seeds and shorter training than the full one. '
            "Where that leaves a question open, the verdict says inconclusive. "
            f"Left out unless they are named: {', '.join(name for name, one in experiments.items() if one.long)}.</p>"
        )
    return text


def chapter(lesson: Lesson, content: Content) -> str:
    """An entry of the contents."""
    numbers = {
        "formulas": len(formulas_of(lesson)),
        "experiments": len(lesson.configs),
        "claims": len(findings_of(lesson, content)),
    }
    told = ", ".join(f"{count} {name[:-1] if count == 1 else name}" for name, count in numbers.items() if count)
    first = lesson.words[0].partition(". ")[0].rstrip(".")
    return (
        f"<li><h3>{elements.link(page_of(lesson), html.escape(lesson.title))}</h3><p>{html.escape(first)}.</p>"
        f'<p class="soft">{told}</p></li>'
    )


def counts(content: Content) -> str:
    """How many verdicts of each kind."""
    measured = [one for one in content.findings if not is_pending(one)]
    found = {label: sum(one.verdict.label == label for one in measured) for label in elements.SIGNS}
    if len(measured) < len(content.findings):
        found |= {NOT_RUN: len(content.findings) - len(measured)}
    return ", ".join(f"{count} {label}" for label, count in found.items())


def slips_page(content: Content) -> str:
    """Where the notes slip."""
    body = (
        '<div class="words"><p>Where the notes are wrong (M), contradict themselves (C), leave something open (A), or are '
        "misprinted or outdated (T), and what holds here instead. <code>python -m experiments.formulas --errata</code> "
        f"shows in numbers what a slip does.</p></div>\n{formulas.slips(content)}"
    )
    return page("Slips of the notes", body, here=SLIPS, lessons=content.tables.lessons)


def methods_page(content: Content) -> str:
    """The rules, and what the site was made with."""
    body = f"{rules(content)}\n{provenance(content)}"
    return page("How verdicts are made", body, here=METHODS, lessons=content.tables.lessons)


def rules(content: Content) -> str:
    """How a verdict is made."""
    return (
        '<ul class="words">'
        "<li>A claim is one or more comparisons A − B &gt; 0 over seeds. Runs of one seed share data split and batches, so that they are pairs.</li>"
        "<li>Where a setting has a free number (a learning rate, a strength), it is chosen by the mean of what is compared, on the validation data (a training loss by itself); the test results choose nothing.</li>"
        "<li>p is that of an exact sign-flip permutation test, two-sided (9,999 random flips above 16 pairs), "
        f"{html.escape(correction(content.findings))}.</li>"
        f"<li>Intervals are {CONFIDENCE * 100:.0f} % ones, by Student's t and by the bias-corrected bootstrap; d is the mean difference over its standard deviation.</li>"
        f"<li><strong>Supported</strong>: corrected p &lt; {SIGNIFICANCE}, both intervals above 0, mean at least the smallest effect that matters. "
        "<strong>Not supported</strong>: significant with the other sign, or both intervals below the smallest effect. "
        "<strong>Inconclusive</strong>: everything else. A claim with several comparisons needs all of them.</li>"
        "<li>A run that diverged has no value: its pair is missing, and with more than a fifth missing there is no verdict.</li>"
        "</ul>"
    )


def provenance(content: Content) -> str:
    """Data, versions, devices, commit and dates of the runs."""
    made = [ran for ran in content.runs.values() if ran.run is not None]
    environments = [ran.environment for ran in made]
    facts = {
        "command": content.command,
        "dates of the runs": joined(ran.date for ran in made),
        "data": joined(data_of(ran) for ran in made),
        "commit": joined(environment.get("commit") for environment in environments),
        "Python": joined(environment.get("python") for environment in environments),
        "versions": joined(listed(environment.get("versions")) for environment in environments),
        "devices": joined(listed(environment.get("devices")) for environment in environments),
    }
    items = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items() if text)
    rows = [
        [html.escape(name), ran.date or "–", html.escape(ran.problem) or (NOT_RUN if ran.pending else "finished")]
        for name, ran in content.runs.items()
    ]
    return (
        f'<h2 id="provenance">What it was made with</h2>\n<dl>{items}</dl>\n'
        f"{elements.table('Runs', ('experiment', 'date', 'state'), rows)}"
    )


def joined(values: Any) -> str:
    """The distinct values, in order."""
    return "; ".join(dict.fromkeys(str(value) for value in values if value))


def listed(value: Any) -> str:
    """A mapping as `name value, …`."""
    return ", ".join(f"{k} {v}" for k, v in value.items() if v) if isinstance(value, Mapping) else str(value or "")


def data_of(ran: Ran) -> str:
    """The data of a run, with its options."""
    assert ran.run is not None
    section = ran.run.config.get("data")
    if not section:
        return f"{ran.experiment.config}: generated from the seed"
    options = listed(section.get("options", {}))
    return f"{ran.experiment.config}: {section['name']}" + (f" ({options})" if options else "")
