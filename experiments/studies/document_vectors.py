"""Vectors of whole documents: trained ones, means of word vectors, and bags of words (F096)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, seeds_of
from nn_core.data.checks import check_int
from nn_core.data.world import KINDS, world_sentences
from nn_core.models.embeddings import init_word_vectors, skip_gram_losses
from nn_core.text.pairs import draw_negatives
from nn_core.text.projection import principal_components, tsne
from nn_core.text.vectors import WordVectors
from nn_core.text.vocabulary import WordVocabulary, build_vocabulary, encode_corpus, negative_cumulative
from nn_core.text.word_evaluation import centroid_accuracy, mean_vectors
from nn_core.text.words import split_words
from nn_core.training.word_vectors import Recipe, make_word_training, run_epochs

NEGATIVES, SHARED = 5, 64
LABELLED = 2  # documents of each kind that carry a label
NEW = 0.25  # share of the documents that come after the training
WORD_EPOCHS, WORD_RATE = 60, 0.025
METHODS = ("document vectors", "mean of word vectors", "bag of words")


def make_documents(num_documents: int, sentences: int, seed: int) -> tuple[list[list[str]], np.ndarray]:
    """Documents in random order, each of some sentences about one kind of thing, as words; and their kinds."""
    texts, kinds_N = world_sentences(num_sentences=3 * num_documents * sentences, seed=seed)
    documents, kinds = [], []
    for kind in range(len(KINDS)):
        own = [split_words(texts[place]) for place in np.flatnonzero(kinds_N == kind)]
        for index in range(num_documents // len(KINDS)):
            part = own[index * sentences : (index + 1) * sentences]
            documents.append([word for sentence in part for word in sentence])
            kinds.append(kind)
    order = np.random.default_rng(seed).permutation(len(documents))
    return [documents[place] for place in order], np.array(kinds)[order]


def train_documents(
    task: ConfigDict, documents: list[list[str]], vocabulary: WordVocabulary, key: Array, outputs: Array | None
) -> tuple[np.ndarray, Array]:
    """PV-DBOW (Le and Mikolov 2014): a document's vector predicts its words.

    Args:
        task: features, learning_rate, steps, batch_size.
        documents: D lists of words.
        vocabulary: V words.
        key: typed key.
        outputs: (V, E) fixed word vectors, for later documents; None: they are trained too.
    Returns:
        (documents' vectors (D, E), the words' (V, E)).
    """
    corpus = encode_corpus(documents, vocabulary)  # a document is one sentence of the corpus
    owners_N, ids_N = jnp.asarray(corpus.sentences_N), jnp.asarray(corpus.ids_N)
    cumulative_V = jnp.asarray(negative_cumulative(vocabulary.counts_V))
    optimizer = optax.adam(task.learning_rate)

    def fit(key: Array) -> Any:
        start_key, step_key = jax.random.split(key)
        start = init_word_vectors(start_key, len(documents), len(vocabulary.words), task.features)
        if outputs is not None:
            start["output"]["embedding"] = outputs

        def loss(params: Any, key: Array) -> Array:
            word_key, negative_key = jax.random.split(key)
            places_B = jax.random.randint(word_key, (task.batch_size,), 0, len(corpus.ids_N))
            negatives_M = draw_negatives(negative_key, cumulative_V, (SHARED,))
            return skip_gram_losses(params, owners_N[places_B], ids_N[places_B], negatives_M, NEGATIVES).mean()

        def step(carry: tuple, key: Array) -> tuple[tuple, None]:
            params, state = carry
            gradients = jax.grad(loss)(params, key)
            if outputs is not None:
                gradients["output"] = jax.tree.map(jnp.zeros_like, gradients["output"])
            updates, state = optimizer.update(gradients, state)
            return (optax.apply_updates(params, updates), state), None

        carry = (start, optimizer.init(start))
        return jax.lax.scan(step, carry, jax.random.split(step_key, task.steps))[0][0]

    params = compiled(fit)(key)
    vectors_DE = np.asarray(params["input"]["embedding"])
    return vectors_DE / np.linalg.norm(vectors_DE, axis=1, keepdims=True), params["output"]["embedding"]


def run(config: ConfigDict) -> Outcome:
    """Every method on every seed's documents."""
    task = config.task
    rows: list[Row] = []
    arrays: dict[str, np.ndarray] = {}
    for seed in seeds_of(config):
        documents, kinds_D = make_documents(task.documents, task.sentences, seed)
        first = round((1 - NEW) * len(documents))
        vocabulary = build_vocabulary(documents[:first], min_count=2)
        old_key, new_key, word_key = jax.random.split(jax.random.key(seed), 3)
        old_DE, words_VE = train_documents(task, documents[:first], vocabulary, old_key, None)
        new_DE, _ = train_documents(task, documents[first:], vocabulary, new_key, words_VE)
        one_hot = WordVectors(vocabulary.words, np.eye(len(vocabulary.words), dtype=np.float32))
        vectors = {
            METHODS[0]: np.concatenate([old_DE, new_DE]),
            METHODS[1]: mean_vectors(train_words(task, documents[:first], vocabulary, word_key), documents),
            METHODS[2]: mean_vectors(one_hot, documents),
        }
        few = np.concatenate([np.flatnonzero(kinds_D[:first] == kind)[:LABELLED] for kind in range(len(KINDS))])
        for label, found_DE in vectors.items():
            rest = np.setdiff1d(np.arange(first), few)
            judge = {"known": rest, "new": np.arange(first, len(documents))}
            row = {
                name: centroid_accuracy(found_DE[few], kinds_D[few], found_DE[chosen], kinds_D[chosen])
                for name, chosen in judge.items()
            }
            rows.append({"label": label, "seed": seed} | row | {"neighbour": same_neighbour(found_DE, kinds_D)})
        if seed == config.seed:
            for index, label in enumerate(METHODS):
                shown = vectors[label][first:]
                arrays |= {
                    f"{index}_pca": principal_components(shown).points_N2,
                    f"{index}_tsne": tsne(shown).points_N2,
                }
            arrays["kinds"] = kinds_D[first:]
    return Outcome(rows, arrays)


