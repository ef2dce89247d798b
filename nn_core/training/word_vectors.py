"""Trains word vectors: an epoch is one compiled scan, and a pure function of (key, epoch) (F091-F094).

Vectors that change with time (F108) are out of scope: they are research without a settled method. What is
there for a text that grows is to go on: `epoch` takes any params, such as those of an earlier text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from nn_core.models.embeddings import Params, glove_losses, init_glove, init_word_vectors
from nn_core.models.word_blocks import Lookup, Pieces, cbow_lookup, skip_gram_lookup
from nn_core.text.blocks import draw_blocks
from nn_core.text.pairs import draw_negatives, thin_on_device
from nn_core.text.vocabulary import Corpus, check_window, keep_probabilities, negative_cumulative

METHODS = ("skip_gram", "cbow", "fasttext")
LAST_FACTOR = 1e-3  # the learning rate falls linearly to this share of itself


class Recipe(NamedTuple):
    """The structure of a training with negative sampling.

    Attributes:
        method: one of METHODS.
        features: E.
        window: most words on each side.
        negatives: K random words that a true one is told from.
        subsample: threshold above which frequent words are dropped at random; None: all are kept.
        epochs: passes over the corpus.
        num_blocks, block_size: centres of a step: block_size neighbours at num_blocks places.
        shared_negatives: M random words that all pairs of a step share, counted as `negatives`.
    """

    method: str = "skip_gram"
    features: int = 100
    window: int = 5
    negatives: int = 5
    subsample: float | None = 1e-3
    epochs: int = 5
    num_blocks: int = 4
    block_size: int = 32
    shared_negatives: int = 64


class WordTraining(NamedTuple):
    """A training as pure functions.

    Attributes:
        start: key -> params.
        epoch: (params, optimizer state, key, epoch number, learning rate) -> (params, optimizer state, mean loss).
        optimizer_state: params -> the state that the first epoch takes.
        steps: updates of an epoch.
    """

    start: Callable[[Array], Params]
    epoch: Callable[..., tuple[Params, object, Array]]
    optimizer_state: Callable[[Params], object]
    steps: int


def update_rows(params: Params, lookup: Lookup, learning_rate: Array) -> tuple[Params, Array]:
    """A step of gradient descent on the sum of the losses that touches the fetched rows only.

    Args:
        params: {"input": {"embedding": (V, E)}, "output": {"embedding": (V, E)}}.
        lookup: which rows, and their losses.
        learning_rate: > 0.
    Returns:
        (params, the sum of the losses). A row that is fetched several times takes the sum of its gradients.
    """
    inputs, outputs = params["input"]["embedding"], params["output"]["embedding"]
    rows = inputs[lookup.input_ids], outputs[lookup.output_ids]
    loss, (input_gradient, output_gradient) = jax.value_and_grad(lambda rows: lookup.losses(*rows).sum())(rows)
    inputs = inputs.at[lookup.input_ids].add(-learning_rate * input_gradient)
    outputs = outputs.at[lookup.output_ids].add(-learning_rate * output_gradient)
    return {"input": {"embedding": inputs}, "output": {"embedding": outputs}}, loss


def make_word_training(
    recipe: Recipe, corpus: Corpus, counts_V: np.ndarray, pieces: Pieces | None = None, num_pieces: int = 0
) -> WordTraining:
    """Skip-gram, CBOW or FastText on a corpus.

    Args:
        recipe: the structure.
        corpus: N words.
        counts_V: (V,) occurrences.
        pieces: of FastText, with `num_pieces` rows behind those of the words.
        num_pieces: >= 0.
    Returns:
        The training; nothing is compiled yet.
    Raises:
        ValueError: an unknown method, or a corpus smaller than its window.
    """
    if recipe.method not in METHODS or (recipe.method == "fasttext") != (pieces is not None):
        raise ValueError(f"method={recipe.method!r} must be one of {', '.join(METHODS)}, with pieces for fasttext only")
    check_window(corpus, recipe.window)
    keep_V = keep_probabilities(counts_V, recipe.subsample)
    cumulative_V = jnp.asarray(negative_cumulative(counts_V))
    kept = float((keep_V * counts_V).sum())
    steps = max(round(kept / (recipe.num_blocks * recipe.block_size)), 1)
    arrays = (jnp.asarray(corpus.ids_N), jnp.asarray(corpus.sentences_N), jnp.asarray(keep_V))
    shape = {name: getattr(recipe, name) for name in ("num_blocks", "block_size", "window")}

    def start(key: Array) -> Params:
        return init_word_vectors(jax.random.fold_in(key, 0), len(counts_V) + num_pieces, len(counts_V), recipe.features)

    def epoch(params: Params, state: object, key: Array, number: Array, learning_rate: Array) -> tuple:
        thin_key, block_key, negative_key = jax.random.split(jax.random.fold_in(key, 1 + number), 3)
        thin = thin_on_device(thin_key, *arrays)
        negatives_SM = draw_negatives(negative_key, cumulative_V, (steps, recipe.shared_negatives))

        def step(params: Params, drawn: tuple[Array, Array]) -> tuple[Params, Array]:
            index, negatives_M = drawn
            blocks = draw_blocks(jax.random.fold_in(block_key, index), thin, **shape)
            if recipe.method == "cbow":
                lookup = cbow_lookup(blocks, negatives_M, recipe.negatives)
            else:
                lookup = skip_gram_lookup(blocks, negatives_M, recipe.negatives, pieces)
            done = (number * steps + index) / (recipe.epochs * steps)
            params, loss = update_rows(params, lookup, learning_rate * jnp.maximum(1 - done, LAST_FACTOR))
            return params, loss / jnp.maximum(lookup.num_pairs, 1)

        params, losses = jax.lax.scan(step, params, (jnp.arange(steps), negatives_SM))
        return params, state, losses.mean()

    return WordTraining(start, epoch, lambda params: (), steps)


def make_glove_training(
    rows_P: np.ndarray,
    columns_P: np.ndarray,
    counts_P: np.ndarray,
    *,
    vocabulary_size: int,
    features: int,
    batch_size: int,
    optimizer: Callable[[Array], optax.GradientTransformation],
    x_max: float,
    alpha: float,
) -> WordTraining:
    """GloVe on the pairs that occur; the vectors to use are the sums of both tables.

    Args:
        rows_P, columns_P, counts_P: from `cooccurrences`, P >= 1.
        vocabulary_size: V.
        features: E.
        batch_size: pairs of a step.
        optimizer: learning rate -> transformation.
        x_max, alpha: of the weights.
    Returns:
        The training; an epoch draws as many pairs as there are.
    """
    rows, columns, counts = jnp.asarray(rows_P), jnp.asarray(columns_P), jnp.asarray(counts_P, jnp.float32)
    steps = max(-(-len(rows_P) // batch_size), 1)

    def start(key: Array) -> Params:
        return init_glove(jax.random.fold_in(key, 0), vocabulary_size, features)

    def epoch(params: Params, state: object, key: Array, number: Array, learning_rate: Array) -> tuple:
        order_SB = jax.random.randint(jax.random.fold_in(key, 1 + number), (steps, batch_size), 0, len(rows_P))
        transformation = optimizer(learning_rate)

        def step(carry: tuple, places_B: Array) -> tuple[tuple, Array]:
            params, state = carry
            batch = rows[places_B], columns[places_B], counts[places_B]
            loss, gradients = jax.value_and_grad(
                lambda params: glove_losses(params, *batch, x_max=x_max, alpha=alpha).mean()
            )(params)
            updates, state = transformation.update(gradients, state, params)
            return (optax.apply_updates(params, updates), state), loss

        (params, state), losses = jax.lax.scan(step, (params, state), order_SB)
        return params, state, losses.mean()

    return WordTraining(start, epoch, lambda params: optimizer(jnp.float32(0)).init(params), steps)


def run_epochs(
    training: WordTraining, epoch: Callable[..., tuple], key: Array, epochs: int, learning_rate: float
) -> tuple[Params, list[float]]:
    """The host's loop over epochs.

    Args:
        training: what to train.
        epoch: `training.epoch`, compiled; it may donate its first two arguments.
        key: typed key; it decides everything.
        epochs: >= 0.
        learning_rate: > 0.
    Returns:
        (params, the mean loss of each epoch).
    """
    params = training.start(key)
    state = training.optimizer_state(params)
    losses = []
    for number in range(epochs):
        params, state, loss = epoch(params, state, key, jnp.int32(number), jnp.float32(learning_rate))
        losses.append(float(loss))
    return params, losses
