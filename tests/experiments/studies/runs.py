"""Studies at reduced size, each run once through the command and read back from its directory."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from experiments import results
from experiments.figures import FIGURES
from experiments.run import main
from nn_core.training import population
from nn_core.training.population import COMPILER_OPTIONS

REDUCED: dict[str, dict[str, object]] = {
    "perceptron": {
        "num_seeds": 3,
        "task.max_epochs": 23,
        "task.num_points": 31,
        "task.gaps": (0.05, 0.3),
        "task.gates": ("or", "xor"),
    },
    "perceptron_vs_gradient_descent": {"num_seeds": 3, "task.max_epochs": 23, "task.num_points": 31},
    "xor": {"num_seeds": 11, "task.widths": (2, 1), "task.init_scales": (0.1, 2.0), "task.steps": 1000},
    "error_surface": {"num_seeds": 7},
    "momentum": {"num_seeds": 5, "task.momenta": (0.9, 0.99), "task.steps": 1500},
    "restarts": {
        "num_seeds": 3,
        "task.steps": 60,
        "task.restarts": 5,
        "task.sigmas": (0.0, 1.0),
        "task.num_searches": 13,
        "task.dimensions": (2, 3),
        "task.chains": (1,),
    },
    "likelihood": {"num_seeds": 3, "task.sizes": (10, 1500)},
    "gradient_by_lag": {"num_seeds": 3, "task.steps": 91, "task.scales": (0.8, 2.0), "task.biases": (4.0,)},
    "worked_example": {},
    "word2vec": {"num_seeds": 2, "task.epochs": 2, "task.features": 20},
    "glove": {"num_seeds": 1, "task.epochs": 10, "task.features": 20, "task.batch_size": 1024},
    "fasttext": {"num_seeds": 1, "task.epochs": 3, "task.features": 20, "task.buckets": 2000},
    "spam": {"num_seeds": 2, "task.max_features": 120, "task.epochs": 5, "task.learning_rate": 0.01},
    "recommender": {"num_seeds": 1, "task.steps": 150},
    "joint_space": {"num_seeds": 2, "task.steps": 200},
    "document_vectors": {"num_seeds": 1, "task.documents": 200, "task.steps": 300},
    "embeddings": {"num_seeds": 1, "task.examples": (1000,), "task.steps": 100},
}


@functools.cache
def reduced(name: str) -> results.Results:
    """What the study's directory holds after the command has run it at reduced size; nothing is drawn."""
    COMPILER_OPTIONS["cpu"], options = {"xla_backend_optimization_level": 0}, COMPILER_OPTIONS["cpu"]
    try:
        with tempfile.TemporaryDirectory() as folder:
            words = [f"--config.{path}={value}" for path, value in REDUCED[name].items()]
            code = main([f"--config={name}", f"--workdir={folder}/run", "--config.figures=()", *words])
            assert code == 0
            return results.read(Path(folder) / "run")
    finally:
        COMPILER_OPTIONS["cpu"] = options


def counting_programs(run: Callable[[], Any]) -> tuple[Any, list[Any]]:
    """What a study returns, and the programs that it made for its populations; they are compiled fast."""
    programs = []
    make = population.over_members

    def counted(*arguments: Any, **options: Any) -> Any:
        programs.append(make(*arguments, **options))
        return programs[-1]

    population.over_members = counted
    COMPILER_OPTIONS["cpu"], options = {"xla_backend_optimization_level": 0}, COMPILER_OPTIONS["cpu"]
    try:
        return run(), programs
    finally:
        population.over_members, COMPILER_OPTIONS["cpu"] = make, options


@functools.cache
def drawn(study: str, figure: str) -> Figure:
    """A figure of the reduced run."""
    return FIGURES[figure](reduced(study))


def rows_of(study: str, label: str) -> list[results.Row]:
    """The rows whose label starts so."""
    return [row for row in reduced(study).rows if row["label"].startswith(label)]


def column(study: str, label: str, name: str) -> list[float]:
    """One number of each of these rows."""
    return [row[name] for row in rows_of(study, label)]
