"""Draws the pictures of the site: each as SVG in light and in dark, beside the pages."""

import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure

from experiments.figures import ANIMATIONS, FIGURES, make, moving, told
from experiments.figures.course import PICTURES
from experiments.report.figures import claim_figure
from experiments.report.records import Finding
from experiments.report.runs import Ran
from experiments.run_directory.results import Results
from experiments.site.night import night_pixels, night_svg

FOLDER = "figures"
ENDINGS = (".svg", "-dark.svg", ".webp", "-dark.webp")  # of a picture's files; the last two if it moves
POINTS = 72  # of an inch
SEVERAL = 12  # from so many pictures on, several processes draw them: each takes two seconds to start
MOST_PROCESSES = 4  # each holds half a gigabyte


class Picture(NamedTuple):
    """A picture of the site.

    Attributes:
        name: of its files in figures/: NAME.svg and NAME-dark.svg; NAME.webp and NAME-dark.webp if it moves.
        inches: width and height.
        about: what it shows, for the caption and for those who cannot see it.
        moves: whether it is an animation, of which the SVG files are the last frame.
    """

    name: str
    inches: tuple[float, float]
    about: str
    moves: bool


class Plan(NamedTuple):
    """A picture that may have to be drawn.

    Attributes:
        name, about: as in Picture.
        draw: makes its frames, one for a still; none where it cannot be made, which was told.
        new: whether to draw it even if its files are there.
    """

    name: str
    about: str
    draw: Callable[[], Iterable[Figure]]
    new: bool
    moves: bool = False


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
    draw_together(folder, [plan for plan in plans if plan.new or not lie_there(files_of(folder, plan))])
    return {plan.name: picture_of(folder, plan) for plan in plans if lie_there(files_of(folder, plan))}


def draw_together(folder: Path, plans: Sequence[Plan]) -> None:
    """Draws pictures: each stands alone, so that processes can share them."""
    count = min(os.cpu_count() or 1, MOST_PROCESSES)
    if len(plans) < SEVERAL or count == 1:
        for plan in plans:
            draw_anew(folder, plan)
        return
    with told("of the pages"), ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        for _ in pool.map(partial(draw_anew, folder), plans):
            pass


def of_claims(findings: Iterable[Finding], new: set[str]) -> Iterable[Plan]:
    """Both sides of each comparison, and their difference."""
    about = "Both sides of each comparison: points are seeds, diamonds means with their 95 % intervals; and A − B."
    for finding in findings:
        if any(one.comparison is not None for one in finding.evidence):
            claim = finding.claim
            yield Plan(claim.id, about, partial(still, claim_figure, finding), claim.experiment in new)


def of_runs(runs: Mapping[str, Ran], new: set[str]) -> Iterable[Plan]:
    """The figures that a run is to show."""
    for name, ran in runs.items():
        run = ran.run
        for figure in ran.experiment.figures if run else ():
            yield Plan(picture_name(name, figure), about_figure(figure), partial(still, make, figure, run), name in new)
            if figure in ANIMATIONS:
                about, frames = first_line(ANIMATIONS[figure]), partial(animated, figure, run)
                yield Plan(moving_name(name, figure), about, frames, name in new, moves=True)


def of_the_course(names: Iterable[str]) -> Iterable[Plan]:
    """Pictures that are drawn from functions alone."""
    for name in names:
        yield Plan(name, sentence(PICTURES[name].what), partial(still, PICTURES[name].draw), False)


def picture_name(run: str, figure: str) -> str:
    """The name of a run's figure."""
    return f"{run}-{figure}"


def moving_name(run: str, figure: str) -> str:
    """The name of its animation."""
    return f"{run}-{figure}-moves"


def animated(figure: str, run: Results | None) -> Iterator[Figure]:
    """The frames of a run's figure."""
    assert run is not None
    return ANIMATIONS[figure](run)


def still(draw: Callable[..., Figure | None], *arguments: Any) -> list[Figure]:
    """A figure as the only frame; none if it cannot be drawn."""
    figure = draw(*arguments)
    return [] if figure is None else [figure]


def about_figure(name: str) -> str:
    """What a figure of a run shows."""
    return first_line(FIGURES[name]) if FIGURES[name].__doc__ else sentence(name.replace("_", " "))


def first_line(function: Any) -> str:
    """The first line of a function's docstring."""
    return sentence((function.__doc__ or "").partition("\n")[0])


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def files_of(folder: Path, plan: Plan) -> list[Path]:
    """Where a picture lies."""
    return [folder / f"{plan.name}{ending}" for ending in (ENDINGS if plan.moves else ENDINGS[:2])]


def lie_there(files: Iterable[Path]) -> bool:
    """Whether a picture is whole."""
    return all(file.is_file() for file in files)


def picture_of(folder: Path, plan: Plan) -> Picture:
    """A picture that lies there."""
    return Picture(plan.name, size(files_of(folder, plan)[0]), plan.about, plan.moves)


def draw_anew(folder: Path, plan: Plan) -> None:
    """Draws a picture in the place of an older one; where that fails, it is told and none lies there."""
    files = files_of(folder, plan)
    for file in files:
        file.unlink(missing_ok=True)
    with told(plan.name):
        draw(plan, *files)


def draw(plan: Plan, light: Path, dark: Path, *moving_files: Path) -> None:
    """Writes the last frame as SVG, and all of them if the picture moves."""
    last, frames = None, []
    for last in plan.draw():
        frames += [moving.pixels(last)] if plan.moves else []
    if last is None:
        return
    text = svg(last)
    light.write_text(text, encoding="utf-8", newline="\n")
    dark.write_text(night_svg(text), encoding="utf-8", newline="\n")
    for file, colours in zip(moving_files, (frames, map(night_pixels, frames)), strict=False):
        moving.write(colours, file)


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
