"""GloVe: word vectors whose products are the logarithms of co-occurrences (F093)."""

import jax
from ml_collections import ConfigDict

from experiments.command_line.choices import choose
from experiments.studies.base import Outcome, Study, compiled
from experiments.studies.word_vectors import COLUMNS, SETTINGS, check, study_vectors, words_of
from nn_core.data.checks import check_int
from nn_core.optimizers import OPTIMIZERS, make_optimizer
from nn_core.schedules import make_schedule
from nn_core.text.pairs import cooccurrences
from nn_core.text.vectors import WordVectors
from nn_core.training.word_vectors import make_glove_training, run_epochs


def run(config: ConfigDict) -> Outcome:
    """Counts, trains and evaluates."""
    task, words = config.task, words_of(config.task)
    size = len(words.vocabulary.words)
    counts = cooccurrences(words.corpus, size, task.window)
    constant = make_schedule("constant", total_steps=1)
    training = make_glove_training(
        counts.coords[0],
        counts.coords[1],
        counts.data,
        vocabulary_size=size,
        features=task.features,
        batch_size=task.batch_size,
        optimizer=lambda rate: make_optimizer(task.optimizer, {"learning_rate": rate}, constant),
        x_max=task.x_max,
        alpha=task.alpha,
    )
    epoch = compiled(training.epoch, donate_argnums=(0, 1))

    def train(seed: int) -> tuple[WordVectors, list[float]]:
        params, losses = run_epochs(training, epoch, jax.random.key(seed), task.epochs, task.learning_rate)
        return WordVectors(words.vocabulary.words, params["input"]["embedding"] + params["output"]["embedding"]), losses

    return study_vectors(config, {"GloVe": train})


def check_glove(config: ConfigDict) -> None:
    """Raises ValueError for an unknown optimizer, and as `word_vectors.check`."""
    choose(config.task.optimizer, OPTIMIZERS, "task.optimizer")
    check_int("config.task.batch_size", config.task.batch_size, 1)
    check(config)


STUDY = Study(
    run,
    settings={
        **SETTINGS,
        "optimizer": "",
        "batch_size": "[1, inf)",
        "x_max": "(0, inf)",
        "alpha": "(0, inf)",
    },
    columns=COLUMNS,
    figures=("glove",),
    check=check_glove,
)
