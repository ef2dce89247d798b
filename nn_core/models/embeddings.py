"""Embedding tables and the losses that train word, document, user and item vectors (F090-F094, F096-F107).

Every loss is a pure function of parameters and a batch of indices, so any optimizer, `vmap` and `scan` apply to it.
Word vectors have two tables, {"input": {"embedding": (V, E)}, "output": {"embedding": (V, E)}}: a word as the centre
and as the context. The input table is used afterwards.
"""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from nn_core.models.layers import Dense

Params = Any


class Embedding(nn.Module):
    """A table of vectors, one for each id: the same as a product with one-hot rows, without the product (F090).

    Attributes:
        vocabulary_size: V >= 1 rows.
        features: E >= 1 numbers a row; no rule says how many (S32).
        embedding_init: initializer of the (V, E) table.
    """

    vocabulary_size: int
    features: int
    embedding_init: nn.initializers.Initializer = nn.initializers.normal(1.0)

    def setup(self) -> None:
        if self.vocabulary_size < 1 or self.features < 1:
            raise ValueError(
                f"vocabulary_size={self.vocabulary_size} and features={self.features}; both must be at least 1"
            )
        self.embedding = self.param("embedding", self.embedding_init, (self.vocabulary_size, self.features))

    def __call__(self, ids: Array) -> Array:
        """Looks up vectors.

        Args:
            ids: integers of any shape, 0 <= id < V; check them where data enters, since an id that is too large gives
                NaN here.
        Returns:
            (..., E).
        """
        return jnp.take(self.embedding, ids, axis=0)

    def attend(self, inputs: Array) -> Array:
        """Dot product with every row, for an output layer tied to the table: (..., E) -> (..., V)."""
        leading = inputs.shape[:-1]
        return (inputs.reshape(-1, self.features) @ self.embedding.T).reshape(*leading, self.vocabulary_size)


def init_word_vectors(key: Array, num_inputs: int, num_outputs: int, features: int) -> Params:
    """word2vec's start: inputs uniform in (-0.5, 0.5) / E, outputs zero.

    Args:
        key: typed key.
        num_inputs: rows of the input table (words, n-grams or documents).
        num_outputs: rows of the output table (words).
        features: E.
    Returns:
        The two tables.
    """
    inputs = jax.random.uniform(key, (num_inputs, features), minval=-0.5, maxval=0.5) / features
    return {"input": {"embedding": inputs}, "output": {"embedding": jnp.zeros((num_outputs, features))}}


def negative_sampling_losses(vectors_BE: Array, targets_BE: Array, negatives: Array, num_negatives: float) -> Array:
    """Tells a true pair from random ones: -log s(v·u) - sum over K negatives of log s(-v·u_k), s the sigmoid.

    Args:
        vectors_BE: (B, E) input vectors v.
        targets_BE: (B, E) output vectors u of the true partners.
        negatives: (B, K, E) output vectors u_k, drawn for each pair; or (M, E), one draw shared by the batch, which
            needs only one matrix product; the M terms are scaled to count as `num_negatives`.
        num_negatives: K.
    Returns:
        (B,) losses (Mikolov et al. 2013, equation 4).
    """
    positive_B = jax.nn.softplus(-jnp.sum(vectors_BE * targets_BE, axis=-1))
    if negatives.ndim == 2:
        negative_B = jax.nn.softplus(vectors_BE @ negatives.T).sum(axis=-1) * (num_negatives / negatives.shape[0])
    else:
        negative_B = jax.nn.softplus(jnp.einsum("be,bke->bk", vectors_BE, negatives)).sum(axis=-1)
    return positive_B + negative_B


def skip_gram_losses(
    params: Params, centres_B: Array, contexts_B: Array, negatives: Array, num_negatives: float
) -> Array:
    """Skip-gram: predicts a context word from the centre word (F091).

    Args:
        params: the two tables.
        centres_B: (B,) word ids.
        contexts_B: (B,) ids of a word near each.
        negatives: (B, K) or shared (M,) ids of random words.
        num_negatives: K.
    Returns:
        (B,) losses.
    """
    inputs, outputs = params["input"]["embedding"], params["output"]["embedding"]
    return negative_sampling_losses(inputs[centres_B], outputs[contexts_B], outputs[negatives], num_negatives)


