"""Language-model runs that several tests read and none changes."""

from pathlib import Path

import pytest

from experiments import restored
from experiments.restored import LanguageModel
from tests.experiments import tiny


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a tiny GPT."""
    return tiny.run(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a sweep of it over three seeds."""
    return tiny.run(tmp_path_factory.mktemp("sweep"), "gpt_quick_seeds", num_seeds=3, train__sample_every=0)


@pytest.fixture(scope="session")
def tiny_model(tiny_run: Path) -> LanguageModel:
    """What `tiny_run` learned; its programs are compiled once for all tests."""
    return restored.language_model(restored.load(tiny_run))
