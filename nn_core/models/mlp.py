"""The multi-layer perceptron: linear models combined by non-linear ones, to any depth (F027-F030)."""

from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
from jax import Array
from jax.nn.initializers import Initializer

from nn_core.models.layers import Dense, Dropout, LayerNorm

NORMALIZATIONS = (None, "layer")


class MLP(nn.Module):
    """Feed-forward network with named layers `dense_0 .. dense_L`; the last gives the outputs (logits or predictions).

        h_0 = x,   z_l = W_l h_{l-1} + b_l,   h_l = dropout(activation(norm(z_l))),   output = W_{L+1} h_L + b_{L+1}

    The notes' composition y = sigma . W2 . sigma . W1 (F030) is `hidden_sizes=(H,)` followed by the loss's own sigmoid;
    unlike in the notes (S13), every layer has a bias unless `use_bias=False`. `hidden_sizes=()` is the linear model.

    Each hidden layer sows `pre_activation_i` and `activation_i` into the collection "intermediates": see
    `hidden_activations`.

    Attributes:
      hidden_sizes: units of each hidden layer, each >= 1; () for none.
      num_outputs: output nodes, >= 1 (1 for a binary logit or a scalar regression, else one per class: F029).
      activation: elementwise function after each hidden layer.
      dropout_rate: probability in [0, 1) of dropping a hidden unit, may be a tracer; None: no dropout in the program.
      normalization: None, or "layer" for a LayerNorm before each activation.
      kernel_init: initializer of every kernel.
      bias_init: initializer of every bias.
      use_bias: whether the dense layers have biases.
    """

    hidden_sizes: Sequence[int]
    num_outputs: int
    activation: Callable[[Array], Array] = nn.relu
    dropout_rate: float | Array | None = None
    normalization: str | None = None
    kernel_init: Initializer = nn.initializers.lecun_normal()
    bias_init: Initializer = nn.initializers.zeros_init()
    use_bias: bool = True

    @nn.compact
    def __call__(self, inputs: Array, deterministic: bool = True) -> Array:
        """Applies the network.

        Args:
          inputs: (..., D) features.
          deterministic: False in training, where dropout draws from the rng collection "dropout".

        Returns:
          (..., num_outputs) outputs, without a final activation.

        Raises:
          ValueError: a width that is not positive, or an unknown normalization.
        """
        _check(self.hidden_sizes, self.num_outputs, self.normalization)
        x = inputs
        for i, width in enumerate(self.hidden_sizes):
            x = self._dense(width, i)(x)
            if self.normalization == "layer":
                x = LayerNorm(name=f"norm_{i}")(x)
            self.sow("intermediates", f"pre_activation_{i}", x)
            x = self.activation(x)
            self.sow("intermediates", f"activation_{i}", x)
            if self.dropout_rate is not None:
                x = Dropout(self.dropout_rate, name=f"dropout_{i}")(x, deterministic=deterministic)
        return self._dense(self.num_outputs, len(self.hidden_sizes))(x)

    def _dense(self, features: int, index: int) -> Dense:
        return Dense(
            features,
            use_bias=self.use_bias,
            kernel_init=self.kernel_init,
            bias_init=self.bias_init,
            name=f"dense_{index}",
        )


def _check(hidden_sizes: Sequence[int], num_outputs: int, normalization: str | None) -> None:
    if any(width < 1 for width in hidden_sizes):
        raise ValueError(
            f"hidden_sizes={tuple(hidden_sizes)} has a width below 1; use positive widths, or () for a linear model"
        )
    if num_outputs < 1:
        raise ValueError(f"num_outputs={num_outputs} is below 1; use 1 for a binary logit, else one output per class")
    if normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization={normalization!r} is unknown; use one of {NORMALIZATIONS}")


def hidden_activations(model: nn.Module, params: Any, inputs: Array, kind: str = "activation") -> tuple[Array, ...]:
    """The output of every hidden layer for a batch, first layer first (shows dead units and saturation, F040 and F057).

    Args:
      model: an `MLP`.
      params: its parameters (the content of the collection "params").
      inputs: (B, D) features.
      kind: "activation" (after the non-linearity, before dropout) or "pre_activation".

    Returns:
      One (B, H_i) array per hidden layer.
    """
    _, state = model.apply({"params": params}, inputs, mutable=["intermediates"])
    sown = state.get("intermediates", {})
    names = sorted((name for name in sown if name.startswith(f"{kind}_")), key=lambda name: int(name.rsplit("_", 1)[1]))
    return tuple(sown[name][0] for name in names)


def parameter_formula(sizes: Sequence[int], use_bias: bool = True) -> int:
    """Number of parameters of a dense network by hand, sum_i (n_i + 1) n_{i+1} (F028).

    Args:
      sizes: nodes per layer, inputs first and outputs last.
      use_bias: False drops the +1.

    Returns:
      The number of weights and biases.
    """
    return sum((fan_in + use_bias) * fan_out for fan_in, fan_out in zip(sizes[:-1], sizes[1:], strict=True))


def count_parameters(params: Any) -> int:
    """Number of scalars in a pytree of parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
