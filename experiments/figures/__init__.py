"""Figures by name. Each is a function of what a run directory holds; nothing is trained here."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure  # noqa: E402

from experiments import results  # noqa: E402
from experiments.figures import (  # noqa: E402
    batches,
    coefficients,
    comparison,
    complexity,
    confusion,
    curves,
    error_surface,
    filters,
    forecasts,
    gradient_by_lag,
    gradients,
    likelihood,
    logistic_regression,
    losses,
    momentum,
    paths,
    perceptron,
    perceptron_vs_gradient_descent,
    rates,
    regions,
    restarts,
    schedules,
    sensitivity,
    stopping,
    strategies,
    worked_example,
    xor,
)

FIGURES: dict[str, Callable[[results.Results], Figure]] = {
    "learning_curves": curves.learning_curves,
    "training_and_validation_loss": losses.training_and_validation_loss,
    "comparison": comparison.comparison,
    "paths": paths.paths,
    "sensitivity": sensitivity.sensitivity,
    "confusion": confusion.confusion,
    "coefficients": coefficients.coefficients,
    "filters": filters.filters,
    "batches": batches.batches,
    "rates": rates.rates,
    "regions": regions.regions,
    "stopping": stopping.stopping,
    "complexity": complexity.complexity,
    "generation": strategies.generation,
    "forecast": forecasts.forecast,
    "gradient_by_lag": gradient_by_lag.gradient_by_lag,
    "gradients": gradients.gradients,
    "schedules": schedules.schedules,
    "perceptron": perceptron.perceptron,
    "perceptron_vs_gradient_descent": perceptron_vs_gradient_descent.perceptron_vs_gradient_descent,
    "xor": xor.xor,
    "error_surface": error_surface.error_surface,
    "two_minima": error_surface.two_minima,
    "momentum": momentum.momentum,
    "restarts": restarts.restarts,
    "likelihood": likelihood.likelihood,
    "logistic_regression": logistic_regression.logistic_regression,
    "worked_example": worked_example.worked_example,
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
