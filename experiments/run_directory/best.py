"""The best settings of a search, with their intervals."""

import math
from collections.abc import Mapping, Sequence

from experiments.run_directory.settings import (
    TUNED,
    Row,
    by_setting,
    choice,
    family,
    interval,
    score,
    summarize,
    values,
)

SHOWN = 5  # settings that are listed
FROM = 9  # settings from which on a table is a search, whose best are worth a list of their own


def axes(rows: Sequence[Row]) -> dict[str, list[object]]:
    """{path: its values in the order of their first member} of every path that a sweep varies, the seed left out."""
    found: dict[str, list[object]] = {}
    for row in rows:
        for path, value in values(row).items():
            found.setdefault(path, [])
            if value not in found[path]:
                found[path].append(value)
    return {path: tried for path, tried in found.items() if len(tried) > 1}


def best_settings(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """Lines for the end of a report; none for a comparison of a few settings, or of named ones.

    Args:
        rows: of the run.
        columns: of its table: the first that can be better or worse says, by its validation metric, what is best.
    """
    groups, metric = by_setting(rows), choice(columns, rows)
    if len(groups) < FROM or any(TUNED in name or family(name) for name in groups):
        return []
    ranked = [
        name for name in sorted(groups, key=lambda name: score(groups[name], metric)) if sound(groups, name, metric)
    ]
    if not ranked:
        return []
    lines = [f"best of {len(groups)} settings by {metric.replace('_', ' ')} (mean, 95 % interval):"]
    for place, name in enumerate(ranked[:SHOWN], 1):
        summary = summarize(row.get(metric) for row in groups[name])
        low, high = interval(summary, metric)
        inside = low == summary.mean - summary.half_width and high == summary.mean + summary.half_width
        spread = f" ± {summary.half_width:.2g}" if inside else f" ({low:.4g} to {high:.4g})"
        spread = spread if math.isfinite(summary.half_width) else ", one seed"
        lines.append(f"  {place}. {name}: {summary.mean:.4g}{spread}")
    return lines


def sound(groups: Mapping[str, Sequence[Row]], name: str, metric: str) -> bool:
    """Whether a setting has a finite score."""
    return math.isfinite(score(groups[name], metric))
