"""Draws the pictures of the site: each as SVG in light and in dark, beside the pages."""

import io
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import matplotlib
from matplotlib.figure import Figure

from experiments.figures import FIGURES, drawn
from experiments.figures.course import PICTURES
from experiments.report.figures import claim_figure
from experiments.report.records import Finding
from experiments.report.runs import Ran
from experiments.site.night import night_svg

FOLDER = "figures"
POINTS = 72  # of an inch


class Picture(NamedTuple):
    """A picture of the site.

    Attributes:
        name: of its files in figures/: NAME.svg and NAME-dark.svg.
        inches: width and height.
        about: what it shows, for the caption and for those who cannot see it.
    """

    name: str
    inches: tuple[float, float]
    about: str


class Plan(NamedTuple):
    """A picture that may have to be drawn.

    Attributes:
        name, about: as in Picture.
        draw: makes it; None where it cannot be made, which was told.
        new: whether to draw it even if its files are there.
    """

    name: str
    about: str
    draw: Callable[[], Figure | None]
    new: bool


def draw_all(
    workdir: Path, findings: Iterable[Finding], runs: Mapping[str, Ran], pictures: Iterable[str], new: Iterable[str]
) -> dict[str, Picture]:
    """Draws what is missing, and everything of the runs that are `new`.

    Returns:
        Pictures by name: "C1" of a claim, "run-figure" of a run, and those that need no run by their own name.
    """
    folder = workdir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    fresh = set(new)
    plans = [*of_claims(findings, fresh), *of_runs(runs, fresh), *of_the_course(pictures)]
    made = {plan.name: kept_or_drawn(folder, plan) for plan in plans}
    return {name: picture for name, picture in made.items() if picture is not None}


def of_claims(findings: Iterable[Finding], new: set[str]) -> Iterable[Plan]:
    """Both sides of each comparison, and their difference."""
    about = "Both sides of each comparison: points are seeds, diamonds means with their 95 % intervals; and A − B."
    for finding in findings:
        if any(one.comparison is not None for one in finding.evidence):
            claim = finding.claim
            yield Plan(claim.id, about, partial(claim_figure, finding), claim.experiment in new)


def of_runs(runs: Mapping[str, Ran], new: set[str]) -> Iterable[Plan]:
    """The figures that a run is to show."""
    for name, ran in runs.items():
        if ran.run is not None:
            for figure in ran.experiment.figures:
                yield Plan(
                    picture_name(name, figure), about_figure(figure), partial(drawn, figure, ran.run), name in new
                )


def of_the_course(names: Iterable[str]) -> Iterable[Plan]:
    """Pictures that are drawn from functions alone."""
    for name in names:
        yield Plan(name, sentence(PICTURES[name].what), PICTURES[name].draw, False)


def picture_name(run: str, figure: str) -> str:
    """The name of a run's figure."""
    return f"{run}-{figure}"


def about_figure(name: str) -> str:
    """What a figure of a run shows: the first line of its function's docstring."""
    return sentence((FIGURES[name].__doc__ or name.replace("_", " ")).partition("\n")[0])


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def kept_or_drawn(folder: Path, plan: Plan) -> Picture | None:
    """The picture as it lies there, or drawn now."""
    light, dark = folder / f"{plan.name}.svg", folder / f"{plan.name}-dark.svg"
    if plan.new or not (light.is_file() and dark.is_file()):
        figure = plan.draw()
        if figure is None:
            return None
        text = svg(figure)
        light.write_text(text, encoding="utf-8", newline="\n")
        dark.write_text(night_svg(text), encoding="utf-8", newline="\n")
    return Picture(plan.name, size(light), plan.about)


def svg(figure: Figure) -> str:
    """A figure as SVG; the same figure gives the same text."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "nn_core"}):  # no font needed, no random ids
        figure.savefig(buffer, format="svg", dpi=150, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def size(path: Path) -> tuple[float, float]:
    """Width and height of an SVG file in inches."""
    with path.open(encoding="utf-8", newline="\n") as file:
        found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', file.read(2000))
    assert found, f"{path} has no size"
    return float(found[1]) / POINTS, float(found[2]) / POINTS
