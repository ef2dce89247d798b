"""Claims of the notes as data: which numbers of which settings are compared, and what the runs say about them.

A claim has parts; each is written as A - B > 0 over seeds, so that A is what the claim calls larger (for a loss, the
method that it calls worse). What is compared is fixed before the run; `nn_core.evidence.statistics` and `nn_core.evidence.verdicts` hold
the tests and the rules. Rows are the lines of a results table: "setting", "seed", "status" and numbers.
"""

import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from nn_core.evidence.statistics import Comparison, Estimate, compare, estimate, holm, pairs
from nn_core.evidence.verdicts import INCONCLUSIVE, Verdict, verdict, verdict_near

Row = Mapping[str, Any]
# Metrics that every row has: whether the run diverged, as 1 or 0.
DIVERGED = "diverged"
CHOSEN_BY = "validation_loss"
# Endings of the names of metrics for which larger, or smaller, is better.
LARGER_IS_BETTER = ("accuracy", "exact", "f1", "precision", "recall")
SMALLER_IS_BETTER = ("bits_per_character", "error", "loss", "perplexity", "rmse")


class Side(NamedTuple):
    """One side of a comparison.

    Attributes:
      setting: name of a setting; `*` stands for anything. If several settings fit, the best one counts: by the
          validation data or, for a training metric, by the training data. A setting with a diverged seed loses. The
          test results choose nothing.
      metric: the number that is compared; "diverged" is 1 for a run that diverged and 0 for one that did not.
    """

    setting: str
    metric: str


class Part(NamedTuple):
    """A - B > 0, or A near B.

    Attributes:
      says: what is compared, in words, with the unit.
      a: the side that the claim calls larger.
      b: the other side, or the number that A is compared with.
      smallest_effect: >= 0; a difference below it is too small to matter.
      tolerance: for a claim of the form "about B": how far A may be from it, or A - B from 0 where B is a side.
    """

    says: str
    a: Side
    b: Side | float
    smallest_effect: float = 0.0
    tolerance: float | None = None


class Evidence(NamedTuple):
    """What the runs say about a part.

    Attributes:
      part: the part.
      a_name, b_name: the settings that were chosen (b_name "" for a number).
      seeds: (N,) of the pairs.
      a, b: (N,) values, NaN where a run failed or diverged.
      comparison: A - B; None where the runs are missing.
      problem: why there is none, one line.
    """

    part: Part
    a_name: str = ""
    b_name: str = ""
    seeds: tuple[int, ...] = ()
    a: tuple[float, ...] = ()
    b: tuple[float, ...] = ()
    comparison: Comparison | None = None
    problem: str = ""


def direction(metric: str) -> int:
    """1 where larger is better, -1 where smaller is, 0 where neither is known.

    >>> direction("test_accuracy"), direction("train_loss"), direction("weight_norm")
    (1, -1, 0)
    """
    return int(metric.endswith(LARGER_IS_BETTER)) - int(metric.endswith(SMALLER_IS_BETTER))


def larger_is_better(metric: str) -> bool:
    """Whether the best setting is the one with the largest mean."""
    return direction(metric) > 0


def chosen_by(metric: str) -> str:
    """The metric that chooses a setting where this one is compared; empty where none can choose.

    >>> chosen_by("test_accuracy"), chosen_by("train_loss"), chosen_by("weight_norm")
    ('validation_accuracy', 'train_loss', '')
    """
    split, _, name = metric.partition("_")
    if not direction(metric) or split not in ("train", "validation", "test"):
        return ""
    return f"validation_{name}" if split == "test" else metric


def choose_setting(rows: Sequence[Row], pattern: str, metric: str = CHOSEN_BY) -> str:
    """The setting that a pattern means.

    Args:
      rows: of all settings.
      pattern: see `Side`.
      metric: what is compared.

    Returns:
      Its name.

    Raises:
      ValueError: none fits, or several do and nothing chooses between them.
    """
    names = list(dict.fromkeys(str(row["setting"]) for row in rows))
    fitting = [name for name in names if fnmatchcase(name, pattern)]
    if not fitting:
        raise ValueError(f"no setting is called {pattern!r}; there are: {', '.join(names)}")
    if len(fitting) == 1:
        return fitting[0]
    by = chosen_by(metric)
    by = by if any(by in row for row in rows) else CHOSEN_BY
    if not any(by in row for row in rows):
        raise ValueError(f"{pattern!r} means {len(fitting)} settings ({', '.join(fitting)}); name one of them")
    return min(fitting, key=lambda name: _score([row for row in rows if row["setting"] == name], by))


