"""Studies at reduced size, each run once through the command and read back from its directory."""

import contextlib
import functools
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from matplotlib.figure import Figure

from experiments import studies
from experiments.figures import FIGURES
from experiments.run import main
from experiments.run_directory import results
from experiments.run_directory.table import make_table
from experiments.studies import document_vectors, embeddings, word_vectors
from nn_core.text.projection import principal_components
from nn_core.training import population
from tests.experiments.boxes import faults

REDUCED: dict[str, dict[str, object]] = {
    "contextual_vectors": {
        "num_seeds": 2,
        "task.embedding_dim": 8,
        "task.heads": 2,
        "task.layers": 1,
        "task.texts": 40,
        "task.pretrain_steps": 10,
        "task.batch_size": 4,
    },
    "attention_variants": {
        "num_seeds": 2,
        "task.variants": ("dense", "linear"),
        "task.positions": ("alibi",),
        "task.lengths": (16,),
        "task.heads": 1,
        "task.head_width": 2,
        "task.trained_length": 8,
        "task.embedding_dim": 8,
        "task.steps": 2,
    },
    "bert_quick": {
        "num_seeds": 2,
        "task.embedding_dim": 8,
        "task.heads": 2,
        "task.layers": 1,
        "task.texts": 40,
        "task.held_out": 40,
        "task.pretrain_steps": 10,
        "task.labelled": 9,
        "task.test": 11,
        "task.steps": 10,
        "task.batch_size": 4,
    },
    "families": {
        "num_seeds": 2,
        "task.embedding_dim": 8,
        "task.heads": 2,
        "task.layers": 2,
        "task.texts": 40,
        "task.labelled": 40,
        "task.validation": 11,
        "task.test": 13,
        "task.steps": 10,
        "task.batch_size": 4,
    },
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
    "word2vec": {
        "num_seeds": 1,
        "task.epochs": 2,
        "task.features": 20,
        "task.window": 3,
        "task.methods": ("skip_gram",),
    },
    "glove": {"num_seeds": 1, "task.epochs": 10, "task.features": 20, "task.batch_size": 1024},
    "fasttext": {
        "num_seeds": 1,
        "task.epochs": 2,
        "task.features": 20,
        "task.window": 3,
        "task.longest": 4,
        "task.buckets": 2000,
    },
    "spam": {"num_seeds": 2, "task.max_features": 120, "task.epochs": 5, "task.learning_rate": 0.01},
    "recommender": {"num_seeds": 1, "task.steps": 150},
    "joint_space": {"num_seeds": 2, "task.steps": 200},
    "document_vectors": {"num_seeds": 1, "task.documents": 100, "task.steps": 150},
    "embeddings": {"num_seeds": 1, "task.examples": (100,), "task.steps": 20},
    "attention_scale": {"num_seeds": 2, "task.head_widths": (4, 64), "task.num_queries": 61, "task.num_keys": 17},
    "generation": {
        "num_seeds": 2,
        "task.text": "generated",
        "task.train_steps": 20,
        "task.texts": 3,
        "task.prompt_tokens": 5,
        "task.new_tokens": 8,
        "task.temperatures": (0.5,),
        "task.top_k": (3,),
        "task.top_p": (0.9,),
        "task.num_beams": (2,),
    },
    "logistic_regression": {"num_seeds": 2, "task.train_examples": 200, "task.thresholds": (0.3, 0.7)},
    "transformer_parts": {
        "num_seeds": 2,
        "task.width": 4,
        "task.num_heads": 1,
        "task.depths": (2,),
        "task.learning_rates": (3e-3,),
        "task.steps": 70,
        "task.batch_size": 5,
        "task.train_examples": 43,
        "task.validation_examples": 19,
        "task.test_examples": 23,
    },
}

# Studies that another file than test_studies.py judges, so that one process runs them: files may go to different ones.
IN_OWN_FILE = (
    *("perceptron", "perceptron_vs_gradient_descent", "xor", "error_surface", "momentum", "restarts", "likelihood"),
    *("worked_example", "word2vec", "glove", "fasttext", "spam", "recommender", "joint_space", "document_vectors"),
    "embeddings",
)


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """Pretraining is short, and principal components stand for t-SNE, which takes seconds and has tests of its own."""
    with (
        mock.patch.object(word_vectors, "tsne", principal_components),
        mock.patch.object(document_vectors, "tsne", principal_components),
        mock.patch.object(embeddings, "UNLABELLED", 1000),
    ):
        yield


@functools.cache
def reduced(name: str, **changes: object) -> results.Results:
    """What the study's directory holds after the command has run it at reduced size; nothing is drawn.

    Args:
        name: of the study.
        changes: of its settings, instead of the reduced ones.
    """
    return run_of(name, REDUCED[name] | {f"task.{key}": value for key, value in changes.items()})


def run_of(name: str, settings: dict[str, object]) -> results.Results:
    """The same with these settings, by dotted path."""
    with hurried(), tempfile.TemporaryDirectory() as folder:
        words = [f"--config.{path}={value}" for path, value in settings.items()]
        code = main([f"--config={name}", f"--workdir={folder}/run", "--config.figures=()", *words])
        assert code == 0
        return results.read(Path(folder) / "run")


def counting_programs(run: Callable[[], Any]) -> tuple[Any, list[Any]]:
    """What a study returns, and the programs that it made for its populations; they are compiled fast."""
    programs = []
    make = population.over_members

    def counted(*arguments: Any, **options: Any) -> Any:
        programs.append(make(*arguments, **options))
        return programs[-1]

    with hurried(), mock.patch.object(population, "over_members", counted):
        return run(), programs


@functools.cache
def drawn(study: str, figure: str) -> Figure:
    """A figure of the reduced run."""
    return FIGURES[figure](reduced(study))


def rows_of(study: str, label: str, **changes: object) -> list[results.Row]:
    """The rows whose label starts so."""
    return [row for row in reduced(study, **changes).rows if row["label"].startswith(label)]


def column(study: str, label: str, name: str, **changes: object) -> list[float]:
    """One number of each of these rows."""
    return [row[name] for row in rows_of(study, label, **changes)]


def check_study(name: str) -> None:
    """What holds for every study: its rows hold the numbers that it promises, and its figures name their axes."""
    run, study = reduced(name), studies.STUDIES[name]
    found = {key for row in run.rows for key in row} - {"member", "label", "overrides", "seed"}
    assert found == set(study.columns)
    header, *body = make_table(run.rows, run.config["table"])
    assert (
        len(header) in (2 + len(run.config["table"]), 3 + len(run.config["table"])) and len(body) >= 2
    )  # ranks may follow
    assert all(row["label"] for row in run.rows)
    assert all(
        math.isfinite(row[key])
        for row in run.rows
        for key in found & row.keys() - {"bound", "margin_share"}
        if key not in ("gradients_needed", "overshoot", "underflow")
    )
    for figure in study.figures:
        panels = [axes for axes in drawn(name, figure).axes if axes.axison and axes.get_visible()]
        assert panels, figure
        for axes in panels:
            # A colour bar is an axes too; it has one name.
            assert axes.get_ylabel() and (axes.get_xlabel() or axes.get_label() == "<colorbar>"), figure
        assert not faults(drawn(name, figure)), figure
