"""The layers that every model is built from. Leaf names: kernel, bias, scale.

Sources: F027, F051, F130, F141.
"""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn.initializers import Initializer
from jax.typing import DTypeLike

from nn_core.floats import wide
from nn_core.regularizers import dropout


class Dense(nn.Module):
    """A linear layer, y = x W + b, on the last axis.

    The leading axes are flattened before the product: XLA:CPU runs (B T, D) @ (D, F) and its gradients about 1.7 times
    faster than the same product on (B, T, D).

    Attributes:
      features: outputs F >= 1.
      use_bias: whether b exists.
      kernel_init: initializer of the (D, F) kernel.
      bias_init: initializer of the (F,) bias.
      dtype: of the computation; None: that of the inputs and parameters.
      param_dtype: of the parameters.
    """

    features: int
    use_bias: bool = True
    kernel_init: Initializer = nn.initializers.lecun_normal()
    bias_init: Initializer = nn.initializers.zeros_init()
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        """Applies the layer.

        Args:
          inputs: (..., D).

        Returns:
          (..., F).
        """
        width = inputs.shape[-1]
        kernel_DF = self.param("kernel", self.kernel_init, (width, self.features), self.param_dtype)
        bias_F = self.param("bias", self.bias_init, (self.features,), self.param_dtype) if self.use_bias else None
        inputs, kernel_DF, bias_F = nn.dtypes.promote_dtype(inputs, kernel_DF, bias_F, dtype=self.dtype)
        leading = inputs.shape[:-1]
        outputs_NF = inputs.reshape(math.prod(leading), width) @ kernel_DF
        if bias_F is not None:
            outputs_NF = outputs_NF + bias_F[None, :]
        return outputs_NF.reshape(*leading, self.features)


class Dropout(nn.Module):
    """Inverted dropout, off in deterministic mode and where the rate is None (F051).

    Attributes:
      rate: probability of *dropping* in [0, 1], may be a tracer; None: no dropout is compiled in.
    """

    rate: float | Array | None = None

    @nn.compact
    def __call__(self, inputs: Array, deterministic: bool = True) -> Array:
        """Drops entries with the rng collection "dropout", unless `deterministic`.

        Args:
          inputs: (...) any shape.
          deterministic: static; True returns the inputs and needs no key.

        Returns:
          The shape of the inputs.
        """
        if self.rate is None or deterministic:
            return inputs
        return dropout(self.make_rng("dropout"), inputs, self.rate)


class LayerNorm(nn.Module):
    """Layer normalisation over the last axis, (x - mean) / sqrt(variance + epsilon) scale + bias (F130).

    Computed in float32 at least and returned in the dtype of the inputs; a constant row gives the bias.

    Attributes:
      epsilon: > 0; torch's and GPT-2's 1e-5 (flax has 1e-6).
      use_scale: whether the (D,) scale exists, initially 1.
      use_bias: whether the (D,) bias exists, initially 0.
    """

    epsilon: float = 1e-5
    use_scale: bool = True
    use_bias: bool = True

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        """Normalises each row.

        Args:
          inputs: (..., D).

        Returns:
          (..., D) of the dtype of the inputs.
        """
        x = standardise(wide(inputs), self.epsilon)
        if self.use_scale:
            x = x * _row(self.param("scale", nn.initializers.ones_init(), (x.shape[-1],)), x)
        if self.use_bias:
            x = x + _row(self.param("bias", nn.initializers.zeros_init(), (x.shape[-1],)), x)
        return x.astype(inputs.dtype)


class RMSNorm(nn.Module):
    """Root-mean-square normalisation, x / sqrt(mean(x^2) + epsilon) scale (F141; Zhang & Sennrich 2019).

    Computed in float32 at least and returned in the dtype of the inputs.

    Attributes:
      epsilon: > 0.
      use_scale: whether the (D,) scale exists, initially 1.
    """

    epsilon: float = 1e-6
    use_scale: bool = True

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        """Normalises each row.

        Args:
          inputs: (..., D).

        Returns:
          (..., D) of the dtype of the inputs.
        """
        x = wide(inputs)
        x = x * lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + self.epsilon)
        if self.use_scale:
            x = x * _row(self.param("scale", nn.initializers.ones_init(), (x.shape[-1],)), x)
        return x.astype(inputs.dtype)


class GroupNorm(nn.Module):
    """Group normalisation: each image's channels in groups, each group over all pixels (Wu & He 2018; F072).

    Computed in float32 at least and returned in the dtype of the inputs; one group is layer normalisation of the image.

    Attributes:
      num_groups: must divide the channels, >= 1.
      epsilon: > 0.
    """

    num_groups: int = 8
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        """Normalises each group of each example.

        Args:
          inputs: (B, ..., C).

        Returns:
          (B, ..., C) of the dtype of the inputs.

        Raises:
          ValueError: the groups do not divide the channels.
        """
        channels = inputs.shape[-1]
        if self.num_groups < 1 or channels % self.num_groups:
            divisors = ", ".join(str(n) for n in range(1, channels + 1) if channels % n == 0)
            raise ValueError(f"num_groups={self.num_groups} does not divide {channels} channels; use one of {divisors}")
        x = wide(inputs)
        x = x.reshape(inputs.shape[0], -1, self.num_groups, channels // self.num_groups)
        x = x - jnp.mean(x, axis=(1, 3), keepdims=True)
        x = x * lax.rsqrt(jnp.mean(jnp.square(x), axis=(1, 3), keepdims=True) + self.epsilon)
        x = x.reshape(inputs.shape)
        x = x * _row(self.param("scale", nn.initializers.ones_init(), (channels,)), x)
        x = x + _row(self.param("bias", nn.initializers.zeros_init(), (channels,)), x)
        return x.astype(inputs.dtype)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def standardise(x: Array, epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon) along the last axis.

    The derivative is written out in terms of the result y, which the next layer needs anyway:
    dy = dx' - mean(dx') - y mean(y dx') with dx' = dx / sqrt(variance + epsilon); this saves 3 to 4 % of a GPT's
    training step on a CPU. The forward pass divides first, so that the backward pass divides last and within one pass
    over the data (another 2 %).
    """
    return _standardise(x, epsilon)[0]


@standardise.defjvp
def _standardise_jvp(epsilon: float, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    y, inverse = _standardise(x, epsilon)
    dx = dx * inverse
    along = jnp.mean(y * dx, axis=-1, keepdims=True)
    return y, dx - jnp.mean(dx, axis=-1, keepdims=True) - y * along


def _standardise(x: Array, epsilon: float) -> tuple[Array, Array]:
    centred = x - jnp.mean(x, axis=-1, keepdims=True)
    inverse = lax.rsqrt(jnp.mean(jnp.square(centred), axis=-1, keepdims=True) + epsilon)
    return centred * inverse, inverse


def _row(vector_D: Array, like: Array) -> Array:
    """(D,) -> (1, ..., 1, D), because rank promotion is an error here."""
    return vector_D.reshape((1,) * (like.ndim - 1) + vector_D.shape)
