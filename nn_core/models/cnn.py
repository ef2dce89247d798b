"""The demonstration network: convolutional layers, which see edges, then shapes, then more; then dense layers (F072).

Source: F072.
"""

from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
from jax import Array
from jax.nn.initializers import Initializer

from nn_core.activations import identity, relu
from nn_core.models.convolution import PADDINGS, POOLINGS, Conv, output_size
from nn_core.models.layers import Dense, Dropout, GroupNorm, LayerNorm

NORMALIZATIONS = ("none", "layer", "group")
WINDOW = 2  # of the pooling after each convolution
NON_DECREASING = (relu, nn.relu, identity)  # also in floating point: the maximum may be taken first


class CNN(nn.Module):
    """Layers `conv_0 .. conv_2`, `dense_0 .. dense_2` by default; the last one gives the outputs (logits).

        x = pool(activation(norm(conv(x))))  for each convolution, then, flattened,
        x = dropout(activation(norm(dense(x))))  for each hidden dense layer

    Every convolution sows its output after the activation as `feature_map_i` into the collection "intermediates", every
    hidden dense layer `activation_i`: see `feature_maps`.

    Attributes:
      num_outputs: output nodes, >= 1.
      channels: filters of each convolution, each >= 1.
      hidden_sizes: units of each hidden dense layer, each >= 1.
      kernel_size: side of the filters, >= 1.
      padding: "same" or "valid".
      pooling: "max", "average" or "none", of fields of 2 x 2.
      activation: elementwise function.
      dropout_rate: probability in [0, 1) of dropping a hidden dense unit, may be a tracer; None: no dropout.
      normalization: "none"; "layer": over the channels of a pixel or the units of a layer; "group": GroupNorm after
        convolutions, LayerNorm after dense layers.
      num_groups: of GroupNorm; must divide each of the channels.
      kernel_init, bias_init: initializers.
      use_bias: whether the layers have biases.
      formulation: see `nn_core.models.convolution.convolve`.
    """

    num_outputs: int
    channels: Sequence[int] = (16, 32, 64)
    hidden_sizes: Sequence[int] = (128, 64)
    kernel_size: int = 3
    padding: str = "same"
    pooling: str = "max"
    activation: Callable[[Array], Array] = nn.relu
    dropout_rate: float | Array | None = None
    normalization: str = "none"
    num_groups: int = 8
    kernel_init: Initializer = nn.initializers.he_normal()
    bias_init: Initializer = nn.initializers.zeros_init()
    use_bias: bool = True
    formulation: str | None = None

    @nn.compact
    def __call__(self, inputs_BHWC: Array, deterministic: bool = True) -> Array:
        """Applies the network.

        Args:
          inputs_BHWC: images.
          deterministic: False in training, where dropout draws from the rng collection "dropout".

        Returns:
          (B, num_outputs) outputs, without a final activation.

        Raises:
          ValueError: no images, images that are too small, sizes below 1, unknown names.
        """
        self._check(inputs_BHWC.shape)
        x, pools_first = inputs_BHWC, self._pools_first()
        for i, features in enumerate(self.channels):
            x = Conv(
                features,
                (self.kernel_size, self.kernel_size),
                padding=self.padding,
                use_bias=self.use_bias,
                kernel_init=self.kernel_init,
                bias_init=self.bias_init,
                formulation=self.formulation,
                pool_window=WINDOW if pools_first else 1,
                name=f"conv_{i}",
            )(x)
            x = self.activation(self._norm(x, f"conv_norm_{i}", self.normalization))
            self.sow("intermediates", f"feature_map_{i}", x)
            x = x if pools_first else POOLINGS[self.pooling](x, WINDOW)
        x = x.reshape(x.shape[0], -1)
        for i, features in enumerate(self.hidden_sizes):
            x = self._dense(features, i)(x)
            x = self.activation(self._norm(x, f"dense_norm_{i}", "none" if self.normalization == "none" else "layer"))
            self.sow("intermediates", f"activation_{i}", x)
            x = Dropout(self.dropout_rate, name=f"dropout_{i}")(x, deterministic)
        return self._dense(self.num_outputs, len(self.hidden_sizes))(x)

    def _pools_first(self) -> bool:
        """Whether the maximum is taken before bias and activation: the same numbers, a quarter of the values.

        Not while feature maps are collected: they are the activation before the pooling.
        """
        return (
            self.pooling == "max"
            and self.normalization == "none"
            and self.activation in NON_DECREASING
            and not self.is_mutable_collection("intermediates")
        )

    def _norm(self, x: Array, name: str, kind: str) -> Array:
        if kind == "none":
            return x
        return LayerNorm(name=name)(x) if kind == "layer" else GroupNorm(self.num_groups, name=name)(x)

    def _dense(self, features: int, index: int) -> Dense:
        return Dense(
            features,
            use_bias=self.use_bias,
            kernel_init=self.kernel_init,
            bias_init=self.bias_init,
            name=f"dense_{index}",
        )

    def _check(self, shape: tuple[int, ...]) -> None:
        for name, value, choices in (
            ("normalization", self.normalization, NORMALIZATIONS),
            ("pooling", self.pooling, POOLINGS),
            ("padding", self.padding, PADDINGS),
        ):
            if value not in choices:
                raise ValueError(f"{name}={value!r} is unknown; use one of {', '.join(choices)}")
        for name, sizes in (("channels", self.channels), ("hidden_sizes", self.hidden_sizes)):
            if any(size < 1 for size in sizes):
                raise ValueError(f"{name}={tuple(sizes)} has a size below 1; use positive sizes")
        feature_shapes(shape, self.channels, self.kernel_size, self.padding, self.pooling)


