"""The page: pure functions from findings to one HTML text that needs no network."""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experiments.report.findings import NOT_RUN, correction, deciding, interval, is_pending, number, part_cells
from experiments.report.records import Finding, Section
from experiments.report.runs import Ran
from experiments.report.style import CSS
from experiments.run_directory.table import make_table
from nn_core.evidence.statistics import CONFIDENCE, SIGNIFICANCE
from nn_core.evidence.verdicts import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, Verdict

SIGNS = {SUPPORTED: "✓", NOT_SUPPORTED: "✗", INCONCLUSIVE: "?"}
TEXT_COLUMNS = ("compared", "claim", "why", "reason", "setting", "experiment")


class Content(NamedTuple):
    """The content of the page.

    Attributes:
        sections: those that are shown, in order.
        findings: of the claims that are shown.
        runs: experiments by key.
        images: PNG files by name: "C1" for a claim, "experiment/figure" for a run.
        quick: whether it is the quick report.
        command: the command that made the page.
    """

    sections: Sequence[Section]
    findings: Sequence[Finding]
    runs: Mapping[str, Ran]
    images: Mapping[str, bytes]
    quick: bool
    command: str


def page(content: Content) -> str:
    """The whole page."""
    title = "The course's claims, measured" + (" (quick)" if content.quick else "")
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<title>{title}</title>\n<link rel="icon" href="data:,">\n<style>{CSS}</style>\n</head>\n<body>',
            f"<header>\n<h1>{title}</h1>\n{introduction(content)}\n</header>\n<main>",
            overview(content),
            *(section(part, content) for part in content.sections),
            methods(content),
            provenance(content),
            "</main>\n</body>\n</html>\n",
        ]
    )


def introduction(content: Content) -> str:
    """The introduction, which says if this is the quick report."""
    text = (
        "<p>Every claim that the notes make and a small machine can test, as an experiment: what was compared, "
        "what came out, and a verdict by rules that were fixed before the runs. "
        "A verdict that contradicts the notes is printed as it is.</p>"
    )
    if content.quick:
        text += (
            '<p class="notice"><strong>Quick report:</strong> fewer seeds and shorter training than the full one. '
            "Where that leaves a question open, the verdict says inconclusive.</p>"
        )
    return text


def badge(verdict: Verdict) -> str:
    """The verdict as a word, a sign and a colour."""
    kind = verdict.label.replace(" ", "-")
    return f'<span class="badge {kind}">{SIGNS[verdict.label]} {verdict.label}</span>'


def sign(finding: Finding) -> str:
    """The badge of a claim, or a note that it has not been run."""
    return f'<span class="soft">{NOT_RUN}</span>' if is_pending(finding) else badge(finding.verdict)


def overview(content: Content) -> str:
    """The table of all verdicts."""
    measured = [one for one in content.findings if not is_pending(one)]
    counts = {label: sum(one.verdict.label == label for one in measured) for label in SIGNS}
    if len(measured) < len(content.findings):
        counts |= {NOT_RUN: len(content.findings) - len(measured)}
    rows = []
    for one in content.findings:
        link = f'<a href="#{one.claim.id}">{one.claim.id}</a>'
        first = one.evidence[deciding(one)].comparison
        effect = f"{number(first.effect_size)}" if first else "–"
        size = str(first.difference.num_values) if first else "–"
        ci = interval(first.difference.low, first.difference.high) if first else "–"
        rows.append([link, html.escape(one.claim.text), sign(one), effect, ci, size])
    names = ("claim", "the notes say", "verdict", "effect size d", "95 % CI of A − B", "n")
    total = ", ".join(f"{count} {label}" for label, count in counts.items())
    return (
        f'<section id="overview">\n<h2>Verdicts</h2>\n<p>{total}.</p>\n{table(names, rows, wide=(1,))}\n'
        '<p class="soft">Effect size, interval and n are those of the comparison that decided.</p>\n</section>'
    )


def section(part: Section, content: Content) -> str:
    """A learning outcome: its question, its claims and their runs."""
    findings = [one for one in content.findings if one.claim.section == part.slug]
    experiments = list(dict.fromkeys(one.claim.experiment for one in findings))
    return "\n".join(
        [
            f'<section id="{part.slug}">\n<h2>{html.escape(part.title)}</h2>',
            f"<p><strong>Question.</strong> {html.escape(part.question)}</p>",
            *(claim(one, content) for one in findings),
            *(experiment(name, content) for name in experiments),
            "</section>",
        ]
    )


