"""Token vectors laid end to end before a network: the simplest reader that knows the order of words (F105)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from nn_core.models.embeddings import Embedding
from nn_core.models.layers import Dense


class FlattenedEmbeddings(nn.Module):
    """Fixed-length texts: look up, flatten, one hidden layer, outputs.

    Attributes:
        vocabulary_size: V ids; the id 0 is padding, whose vector counts as zero.
        features: E of a vector.
        hidden_size: units.
        num_outputs: C.
        freeze: the table is used as it is and gets no gradient (F099).
        embedding_init: of the (V, E) table, for instance one that returns pretrained vectors.
    """

    vocabulary_size: int
    features: int
    hidden_size: int
    num_outputs: int
    freeze: bool = False
    embedding_init: nn.initializers.Initializer = nn.initializers.normal(1.0)

    @nn.compact
    def __call__(self, ids_BT: Array, deterministic: bool = True) -> Array:
        """Returns logits (B, C) of (B, T) ids, 0 where a text has ended."""
        del deterministic
        table = Embedding(self.vocabulary_size, self.features, self.embedding_init, name="table")
        vectors_BTE = table(ids_BT) * (ids_BT > 0)[..., None]
        if self.freeze:
            vectors_BTE = jax.lax.stop_gradient(vectors_BTE)
        hidden_BF = nn.relu(Dense(self.hidden_size, name="hidden")(vectors_BTE.reshape(ids_BT.shape[0], -1)))
        return Dense(self.num_outputs, name="output")(hidden_BF)


def pad_ids(rows: list[list[int]], length: int) -> Array:
    """Ids as (N, length) int32: 0 behind a text's end, cut where it is longer; ids must be >= 1."""
    if any(index < 1 for row in rows for index in row):
        raise ValueError("an id is below 1, which is padding; count words from 1")
    return jnp.asarray([(row + [0] * length)[:length] for row in rows], jnp.int32)