def _score(rows: Sequence[Row], metric: str) -> float:
    """Mean over the seeds, the lower the better; infinite where one diverged."""
    numbers = [_value(row, metric) for row in rows]
    mean = sum(numbers) / len(numbers) if numbers and all(map(math.isfinite, numbers)) else math.inf
    return -mean if larger_is_better(metric) and math.isfinite(mean) else mean


def _value(row: Row, metric: str) -> float:
    """A number of a row; NaN where the run diverged or has none: the last numbers of a diverged run mean nothing."""
    diverged = row.get("status") == DIVERGED
    if metric == DIVERGED:
        return float(diverged)
    value = row.get(metric)
    return float(value) if isinstance(value, (int, float)) and not diverged else math.nan


def values_of(rows: Sequence[Row], setting: str, metric: str) -> dict[int, float]:
    """seed -> value of one setting.

    Raises:
      ValueError: no run has this number, or a seed occurs twice in the setting.
    """
    chosen = [row for row in rows if row["setting"] == setting]
    if metric != DIVERGED and not any(metric in row for row in chosen):
        numbers = [name for name, value in chosen[0].items() if isinstance(value, (int, float)) and name != "seed"]
        raise ValueError(f"setting {setting!r} has no {metric!r}; it has: {', '.join(numbers)}")
    values = {int(row["seed"]): _value(row, metric) for row in chosen}
    if len(values) != len(chosen):
        raise ValueError(
            f"setting {setting!r} has {len(chosen)} runs of {len(values)} seeds; give its settings different names"
        )
    return values


def measure(rows: Sequence[Row], part: Part) -> Evidence:
    """Looks up both sides and compares them over their seeds.

    Args:
      rows: of a run with several settings, each over seeds.
      part: what to compare.

    Returns:
      The Evidence; with `problem` set where the runs lack what the part names.
    """
    try:
        a_name = choose_setting(rows, part.a.setting, part.a.metric)
        a = values_of(rows, a_name, part.a.metric)
        if isinstance(part.b, Side):
            b_name = choose_setting(rows, part.b.setting, part.b.metric)
            b = values_of(rows, b_name, part.b.metric)
        else:
            b_name, b = "", dict.fromkeys(a, float(part.b))
    except ValueError as error:
        return Evidence(part, problem=str(error))
    a_N, b_N = pairs(a, b)
    seeds = tuple(sorted(set(a) | set(b)))
    return Evidence(part, a_name, b_name, seeds, tuple(a_N.tolist()), tuple(b_N.tolist()), compare(a_N, b_N))


def sides(evidence: Evidence) -> tuple[Estimate, Estimate]:
    """Means of A and of B with their intervals."""
    return estimate(evidence.a), estimate(evidence.b)


def corrected(evidence: Sequence[Evidence], num_hypotheses: int) -> list[float]:
    """Holm's correction of every part's p-value, over all parts of the table of claims.

    Parts that were not run count as p = 1, so looking at one section alone never makes a verdict milder.

    Args:
      evidence: of the parts that were looked at.
      num_hypotheses: number of all parts in the table, at least as many.

    Returns:
      One corrected p-value for each, 1 where the evidence is missing.
    """
    if num_hypotheses < len(evidence):
        raise ValueError(
            f"num_hypotheses={num_hypotheses} is below the {len(evidence)} parts judged; count the table's"
        )
    p_values = [1.0 if one.comparison is None else one.comparison.p_value for one in evidence]
    return holm(p_values + [1.0] * (num_hypotheses - len(evidence)))[: len(evidence)]


def judge(evidence: Evidence, corrected_p: float) -> Verdict:
    """The verdict on one part, by the rules of `nn_core.evidence.verdicts`."""
    part = evidence.part
    if evidence.comparison is None:
        return Verdict(INCONCLUSIVE, f"not measured: {evidence.problem}")
    if part.tolerance is not None and isinstance(part.b, Side):
        return verdict_near(evidence.comparison.difference, 0.0, part.tolerance)
    if part.tolerance is not None and not isinstance(part.b, Side):
        return verdict_near(estimate(evidence.a), part.b, part.tolerance)
    return verdict(evidence.comparison, corrected_p, part.smallest_effect)