def train_words(task: ConfigDict, documents: list[list[str]], vocabulary: WordVocabulary, key: Array) -> WordVectors:
    """Skip-gram on the same documents."""
    recipe = Recipe(features=task.features, epochs=WORD_EPOCHS)
    training = make_word_training(recipe, encode_corpus(documents, vocabulary), vocabulary.counts_V)
    params, _ = run_epochs(training, compiled(training.epoch, donate_argnums=(0, 1)), key, WORD_EPOCHS, WORD_RATE)
    return WordVectors(vocabulary.words, params["input"]["embedding"])


def same_neighbour(vectors_DE: np.ndarray, kinds_D: np.ndarray) -> float:
    """The share of documents whose nearest neighbour, by the cosine, is of the same kind."""
    units_DE = vectors_DE / np.maximum(np.linalg.norm(vectors_DE, axis=1, keepdims=True), 1e-12)
    cosines_DD = units_DE @ units_DE.T - 2 * np.eye(len(units_DE))
    return float((kinds_D[cosines_DD.argmax(axis=1)] == kinds_D).mean())


def check(config: ConfigDict) -> None:
    """Raises ValueError for numbers out of range."""
    task = config.task
    check_int("config.task.documents", task.documents, 40, 20_000)
    for name in ("sentences", "batch_size"):
        check_int(f"config.task.{name}", task[name], 1)
    check_int("config.task.features", task.features, 2)


STUDY = Study(
    run,
    settings={
        "documents": "",
        "sentences": "",
        "features": "[1, 4096]",
        "learning_rate": "(0, inf)",
        "batch_size": "[1, inf)",
        "steps": "[1, 100000]",
    },
    columns=("known", "new", "neighbour"),
    figures=("document_vectors",),
    check=check,
)
