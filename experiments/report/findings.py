"""Turns finished runs into findings, and into the CSV files beside the page."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.report.records import Claim, Finding, Tables
from experiments.report.runs import Ran
from experiments.run_directory.settings import CHOICE, Row, at_the_edge, by_setting
from experiments.run_directory.units import range_of
from nn_core.evidence.claims import Evidence, Part, Side, chosen_by, corrected, judge, measure, sides
from nn_core.evidence.statistics import Estimate
from nn_core.evidence.verdicts import SUPPORTED, all_of

NOT_RUN = "not run yet"


def find(tables: Tables, chosen: Sequence[Claim], runs: Mapping[str, Ran]) -> list[Finding]:
    """Judges the chosen claims; the correction covers all parts of the table, chosen or not."""
    evidence = {claim.id: [look_up(runs[claim.experiment], part) for part in claim.parts] for claim in chosen}
    flat = [one for parts in evidence.values() for one in parts]
    p_values = iter(corrected(flat, sum(len(claim.parts) for claim in tables.claims)))
    findings = []
    for claim in chosen:
        parts = evidence[claim.id]
        p_of_parts = tuple(next(p_values) for _ in parts)
        verdicts = tuple(judge(one, p) for one, p in zip(parts, p_of_parts, strict=True))
        findings.append(Finding(claim, tuple(parts), p_of_parts, verdicts, all_of(verdicts)))
    return findings


def look_up(ran: Ran, part: Any) -> Evidence:
    """The evidence for a part, or the reason why there is none."""
    if ran.pending:
        return Evidence(part, problem=NOT_RUN)
    if ran.run is None:
        return Evidence(part, problem=f"the run failed: {ran.problem}")
    found = measure(ran.run.rows, part)
    return found._replace(
        a_name=with_edge(found.a_name, ran.run.rows, part.a.metric),
        b_name=with_edge(found.b_name, ran.run.rows, part.b.metric) if isinstance(part.b, Side) else found.b_name,
    )


def with_edge(name: str, rows: Sequence[Row], metric: str) -> str:
    """The name of a setting, and whether it was chosen at the edge of its grid."""
    by = chosen_by(metric)
    edges = at_the_edge(by_setting(rows), by if any(by in row for row in rows) else CHOICE)
    return f"{name} ({edges[name]} of its grid)" if name in edges else name


def is_pending(finding: Finding) -> bool:
    """Whether no run of a claim exists."""
    return all(one.problem == NOT_RUN for one in finding.evidence)


def deciding(finding: Finding) -> int:
    """The index of the decisive part: the one with the claim's verdict; for a supported claim, the weakest one."""
    if finding.verdict in finding.part_verdicts and finding.verdict.label != SUPPORTED:
        return finding.part_verdicts.index(finding.verdict)
    return finding.p_values.index(max(finding.p_values))


def correction(findings: Sequence[Finding]) -> str:
    """The number of comparisons in the correction, and how many of them are still missing."""
    parts = [one for finding in findings for one in finding.evidence]
    pending = sum(one.problem == NOT_RUN for one in parts)
    text = f"corrected by Holm over all {len(parts)} comparisons of the table"
    if pending:
        text += f"; {pending} of them are not run yet and count as p = 1, so that running them can only lower a p"
    return text


def number(value: float) -> str:
    """A number for display: three significant digits, an en dash for none."""
    if not math.isfinite(value):
        return "∞" if value == math.inf else "−∞" if value == -math.inf else "–"
    text = f"{value:.3g}"
    if "e" in text and abs(value) >= 1e-3:
        text = f"{value:.0f}"
    return text.replace("-", "−")


def interval(low: float, high: float) -> str:
    """`[low, high]`; an en dash if there is none."""
    return f"[{number(low)}, {number(high)}]" if math.isfinite(low) and math.isfinite(high) else "–"


def range_of_side(side: Side | float) -> tuple[float, float]:
    """The least and the largest value of a side; a loss at a step is a loss."""
    return range_of(side.metric.partition("@")[0]) if isinstance(side, Side) else (side, side)


def range_of_difference(part: Part) -> tuple[float, float]:
    """Those of A - B."""
    (a_low, a_high), (b_low, b_high) = range_of_side(part.a), range_of_side(part.b)
    return a_low - b_high, a_high - b_low


def ended(measured: Estimate, ends: tuple[float, float]) -> tuple[float, float]:
    """The interval by Student's t, ended where the quantity ends: it holds the truth as often."""
    return max(measured.low, min(ends[0], measured.mean)), min(measured.high, max(ends[1], measured.mean))


def part_cells(evidence: Evidence, p_value: float, label: str) -> dict[str, str]:
    """A line of a claim's table."""
    if evidence.comparison is None:
        return {"compared": evidence.part.says, "verdict": label, "why": evidence.problem}
    a, b = sides(evidence)
    comparison = evidence.comparison
    difference = comparison.difference
    near = evidence.part.tolerance is not None
    return {
        "compared": evidence.part.says,
        "verdict": label,
        "A": f"{evidence.a_name}: {number(a.mean)}",
        "B": f"{evidence.b_name}: {number(b.mean)}" if evidence.b_name else number(b.mean),
        "A − B": number(difference.mean),
        "95 % CI (t)": interval(*ended(difference, range_of_difference(evidence.part))),
        "95 % CI (bootstrap)": interval(difference.bootstrap_low, difference.bootstrap_high),
        "effect size d": number(comparison.effect_size),
        "n": str(difference.num_values) + (f" ({difference.num_missing} missing)" if difference.num_missing else ""),
        "p": "–" if near else number(comparison.p_value),
        "p (Holm)": "–" if near else number(p_value),
    }


def write_csv(folder: Path, findings: Sequence[Finding]) -> None:
    """verdicts.csv with a line per part, and ID.csv with a line per part and seed."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for finding in findings:
        seeds: list[dict[str, Any]] = []
        for place, (one, p, judged) in enumerate(
            zip(finding.evidence, finding.p_values, finding.part_verdicts, strict=True)
        ):
            lines.append(verdict_line(finding, one, p) | {"verdict": judged.label, "reason": judged.reason})
            for seed, a, b in zip(one.seeds, one.a, one.b, strict=True):
                names = {"part": place + 1, "seed": seed, "a_setting": one.a_name, "b_setting": one.b_name}
                seeds.append(names | {"a": a, "b": b, "difference": a - b})
        if not is_pending(finding):
            write(folder / f"{finding.claim.id}.csv", seeds or [{"part": "", "seed": ""}])
    write(folder / "verdicts.csv", lines)


def verdict_line(finding: Finding, one: Evidence, p_value: float) -> dict[str, Any]:
    """Numbers of one part in full precision."""
    line: dict[str, Any] = {"claim": finding.claim.id, "compared": one.part.says, "a": one.a_name, "b": one.b_name}
    if one.comparison is None:
        return line | {"problem": one.problem}
    a, b = sides(one)
    found = one.comparison
    return line | {
        "a_mean": a.mean,
        "b_mean": b.mean,
        **{name: getattr(found.difference, name) for name in found.difference._fields},
        "effect_size": found.effect_size,
        "p_value": found.p_value,
        "p_holm": p_value,
        "smallest_effect": one.part.smallest_effect,
    }


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows as CSV."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
