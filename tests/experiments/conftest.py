"""Language-model runs that several tests read and none changes."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import jax
import pytest

from experiments.run_directory import stored_run
from experiments.trained import language_model
from experiments.trained.language_model import LanguageModel
from tests.experiments import tiny
from tests.experiments.programs import COMPILED, TRACED, counted


class Training(NamedTuple):
    """A run directory, and how often each program was compiled and traced for it."""

    directory: Path
    compiled: Counter
    traced: Counter


@pytest.fixture(scope="session")
def tiny_training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """The training of a tiny GPT."""
    jax.clear_caches()  # what other tests have left
    with counted(COMPILED) as compiled, counted(TRACED) as traced:
        directory = tiny.run(tmp_path_factory.mktemp("tiny"))
    return Training(directory, compiled, traced)


@pytest.fixture(scope="session")
def tiny_run(tiny_training: Training) -> Path:
    """The run directory of it."""
    return tiny_training.directory


@pytest.fixture(scope="session")
def tiny_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a sweep of it over three seeds."""
    return tiny.run(tmp_path_factory.mktemp("sweep"), "gpt_quick_seeds", num_seeds=3, train__sample_every=0)


@pytest.fixture(scope="session")
def tiny_model(tiny_run: Path) -> LanguageModel:
    """What `tiny_run` learned; its programs are compiled once for all tests."""
    return language_model.language_model(stored_run.load(tiny_run))
