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
    decoding,
    distillation,
    document_vectors,
    embeddings,
    error_surface,
    filters,
    forecasts,
    gradient_by_lag,
    gradient_norms,
    gradients,
    joint_space,
    likelihood,
    logistic_regression,
    losses,
    momentum,
    paths,
    perceptron,
    perceptron_vs_gradient_descent,
    rates,
    recommender,
    regions,
    restarts,
    schedules,
    sensitivity,
    spam,
    stopping,
    strategies,
    tokenizers,
    transfer,
    word_vectors,
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
    "decoding": decoding.decoding,
    "forecast": forecasts.forecast,
    "gradient_by_lag": gradient_by_lag.gradient_by_lag,
    "gradient_norms": gradient_norms.gradient_norms,
    "gradients": gradients.gradients,
    "schedules": schedules.schedules,
    "perceptron": perceptron.perceptron,
    "perceptron_vs_gradient_descent": perceptron_vs_gradient_descent.perceptron_vs_gradient_descent,
    "xor": xor.xor,
    "error_surface": error_surface.error_surface,
    "two_minima": error_surface.two_minima,
    "momentum": momentum.momentum,
    "restarts": restarts.restarts,
    "transfer": transfer.transfer,
    "distillation": distillation.distillation,
    "likelihood": likelihood.likelihood,
    "logistic_regression": logistic_regression.logistic_regression,
    "worked_example": worked_example.worked_example,
    "word2vec": word_vectors.word_vectors,
    "glove": word_vectors.word_vectors,
    "fasttext": word_vectors.word_vectors,
    "spam": spam.spam,
    "recommender": recommender.recommender,
    "document_vectors": document_vectors.document_vectors,
    "joint_space": joint_space.joint_space,
    "embeddings": embeddings.embeddings,
    "tokenizers": tokenizers.tokenizers,
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
