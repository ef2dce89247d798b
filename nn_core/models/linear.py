"""One linear layer: linear, logistic and softmax regression, and from logits to decisions (F007, F020)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import Initializer

from nn_core.models.layers import Dense


class Linear(nn.Module):
    """The linear model z = x W + b, under the name `dense_0`: the same parameters as an `MLP` without hidden layers.

    With one output z is the prediction of linear regression or the logit of logistic regression, P(y=1) = sigma(z)
    (F020); with one output per class it is the argument of softmax.

    Attributes:
      num_outputs: 1, or the number of classes.
      use_bias: whether b is there.
      kernel_init: initializer of W; zeros by default, since the problem is convex.
      bias_init: initializer of b.
    """

    num_outputs: int
    use_bias: bool = True
    kernel_init: Initializer = nn.initializers.zeros_init()
    bias_init: Initializer = nn.initializers.zeros_init()

    @nn.compact
    def __call__(self, inputs: Array, deterministic: bool = True) -> Array:
        """Applies the layer.

        Args:
          inputs: (..., D) features.
          deterministic: without effect; every model takes it.

        Returns:
          (..., num_outputs) predictions or logits.

        Raises:
          ValueError: `num_outputs` below 1.
        """
        if self.num_outputs < 1:
            raise ValueError(f"num_outputs={self.num_outputs} is below 1; use 1, or one output per class")
        return Dense(
            self.num_outputs,
            use_bias=self.use_bias,
            kernel_init=self.kernel_init,
            bias_init=self.bias_init,
            name="dense_0",
        )(inputs)


def predict_binary(logits: Array, threshold: Array | float = 0.5) -> Array:
    """The discrete prediction, 1 where P(y=1) = sigma(z) >= threshold (F007).

    Args:
      logits: (...) logits.
      threshold: probability in [0, 1]; the answer is yes at or above it.

    Returns:
      (...) int32 predictions in {0, 1}.
    """
    return (jax.nn.sigmoid(logits) >= threshold).astype(jnp.int32)


def predict_class(logits_NC: Array) -> Array:
    """The most probable class: (..., C) logits to (...) int32 indices; the first of equal logits."""
    return jnp.argmax(logits_NC, axis=-1).astype(jnp.int32)


def binary_confidence(logits: Array) -> Array:
    """How sure the model is of its own answer, max(p, 1 - p) in [1/2, 1] (S4).

    The prediction itself is P(y=1), which grows with the *signed* distance from the line; the confidence grows with the
    distance on both sides. Neither is the probability of being right unless the model is calibrated.

    Args:
      logits: (...) logits.

    Returns:
      (...) confidences.
    """
    # sigma(|z|) = max(sigma(z), 1 - sigma(z)) without the cancellation in 1 - p.
    return jax.nn.sigmoid(jnp.abs(logits))


def class_confidence(logits_NC: Array) -> Array:
    """The probability of the most probable class, (..., C) logits to (...) values in [1/C, 1]."""
    return jnp.max(jax.nn.softmax(logits_NC, axis=-1), axis=-1)


def signed_distance(kernel_D: Array, bias: Array | float, inputs_ND: Array) -> Array:
    """Distance from the line w . x + b = 0, positive on the side that is predicted 1 (F007).

    Args:
      kernel_D: (D,) weights, not all zero.
      bias: scalar.
      inputs_ND: (..., D) points.

    Returns:
      (...) distances, in the units of the inputs: the logit divided by |w|.
    """
    return (inputs_ND @ kernel_D + bias) / jnp.linalg.norm(kernel_D)