def feature_shapes(
    shape: tuple[int, ...], channels: Sequence[int], kernel_size: int, padding: str = "same", pooling: str = "max"
) -> list[tuple[int, int, int]]:
    """(height, width, channels) of the image and after each convolution with its pooling.

    Args:
      shape: of the images, (..., H, W, C).
      channels, kernel_size, padding, pooling: as in `CNN`.

    Returns:
      len(channels) + 1 shapes.

    Raises:
      ValueError: no images, or images that are too small.
    """
    if len(shape) < 3:
        raise ValueError(f"inputs of shape {shape} are not images; give (batch, height, width, channels)")
    shapes = [(shape[-3], shape[-2], shape[-1])]
    field = 1 if pooling == "none" else WINDOW
    for features in channels:
        sides = [output_size(side, kernel_size, 1, padding) // field for side in shapes[-1][:2]]
        shapes.append((sides[0], sides[1], features))
    if min(shapes[-1][:2]) < 1:
        sizes = " -> ".join(f"{height} x {width}" for height, width, _ in shapes)
        raise ValueError(
            f"images of {shape[-3]} x {shape[-2]} are too small for {len(channels)} convolutions with "
            f"kernel_size={kernel_size}, padding={padding!r} and pooling={pooling!r} ({sizes}); "
            "use fewer channels, pooling='none' or larger images"
        )
    return shapes


def parameter_formula(
    shape: tuple[int, int, int],
    channels: Sequence[int],
    hidden_sizes: Sequence[int],
    num_outputs: int,
    kernel_size: int,
) -> int:
    """Number of parameters by hand: sum (k k C + 1) F over convolutions, (n + 1) m over dense layers (max-pooled, F072)."""
    shapes = feature_shapes(shape, channels, kernel_size)
    convolutions = sum((kernel_size**2 * a[2] + 1) * b[2] for a, b in zip(shapes[:-1], shapes[1:], strict=True))
    height, width, depth = shapes[-1]
    sizes = (height * width * depth, *hidden_sizes, num_outputs)
    return convolutions + sum((a + 1) * b for a, b in zip(sizes[:-1], sizes[1:], strict=True))


def feature_maps(model: nn.Module, params: Any, images_BHWC: Array) -> tuple[Array, ...]:
    """The output of every convolution of a `CNN` for some images, after the activation and before the pooling.

    Returns:
      (B, H_i, W_i, F_i) of each convolution, first layer first.
    """
    _, state = model.apply({"params": params}, images_BHWC, mutable=["intermediates"])
    sown = state["intermediates"]
    count = sum(name.startswith("feature_map_") for name in sown)
    return tuple(sown[f"feature_map_{i}"][0] for i in range(count))
