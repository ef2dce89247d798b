"""Figures by name. Each is a function of the content of a run directory; nothing is trained here."""

import contextlib
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from experiments.caching.lazy_registry import Lazy
from experiments.command_line.output import say
from experiments.run_directory import results
from experiments.run_directory.files import entry
from experiments.run_directory.settings import at_the_edge, by_setting, choice

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Name -> where it is in this folder.
RUN_FIGURES = {
    "learning_curves": "learning_curves:learning_curves",
    "training_and_validation_loss": "training_and_validation_loss:training_and_validation_loss",
    "alignment": "alignment:alignment",
    "side_by_side": "alignment:side_by_side",
    "policy_curves": "policies:policy_curves",
    "preference_curves": "policies:preference_curves",
    "frontier": "policies:frontier",
    "calibration": "reward_model:calibration",
    "comparison": "comparison:comparison",
    "paths": "paths:paths",
    "sensitivity": "sensitivity:sensitivity",
    "confusion": "confusion:confusion",
    "coefficients": "coefficients:coefficients",
    "filters": "filters:filters",
    "batches": "batches:batches",
    "rates": "rates:rates",
    "regions": "regions:regions",
    "stopping": "stopping:stopping",
    "complexity": "complexity:complexity",
    "decoding": "decoding:decoding",
    "forecast": "forecast:forecast",
    "gradient_norms": "gradient_norms:gradient_norms",
    "gradients": "gradients:gradients",
    "parallel_coordinates": "parallel_coordinates:parallel_coordinates",
    "scaling": "scaling:scaling",
    "schedules": "schedules:schedules",
    "tokenizers": "tokenizers:tokenizers",
    "translations": "translations:translations",
}
# Those of the studies: each draws the arrays of its own.
STUDY_FIGURES = {
    "generation": "generation:generation",
    "gradient_by_lag": "gradient_by_lag:gradient_by_lag",
    "perceptron": "perceptron:perceptron",
    "perceptron_vs_gradient_descent": "perceptron_vs_gradient_descent:perceptron_vs_gradient_descent",
    "xor": "xor:xor",
    "error_surface": "error_surface:error_surface",
    "two_minima": "error_surface:two_minima",
    "momentum": "momentum:momentum",
    "restarts": "restarts:restarts",
    "transfer": "transfer:transfer",
    "quadrants": "quadrants:quadrants",
    "distillation": "distillation:distillation",
    "likelihood": "likelihood:likelihood",
    "logistic_regression": "logistic_regression:logistic_regression",
    "worked_example": "worked_example:worked_example",
    "word2vec": "word_vectors:word_vectors",
    "glove": "word_vectors:word_vectors",
    "fasttext": "word_vectors:word_vectors",
    "spam": "spam:spam",
    "recommender": "recommender:recommender",
    "document_vectors": "document_vectors:document_vectors",
    "joint_space": "joint_space:joint_space",
    "embeddings": "embeddings:embeddings",
    "bert_quick": "bert_quick:bert_quick",
    "contextual_vectors": "contextual_vectors:contextual_vectors",
    "attention_variants": "attention_variants:attention_variants",
    "families": "families:families",
}
# Figures that also move: frames of the same run.
MOVING = (
    *("perceptron", "perceptron_vs_gradient_descent", "xor", "regions"),
    *("error_surface", "two_minima", "momentum"),
)
NAMED, LETTERS, EDGE = 4, 11, "#A33D00"  # settings at an edge that a figure names; letters an inch; their colour
Draw = Callable[[results.Results], "Figure"]
NOTHING: Mapping[str, Draw] = MappingProxyType({})
FIGURES: Mapping[str, Draw] = Lazy(
    {name: f"{__name__}.{place}" for name, place in (RUN_FIGURES | STUDY_FIGURES).items()}
)
ANIMATIONS: Mapping[str, Callable[[results.Results], "Iterator[Figure]"]] = Lazy(
    {name: f"{__name__}.animations:{name}" for name in MOVING}
)


def draw(directory: Path, names: Sequence[str], own: Mapping[str, Draw] = NOTHING) -> list[Path]:
    """Draws figures of a run directory into its figures/ folder, as PNG and as vector PDF, and as WebP those that move.

    A figure that cannot be drawn gives a warning: the run and its results are sound without it.

    Args:
        directory: the run directory.
        names: of FIGURES, or of the own ones.
        own: figures of a config file of one's own, by name.
    Returns:
        The PNG and WebP files.
    """
    from experiments.figures import moving

    run = results.read(directory)
    folder = entry(directory, "figures")
    paths = []
    for name in names:
        path = folder / f"{name}.png"
        with told(f"{name} of {run.directory}"):
            figure = make(name, run, own)
            folder.mkdir(exist_ok=True)
            figure.savefig(path, dpi=150)
            figure.savefig(path.with_suffix(".pdf"))
            paths.append(path)
            if name in ANIMATIONS and name not in own:
                paths.append(moving.write(map(moving.pixels, ANIMATIONS[name](run)), path.with_suffix(".webp")))
    return paths


def make(name: str, run: results.Results, own: Mapping[str, Draw] = NOTHING) -> "Figure":
    """A figure of a run, laid out: the numbers at an axis depend on the room that is left for it."""
    figure = (own[name] if name in own else FIGURES[name])(run)
    mark_edges(figure, run)
    figure.draw_without_rendering()
    return figure


def mark_edges(figure: "Figure", run: results.Results) -> None:
    """Says above a figure which of its run's settings are the best of their grid and lie at its edge."""
    found = at_the_edge(by_setting(run.rows), choice(run.config.get("table", ()), run.rows))
    if not found or not figure.axes:
        return
    names = [f"{name} ({end})" for name, end in found.items()][:NAMED]
    more = [f"{len(found) - NAMED} more"] if len(found) > NAMED else []
    text = f"At the edge of its grid, so that a better one may lie beyond: {'; '.join(names + more)}"
    lines = textwrap.wrap(text, round(LETTERS * figure.get_figwidth()))
    title = "\n".join(filter(None, (figure.get_suptitle(), *lines)))
    figure.suptitle(title, x=0.01, ha="left", fontsize="small", color=EDGE)


@contextlib.contextmanager
def told(name: str) -> "Iterator[None]":
    """Turns an error while drawing into a warning: whatever is wrong with a picture, the numbers are safe."""
    try:
        yield
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        say(f"warning: figure {name} cannot be drawn ({what})", sys.stderr)
