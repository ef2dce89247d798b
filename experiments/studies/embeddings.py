"""Embeddings in a classifier: learned with the task, random and frozen, pretrained and frozen or tuned (F097, F099).

See also F105.
"""

from collections.abc import Callable
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, make_rows, seeds_of
from nn_core.data.checks import check_int
from nn_core.data.opinions import opinions
from nn_core.losses import cross_entropy
from nn_core.models.flattened import FlattenedEmbeddings, pad_ids
from nn_core.models.mlp import MLP
from nn_core.text.bag_of_words import fit_bag_of_words
from nn_core.text.vocabulary import WordVocabulary, build_vocabulary, encode_corpus
from nn_core.text.words import split_words
from nn_core.training.word_vectors import Recipe, make_word_training, run_epochs

TEST = 1000
UNLABELLED = 6000  # sentences that the pretrained vectors come from
LENGTH = 12  # tokens of a text; the longest has 9
WORD_EPOCHS, WORD_RATE = 10, 0.025


def pretrained(vocabulary: WordVocabulary, texts: list[list[str]], features: int, key: Array) -> np.ndarray:
    """Skip-gram vectors of unlabelled sentences with unit variance: a row of zeros for padding, then a row for each word."""
    training = make_word_training(
        Recipe(features=features, window=3, epochs=WORD_EPOCHS), encode_corpus(texts, vocabulary), vocabulary.counts_V
    )
    params, _ = run_epochs(training, compiled(training.epoch, donate_argnums=(0, 1)), key, WORD_EPOCHS, WORD_RATE)
    table_VE = np.asarray(params["input"]["embedding"])
    return np.concatenate([np.zeros((1, features), np.float32), table_VE / table_VE.std()])


def fit(task: ConfigDict, model: nn.Module, inputs: Array, labels_N: Array, test: Array, key: Array) -> tuple:
    """Trains on all examples at once; returns (test logits, training loss of each step)."""
    optimizer, apply = optax.adam(task.learning_rate), cast(Callable[..., Array], model.apply)

    def train(key: Array, inputs: Array, labels_N: Array, test: Array) -> tuple[Array, Array]:
        params = model.init(key, inputs[:1])["params"]

        def loss(params: Any) -> Array:
            return cross_entropy(apply({"params": params}, inputs), labels_N)

        def step(carry: tuple, _: None) -> tuple[tuple, Array]:
            params, state = carry
            value, gradients = jax.value_and_grad(loss)(params)
            updates, state = optimizer.update(gradients, state)
            return (optax.apply_updates(params, updates), state), value

        (params, _), losses = jax.lax.scan(step, (params, optimizer.init(params)), None, task.steps)
        return apply({"params": params}, test), losses

    return compiled(train)(key, inputs, labels_N, test)


def run(config: ConfigDict) -> Outcome:
    """Every kind of embedding at every number of labelled sentences, and a bag of words."""
    task, seeds = config.task, seeds_of(config)
    rows: list[Row] = []
    for count in task.examples:
        accuracies: dict[str, list[float]] = {}
        for seed in seeds:
            for label, accuracy in one_seed(task, count, seed).items():
                accuracies.setdefault(label, []).append(accuracy)
        for label, values in accuracies.items():
            rows += make_rows(f"{label}: {count} sentences", seeds, accuracy=values)
    return Outcome(rows, {"examples": np.array(task.examples)})


def one_seed(task: ConfigDict, count: int, seed: int) -> dict[str, float]:
    """Test accuracy of each kind."""
    texts, labels_N = opinions(num_examples=count + TEST + UNLABELLED, seed=seed)
    words = [split_words(text) for text in texts]
    vocabulary = build_vocabulary(words, min_count=1)
    index = {word: place + 1 for place, word in enumerate(vocabulary.words)}
    ids_NT = pad_ids([[index[word] for word in row] for row in words[: count + TEST]], LENGTH)
    word_key, fit_key = jax.random.split(jax.random.key(seed))
    table_VE = jnp.asarray(pretrained(vocabulary, words[count + TEST :], task.features, word_key))
    train, test = slice(0, count), slice(count, count + TEST)
    labels = jnp.asarray(labels_N)
    shape = (len(index) + 1, task.features, task.hidden_size, 2)

    def given(key: Array, shape: Any, dtype: Any = jnp.float32) -> Array:
        return table_VE

    models = {
        "learned with the task": FlattenedEmbeddings(*shape),
        "random, frozen": FlattenedEmbeddings(*shape, freeze=True),
        "pretrained, frozen": FlattenedEmbeddings(*shape, freeze=True, embedding_init=given),
        "pretrained, tuned": FlattenedEmbeddings(*shape, embedding_init=given),
    }
    found = {}
    for label, model in models.items():
        logits, _ = fit(task, model, ids_NT[train], labels[train], ids_NT[test], fit_key)
        found[label] = float(np.mean(np.argmax(logits, axis=1) == labels_N[test]))
    vectors = jnp.asarray(fit_bag_of_words(texts, stop_words=()).vectors(texts[: count + TEST]))
    bag = MLP(hidden_sizes=(task.hidden_size,), num_outputs=2)
    logits, _ = fit(task, bag, vectors[train], labels[train], vectors[test], fit_key)
    return found | {"bag of words": float(np.mean(np.argmax(logits, axis=1) == labels_N[test]))}


def check(config: ConfigDict) -> None:
    """Raises ValueError for numbers out of range."""
    for count in config.task.examples:
        check_int("config.task.examples", count, 16, 100_000)
    check_int("config.task.features", config.task.features, 2)
    check_int("config.task.hidden_size", config.task.hidden_size, 1)


STUDY = Study(
    run,
    settings={
        "examples": "[16, 10000000]",
        "features": "[1, 4096]",
        "hidden_size": "",
        "learning_rate": "(0, inf)",
        "steps": "[1, 100000]",
    },
    columns=("accuracy",),
    figures=("embeddings",),
    check=check,
)
