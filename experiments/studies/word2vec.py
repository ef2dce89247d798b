"""word2vec: skip-gram and CBOW with negative sampling (F091, F092, F100-F103)."""

from functools import partial

import jax
from ml_collections import ConfigDict

from experiments.studies.base import Outcome, Study, compiled
from experiments.studies.word_vectors import COLUMNS, SETTINGS, Train, Words, check, study_vectors, words_of
from nn_core.data.checks import check_choice, check_int
from nn_core.text.vectors import WordVectors
from nn_core.training.word_vectors import Recipe, WordTraining, make_word_training, run_epochs

METHODS = {"skip_gram": "skip-gram", "cbow": "CBOW"}  # and their names in the table


def recipe_of(task: ConfigDict, method: str) -> Recipe:
    """The structure that a config describes."""
    return Recipe(method, task.features, task.window, task.negatives, task.subsample, task.epochs)


def trainer(training: WordTraining, words: Words, task: ConfigDict, learning_rate: float) -> Train:
    """seed -> vectors of the input table; one program for all seeds."""
    epoch = compiled(training.epoch, donate_argnums=(0, 1))

    def train(seed: int) -> tuple[WordVectors, list[float]]:
        params, losses = run_epochs(training, epoch, jax.random.key(seed), task.epochs, learning_rate)
        vocabulary = words.vocabulary
        return WordVectors(vocabulary.words, params["input"]["embedding"][: len(vocabulary.words)]), losses

    return train


def run(config: ConfigDict) -> Outcome:
    """Trains and evaluates each method."""
    task, words = config.task, words_of(config.task)
    make = partial(make_word_training, corpus=words.corpus, counts_V=words.vocabulary.counts_V)
    rates = dict(zip(METHODS, (task.learning_rate, task.cbow_learning_rate), strict=True))
    methods = {
        METHODS[method]: trainer(make(recipe_of(task, method)), words, task, rates[method]) for method in task.methods
    }
    return study_vectors(config, methods)


def check_word2vec(config: ConfigDict) -> None:
    """Raises ValueError for an unknown method, and like `word_vectors.check`."""
    if not config.task.methods:
        raise ValueError(f"config.task.methods=() is empty; use one of {', '.join(METHODS)}")
    for method in config.task.methods:
        check_choice("config.task.methods", method, tuple(METHODS))
    check_int("config.task.negatives", config.task.negatives, 1)
    check(config)


STUDY = Study(
    run,
    settings={
        **SETTINGS,
        "methods": "",
        "negatives": "",
        "subsample": "(0, inf)",
        "cbow_learning_rate": "(0, inf)",
    },
    columns=COLUMNS,
    figures=("word2vec",),
    check=check_word2vec,
)
