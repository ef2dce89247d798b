"""Skip-gram, CBOW and FastText over blocks of words, as functions of the fetched rows alone (F091, F092, F094).

A loss that sees rows, not tables, has a gradient for these rows only; the owner of the tables adds it to them. The sums
equal those of `models.embeddings`, pair by pair.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.models.embeddings import masked_mean, negative_sampling_losses
from nn_core.text.blocks import Blocks


class Lookup(NamedTuple):
    """What a step of training fetches from the two tables.

    Attributes:
        input_ids: (..., ) rows of the input table, of any shape.
        output_ids: (O,) rows of the output table: true partners, then the M negatives.
        losses: (input rows (..., E), output rows (O, E)) -> losses of any shape.
        num_pairs: number of pairs of a true word and a partner, which divides the sum of the losses.
    """

    input_ids: Array
    output_ids: Array
    losses: Callable[[Array, Array], Array]
    num_pairs: Array


class Pieces(NamedTuple):
    """FastText's rows of each word: (V, G) rows of the input table, and which of them are not padding."""

    rows_VG: Array
    keep_VG: Array


def skip_gram_lookup(blocks: Blocks, negatives_M: Array, num_negatives: float, pieces: Pieces | None = None) -> Lookup:
    """Every centre predicts the words near it; with `pieces` its vector is the mean over its n-grams (FastText).

    Args:
        blocks: words and windows.
        negatives_M: ids of random words, shared by all pairs.
        num_negatives: K, what the M negatives count as.
        pieces: of FastText; None: word2vec.
    Returns:
        The rows, and their losses (B, T): sums over the pairs of each centre.
    """
    centres_BT = _centres(blocks)
    num_blocks, length = blocks.ids_BL.shape
    counts_BT = blocks.near_BTL.sum(axis=2)

    def losses(input_rows: Array, outputs_OE: Array) -> Array:
        if pieces is None:
            vectors_BTE = input_rows
        else:
            kept_NG = pieces.keep_VG[centres_BT].reshape(-1, pieces.keep_VG.shape[1])
            vectors_NE = masked_mean(input_rows.reshape(*kept_NG.shape, -1), kept_NG)
            vectors_BTE = vectors_NE.reshape(*centres_BT.shape, -1)
        partners_BLE = outputs_OE[: num_blocks * length].reshape(num_blocks, length, -1)
        scores_BTL = jnp.einsum("bte,ble->btl", vectors_BTE, partners_BLE)
        positive_BT = (blocks.near_BTL * jax.nn.softplus(-scores_BTL)).sum(axis=2)
        negative_BT = _negative_sums(vectors_BTE, outputs_OE[num_blocks * length :])
        return positive_BT + counts_BT * negative_BT * (num_negatives / negatives_M.shape[0])

    output_ids = jnp.concatenate([blocks.ids_BL.reshape(-1), negatives_M])
    input_ids = centres_BT if pieces is None else pieces.rows_VG[centres_BT]
    return Lookup(input_ids, output_ids, losses, counts_BT.sum())


def cbow_lookup(blocks: Blocks, negatives_M: Array, num_negatives: float) -> Lookup:
    """The mean of the words near a centre predicts it; arguments as `skip_gram_lookup`, losses (B T,)."""
    centres_BT = _centres(blocks)
    counts_BT = blocks.near_BTL.sum(axis=2)
    some_N = (counts_BT > 0).reshape(-1)

    def losses(inputs_BLE: Array, outputs_OE: Array) -> Array:
        sums_BTE = jnp.einsum("btl,ble->bte", blocks.near_BTL, inputs_BLE)
        means_BTE = sums_BTE / jnp.maximum(counts_BT, 1)[:, :, None]
        means_NE = means_BTE.reshape(some_N.shape[0], -1)
        targets_NE, negatives_ME = outputs_OE[: some_N.shape[0]], outputs_OE[some_N.shape[0] :]
        return negative_sampling_losses(means_NE, targets_NE, negatives_ME, num_negatives) * some_N

    output_ids = jnp.concatenate([centres_BT.reshape(-1), negatives_M])
    return Lookup(blocks.ids_BL, output_ids, losses, some_N.sum())


def _centres(blocks: Blocks) -> Array:
    _, block_size, length = blocks.near_BTL.shape
    window = (length - block_size) // 2
    return blocks.ids_BL[:, window : window + block_size]


def _negative_sums(vectors_BTE: Array, negatives_ME: Array) -> Array:
    """Sum over the negatives of -log s(-v·u), one matrix product: (B, T)."""
    scores_NM = vectors_BTE.reshape(-1, vectors_BTE.shape[-1]) @ negatives_ME.T
    return jax.nn.softplus(scores_NM).sum(axis=1).reshape(vectors_BTE.shape[:2])