def claim(finding: Finding, content: Content) -> str:
    """A claim: verdict, figure, table and command."""
    about = finding.claim
    ran = content.runs[about.experiment]
    lines = [
        part_cells(one, p, judged.label)
        for one, p, judged in zip(finding.evidence, finding.p_values, finding.part_verdicts, strict=True)
    ]
    names = list(dict.fromkeys(name for line in lines for name in line))
    cells = [[html.escape(line.get(name, "")) for name in names] for line in lines]
    quick = " --quick" if content.quick else ""
    parts = [
        f'<article id="{about.id}">\n<h3>{about.id}: {html.escape(about.text)}</h3>',
        f"<p>{sign(finding)}{'' if is_pending(finding) else ' ' + html.escape(finding.verdict.reason)}.</p>",
        f'<p class="soft"><strong>Setting.</strong> {html.escape(ran.experiment.setting)}</p>',
    ]
    if ran.problem:
        parts.append(f'<p class="failed"><strong>The run failed.</strong> {html.escape(ran.problem)}</p>')
    if about.id in content.images:
        alt = f"{about.id}: both sides of each comparison seed by seed, and the difference with its 95 % interval"
        parts.append(image(content.images[about.id], alt, "Points are seeds, diamonds means with 95 % intervals."))
    wide = tuple(place for place, name in enumerate(names) if name in TEXT_COLUMNS)
    if not is_pending(finding):
        parts.append(table(names, cells, wide=wide))
    if about.note:
        parts.append(f'<p class="soft">{html.escape(about.note)}</p>')
    parts.append(f"<pre>python -m experiments.report{quick} --only={about.id}</pre>")
    if not is_pending(finding):
        link = f'<a href="csv/{about.id}.csv">csv/{about.id}.csv</a>'
        parts.append(
            f'<p class="soft">Numbers seed by seed: {link}; of all claims: <a href="csv/verdicts.csv">verdicts</a></p>'
        )
    parts.append("</article>")
    return "\n".join(parts)


def image(png: bytes, alt: str, caption: str) -> str:
    """A picture inside the page."""
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{html.escape(alt)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def experiment(name: str, content: Content) -> str:
    """A run: figures, the complete table and the command."""
    ran = content.runs[name]
    parts = [f"<article>\n<h3>Experiment: {html.escape(name)}</h3>\n<p>{html.escape(ran.experiment.setting)}</p>"]
    if ran.problem:
        parts.append(f'<p class="failed"><strong>The run failed.</strong> {html.escape(ran.problem)}</p>')
    if ran.run is not None:
        diverged = sum(row.get("status") == "diverged" for row in ran.run.rows)
        if diverged:
            parts.append(
                f'<p class="failed">{diverged} of {len(ran.run.rows)} runs diverged; they are counted, and left out of the means.</p>'
            )
        for figure in ran.experiment.figures:
            if (key := f"{name}/{figure}") in content.images:
                shown = figure.replace("_", " ")
                parts.append(image(content.images[key], f"{name}: {shown}", f"{shown} of this run"))
        header, *body = make_table(ran.run.rows, ran.run.config["table"])
        cells = [[html.escape(cell) for cell in line] for line in body]
        parts.append(
            f"<details><summary>All {len(body)} settings</summary>\n{table(header, cells, wide=(0,))}</details>"
        )
    command = " ".join(["python -m experiments.run", *map(quoted, ran.words)])
    return "\n".join([*parts, f"<pre>{html.escape(command)}</pre>\n</article>"])


def quoted(word: str) -> str:
    """A word quoted for a shell."""
    return f"'{word}'" if any(sign in word for sign in " ()*") else word


def table(names: Sequence[str], rows: Sequence[Sequence[str]], wide: Sequence[int] = ()) -> str:
    """A table in a box that scrolls. Cells are HTML; columns in `wide` may break lines."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    body = "\n".join(
        "<tr>"
        + "".join(f'<td class="text">{x}</td>' if i in wide else f"<td>{x}</td>" for i, x in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="table">'
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody>\n</table></div>"
    )


def methods(content: Content) -> str:
    """The rules, in the page itself."""
    return (
        '<section id="methods">\n<h2>How verdicts are made</h2>\n<ul>'
        "<li>A claim is one or more comparisons A − B &gt; 0 over seeds. Runs of one seed share data split and batches, so that they are pairs.</li>"
        "<li>Where a setting has a free number (a learning rate, a strength), it is chosen by the mean of what is compared, on the validation data (a training loss by itself); the test results choose nothing.</li>"
        "<li>p is that of an exact sign-flip permutation test, two-sided (9,999 random flips above 16 pairs), "
        f"{html.escape(correction(content.findings))}.</li>"
        f"<li>Intervals are {CONFIDENCE * 100:.0f} % ones, by Student's t and by the bias-corrected bootstrap; d is the mean difference over its standard deviation.</li>"
        f"<li><strong>Supported</strong>: corrected p &lt; {SIGNIFICANCE}, both intervals above 0, mean at least the smallest effect that matters. "
        "<strong>Not supported</strong>: significant with the other sign, or both intervals below the smallest effect. "
        "<strong>Inconclusive</strong>: everything else. A claim with several comparisons needs all of them.</li>"
        "<li>A run that diverged has no value: its pair is missing, and with more than a fifth missing there is no verdict.</li>"
        "</ul>\n</section>"
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
        f'<section id="provenance">\n<h2>What it was made with</h2>\n<dl>{items}</dl>\n'
        f"{table(('experiment', 'date', 'state'), rows, wide=(2,))}\n</section>"
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