def cbow_losses(
    params: Params, contexts_BW: Array, keep_BW: Array, centres_B: Array, negatives: Array, num_negatives: float
) -> Array:
    """CBOW: predicts the centre word from the mean of the words around it (F092).

    Args:
        params: the two tables.
        contexts_BW: (B, W) ids of the words around.
        keep_BW: (B, W) booleans, False where there is no word.
        centres_B: (B,) ids.
        negatives: (B, K) or shared (M,) ids.
        num_negatives: K.
    Returns:
        (B,) losses, 0 where a window is empty.
    """
    inputs, outputs = params["input"]["embedding"], params["output"]["embedding"]
    means_BE = masked_mean(inputs[contexts_BW], keep_BW)
    losses_B = negative_sampling_losses(means_BE, outputs[centres_B], outputs[negatives], num_negatives)
    return losses_B * keep_BW.any(axis=1)


def fasttext_losses(
    params: Params, pieces_BG: Array, keep_BG: Array, contexts_B: Array, negatives: Array, num_negatives: float
) -> Array:
    """Skip-gram in which a word's vector is the mean of its own and its n-grams' (F094; Bojanowski et al. 2017).

    Args:
        params: the two tables; rows of the input table are words, then n-gram buckets.
        pieces_BG: (B, G) rows of each centre word, see `text.ngrams`.
        keep_BG: (B, G) booleans, False for padding.
        contexts_B, negatives, num_negatives: as `skip_gram_losses`.
    Returns:
        (B,) losses.
    """
    inputs, outputs = params["input"]["embedding"], params["output"]["embedding"]
    means_BE = masked_mean(inputs[pieces_BG], keep_BG)
    return negative_sampling_losses(means_BE, outputs[contexts_B], outputs[negatives], num_negatives)


def masked_mean(vectors_BWE: Array, keep_BW: Array) -> Array:
    """Mean of the vectors that count, (B, E); 0 where none does. Also a document's vector from its words (F096)."""
    weights_BW = keep_BW.astype(vectors_BWE.dtype)
    totals_BE = jnp.einsum("bw,bwe->be", weights_BW, vectors_BWE)
    return totals_BE / jnp.maximum(weights_BW.sum(axis=1), 1)[:, None]


def init_glove(key: Array, vocabulary_size: int, features: int) -> Params:
    """GloVe's start: both tables uniform in (-0.5, 0.5) / E, biases zero."""
    tables = {}
    for name, table_key in zip(("input", "output"), jax.random.split(key), strict=True):
        table_VE = jax.random.uniform(table_key, (vocabulary_size, features), minval=-0.5, maxval=0.5) / features
        tables[name] = {"embedding": table_VE, "bias": jnp.zeros((vocabulary_size,))}
    return tables


def glove_losses(
    params: Params,
    rows_B: Array,
    columns_B: Array,
    counts_B: Array,
    *,
    x_max: float | Array = 100.0,
    alpha: float | Array = 0.75,
) -> Array:
    """GloVe: f(X) (v·u + b + c - log X)^2 with f(X) = min(X / x_max, 1)^alpha (F093; Pennington et al. 2014).

    Args:
        params: {"input": {embedding, bias}, "output": {embedding, bias}}; v + u is used afterwards.
        rows_B: (B,) word ids.
        columns_B: (B,) context ids.
        counts_B: (B,) co-occurrences X > 0 of each pair.
        x_max: count from which on pairs weigh the same.
        alpha: exponent of the weight.
    Returns:
        (B,) losses.
    """
    v, u = params["input"], params["output"]
    dots_B = jnp.sum(v["embedding"][rows_B] * u["embedding"][columns_B], axis=-1)
    errors_B = dots_B + v["bias"][rows_B] + u["bias"][columns_B] - jnp.log(counts_B)
    return jnp.minimum(counts_B / x_max, 1.0) ** alpha * jnp.square(errors_B)


def unit(vectors: Array, epsilon: float = 1e-12) -> Array:
    """Vectors of length 1 along the last axis; a zero vector stays zero, with a finite gradient."""
    return vectors * jax.lax.rsqrt(jnp.maximum(jnp.sum(jnp.square(vectors), axis=-1, keepdims=True), epsilon))


