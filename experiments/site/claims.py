"""Claims on the pages: the verdict, the comparison that decided it, all comparisons, the picture."""

import html

from experiments.report.findings import deciding, interval, is_pending, number, part_cells
from experiments.report.records import Finding, Section
from experiments.site import elements
from experiments.site.content import Content, claim_place
from nn_core.evidence.claims import Evidence, sides

OVERVIEW = ("claim", "the notes say", "verdict", "decided by", "A − B", "95 % CI", "d", "n", "p (Holm)")


def overview(content: Content) -> str:
    """A row for each claim, with the comparison that decided it."""
    rows = [overview_row(one, content) for one in content.findings]
    return elements.table("All claims, each with the comparison that decided it", OVERVIEW, rows)


def overview_row(finding: Finding, content: Content) -> list[str]:
    """The cells of a claim."""
    about = finding.claim
    head = [
        elements.link(claim_place(finding, content.tables), about.id),
        html.escape(about.text),
        elements.sign(finding),
    ]
    place = deciding(finding)
    evidence = finding.evidence[place]
    if evidence.comparison is None:
        return [*head, html.escape("" if is_pending(finding) else evidence.problem), *[""] * 5]
    cells = part_cells(evidence, finding.p_values[place], "")
    return [
        *head,
        html.escape(decision(evidence)),
        *(html.escape(cells[name]) for name in ("A − B", "95 % CI (t)", "effect size d", "n", "p (Holm)")),
    ]


def decision(evidence: Evidence) -> str:
    """A comparison in words: what, and the means of both sides."""
    a, b = sides(evidence)
    other = f"B {evidence.b_name}: {number(b.mean)}" if evidence.b_name else f"B {number(b.mean)}"
    return f"{evidence.part.says}; A {evidence.a_name}: {number(a.mean)}, {other}"


def section(part: Section, content: Content) -> str:
    """A learning outcome: its question and its claims."""
    findings = [one for one in content.findings if one.claim.section == part.slug]
    return "\n".join(
        [
            f'<section id="section-{part.slug}" aria-labelledby="title-{part.slug}">',
            f'<h3 id="title-{part.slug}">{html.escape(part.question)}</h3>',
            *(claim(one, content) for one in findings),
            "</section>",
        ]
    )


def claim(finding: Finding, content: Content) -> str:
    """A claim: verdict, what decided it, picture, all comparisons, command, numbers."""
    about = finding.claim
    ran = content.runs[about.experiment]
    parts = [
        f'<article id="claim-{about.id}">\n<h4>{about.id}: {html.escape(about.text)}</h4>',
        f"<p>{elements.sign(finding)} {verdict_line(finding)}</p>",
    ]
    if ran.problem:
        parts.append(f'<p class="failed"><strong>The run failed.</strong> {html.escape(ran.problem)}</p>')
    if about.id in content.pictures:
        parts.append(elements.figure(content.pictures[about.id]))
    if not is_pending(finding):
        parts.append(comparisons(finding))
    if about.note:
        parts.append(f'<p class="soft">{html.escape(about.note)}</p>')
    quick = " --quick" if content.quick else ""
    parts.append(elements.command(f"python -m experiments.report{quick} --only={about.id}"))
    parts.append(f'<p class="soft">{sources(finding, content)}</p>\n</article>')
    return "\n".join(parts)


def verdict_line(finding: Finding) -> str:
    """The reason of the verdict and the comparison that decided."""
    if is_pending(finding):
        return ""
    place = deciding(finding)
    evidence = finding.evidence[place]
    reason = html.escape(finding.verdict.reason)
    if evidence.comparison is None:
        return f"{reason}."
    difference = evidence.comparison.difference
    return (
        f"{reason}. Decided by {html.escape(decision(evidence))}; A − B = {number(difference.mean)} "
        f"{interval(difference.low, difference.high)}, n = {difference.num_values}."
    )


def comparisons(finding: Finding) -> str:
    """The table of all comparisons of a claim."""
    lines = [
        part_cells(one, p, judged.label)
        for one, p, judged in zip(finding.evidence, finding.p_values, finding.part_verdicts, strict=True)
    ]
    names = list(dict.fromkeys(name for line in lines for name in line))
    cells = [[elements.number(line.get(name, "")) for name in names] for line in lines]
    return elements.table(f"Comparisons of {finding.claim.id}", names, cells)


def sources(finding: Finding, content: Content) -> str:
    """Links to the experiment and to the numbers."""
    ran = content.runs[finding.claim.experiment]
    holder = next((one for one in content.tables.lessons if ran.experiment.config in one.configs), None)
    told = []
    if holder is not None:
        address = f"{holder.slug}.html#config-{ran.experiment.config}"
        told.append(f"Experiment: {elements.link(address, html.escape(ran.experiment.config))}")
    if not is_pending(finding):
        name = f"csv/{finding.claim.id}.csv"
        told.append(f"Numbers seed by seed: {elements.link(name, name)}")
        told.append(f"of all claims: {elements.link('csv/verdicts.csv', 'csv/verdicts.csv')}")
    return "; ".join(told) + "."
