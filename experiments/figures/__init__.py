"""Figures by name. Each is a function of what a run directory holds; nothing is trained here."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure  # noqa: E402

from experiments import results  # noqa: E402
from experiments.figures import comparison, curves  # noqa: E402

FIGURES: dict[str, Callable[[results.Results], Figure]] = {
    "learning_curves": curves.learning_curves,
    "comparison": comparison.comparison,
}


def draw(directory: Path, names: Sequence[str]) -> list[Path]:
    """Draws figures of a run directory into its figures/ folder, as PNG and as vector PDF.

    Args:
        directory: the run directory.
        names: of FIGURES.
    Returns:
        The PNG files.
    """
    run = results.read(directory)
    folder = directory / "figures"
    folder.mkdir(exist_ok=True)
    paths = []
    for name in names:
        figure = FIGURES[name](run)
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=150)
        figure.savefig(path.with_suffix(".pdf"))
        paths.append(path)
    return paths