def info_nce_losses(left_BE: Array, right_BE: Array, temperature: float | Array, same_BB: Array | None = None) -> Array:
    """Contrastive loss of a joint space, both ways: each left finds its right in the batch, and back (F107).

        -log(sum over partners exp(cos / temperature) / sum over all exp(cos / temperature))

    Args:
        left_BE: (B, E) vectors of one kind, for instance images.
        right_BE: (B, E) vectors of the other; row b belongs to row b.
        temperature: > 0; CLIP starts at 0.07.
        same_BB: booleans, which right entries are partners of which left ones; None: the diagonal. Needed where a batch holds the
            same word twice, which would otherwise count as wrong.
    Returns:
        (B,) the mean of both directions.
    """
    logits_BB = (unit(left_BE) @ unit(right_BE).T) / temperature
    same_BB = jnp.eye(logits_BB.shape[0], dtype=bool) if same_BB is None else same_BB
    partners_BB = jnp.where(same_BB, logits_BB, -jnp.inf)

    def one_way(axis: int) -> Array:
        return jax.nn.logsumexp(logits_BB, axis=axis) - jax.nn.logsumexp(partners_BB, axis=axis)

    return 0.5 * (one_way(1) + one_way(0))


class JointSpace(nn.Module):
    """Images and words in one space (F107).

    Attributes:
        vocabulary_size: number of words.
        features: E of the space.
        hidden_size: width of the image network's hidden layer.
    """

    vocabulary_size: int
    features: int = 16
    hidden_size: int = 128

    @nn.compact
    def __call__(self, images: Array, words_B: Array, deterministic: bool = True) -> tuple[Array, Array]:
        """Returns unit vectors of (B, ...) images and of (B,) word ids, each (B, E)."""
        del deterministic
        hidden_BF = nn.relu(Dense(self.hidden_size, name="hidden")(images.reshape(images.shape[0], -1)))
        images_BE = Dense(self.features, name="image")(hidden_BF)
        return unit(images_BE), unit(Embedding(self.vocabulary_size, self.features, name="word")(words_B))


class MatrixFactorization(nn.Module):
    """Ratings from user and item vectors: mean + b_u + b_i + p_u · q_i (F106; Koren et al. 2009).

    An item's vector is q_i = content_i W + r_i with r_i starting at zero, so an item without a rating is judged by its
    content alone. The id -1 means a user or item that is in no table: its vector and bias are zero. Both are the
    cold start.

    Attributes:
        num_users, num_items: rows of the tables.
        features: E.
        mean: of all training ratings.
    """

    num_users: int
    num_items: int
    features: int = 16
    mean: float | Array = 0.0

    @nn.compact
    def __call__(self, pairs_B2: Array, content_IK: Array | None = None, deterministic: bool = True) -> Array:
        """Predicts ratings.

        Args:
            pairs_B2: (B, 2) user and item ids, -1 for unknown ones (with content, an item must be known by its id).
            content_IK: (num_items, K) known properties of the items, or None.
            deterministic: has no effect.
        Returns:
            (B, 1) ratings.
        """
        del deterministic
        users_B, items_B = pairs_B2[:, 0], pairs_B2[:, 1]
        zeros = nn.initializers.zeros_init()
        small = nn.initializers.normal(0.1)
        users_BE = self._rows(self.num_users, self.features, small, "user", users_B)
        items_BE = self._rows(self.num_items, self.features, zeros, "item", items_B)
        user_bias_B1 = self._rows(self.num_users, 1, zeros, "user_bias", users_B)
        item_bias_B1 = self._rows(self.num_items, 1, zeros, "item_bias", items_B)
        if content_IK is not None:
            content_BK = content_IK[items_B]
            items_BE = items_BE + Dense(self.features, use_bias=False, name="content")(content_BK)
            item_bias_B1 = item_bias_B1 + Dense(1, use_bias=False, name="content_bias")(content_BK)
        return self.mean + user_bias_B1 + item_bias_B1 + jnp.sum(users_BE * items_BE, axis=-1, keepdims=True)

    def _rows(self, size: int, features: int, init: nn.initializers.Initializer, name: str, ids_B: Array) -> Array:
        rows_BE = Embedding(size, features, init, name=name)(jnp.maximum(ids_B, 0))
        return jnp.where((ids_B >= 0)[:, None], rows_BE, 0)
