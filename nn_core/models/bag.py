"""A linear model that sees which tokens a sequence holds, but not their order or number (F088, F089)."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from nn_core.models.layers import Dense


class BagOfTokens(nn.Module):
    """A dense layer on the binary vector of a sequence's tokens: "dog bites man" and "man bites dog" are one vector.

    Attributes:
        num_outputs: C >= 1.
        vocabulary_size: V.
        pad_id: a token that does not count; None: all count.
    """

    num_outputs: int
    vocabulary_size: int
    pad_id: int | None = None

    @nn.compact
    def __call__(self, ids_BT: Array, deterministic: bool = True) -> Array:
        """Reads ids (B, T); returns (B, num_outputs) logits."""
        rows_B1 = jnp.arange(ids_BT.shape[0])[:, None]
        bag_BV = jnp.zeros((ids_BT.shape[0], self.vocabulary_size)).at[rows_B1, ids_BT].set(1.0)
        if self.pad_id is not None:
            bag_BV = bag_BV.at[:, self.pad_id].set(0.0)
        return Dense(self.num_outputs, name="output")(bag_BV)
