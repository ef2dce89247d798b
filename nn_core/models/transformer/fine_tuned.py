"""A trained transformer with a new head that classifies texts, whatever it was first trained for (F073, F180)."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from nn_core.models.layers import Dense, Dropout
from nn_core.models.transformer.encoder import Encoder
from nn_core.models.transformer.gpt import GPT

NOTHING = -1  # id of padding: a language model has no token for it


class FineTuned(nn.Module):
    """The mean of a text's hidden states, and a dense layer. Leaves: "backbone", "output".

    Attributes:
      backbone: a language model, which reads from left to right, or an encoder.
      num_outputs: C >= 1.
      dropout_rate: before the head, may be a tracer; None: no dropout.
    """

    backbone: GPT | Encoder
    num_outputs: int
    dropout_rate: float | Array | None = None

    @nn.compact
    def __call__(self, ids_BT: Array, deterministic: bool = True) -> Array:
        """Logits.

        Args:
          ids_BT: int32, with NOTHING behind the end of a text.
          deterministic: False in training, where dropout draws from the rng collection "dropout".

        Returns:
          (B, C).
        """
        real_BT, hidden_BTD = ids_BT >= 0, self.hidden(ids_BT, deterministic)
        total_BD = jnp.sum(jnp.where(real_BT[..., None], hidden_BTD.astype(jnp.float32), 0.0), axis=1)
        mean_BD = total_BD / jnp.maximum(jnp.sum(real_BT, axis=1), 1)[:, None]
        mean_BD = Dropout(self.dropout_rate, name="dropout")(mean_BD, deterministic)
        return Dense(self.num_outputs, name="output")(mean_BD)

    def hidden(self, ids_BT: Array, deterministic: bool = True) -> Array:
        """What the backbone makes of each token, of the same arguments: (B, T, D); at padding it means nothing."""
        if isinstance(self.backbone, Encoder):
            ids_BT = jnp.where(ids_BT >= 0, ids_BT, self.backbone.pad_id)
            return self.backbone(ids_BT, None, deterministic)
        return self.backbone.hidden(jnp.maximum(ids_BT, 0), deterministic)
