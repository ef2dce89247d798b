"""Convolution in two formulations with equal results, and pooling; images are (B, H, W, C).

Sources: F072; LeCun et al. 1998.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn.initializers import Initializer
from jax.typing import DTypeLike

PADDINGS = ("same", "valid")
Pads = list[tuple[int, int]]  # zeros before and after the image's rows, and its columns; negative: pixels cut off


def output_size(size: int, window: int, stride: int = 1, padding: str = "valid") -> int:
    """Number of places of a window along an axis: floor((n - k) / s) + 1 ("valid"), ceil(n / s) ("same").

    Args:
      size: n >= 1, pixels.
      window: k >= 1.
      stride: s >= 1.
      padding: "same": zeros around the image, so that a stride of 1 keeps the size; "valid": none.

    Returns:
      The number of outputs; 0 where the window does not fit.

    Raises:
      ValueError: another padding.
    """
    if padding not in PADDINGS:
        raise ValueError(f"padding={padding!r} is unknown; use one of {', '.join(PADDINGS)}")
    return -(-size // stride) if padding == "same" else max((size - window) // stride + 1, 0)


def extract_patches(inputs_BHWC: Array, window: Sequence[int], strides: Sequence[int], pads: Pads) -> Array:
    """What the window sees at each place: (B, H', W', window height x window width x C), in the order of a kernel.

    Slices side by side, which XLA copies fast; `lax.conv_general_dilated_patches` is itself a convolution.
    """
    x = lax.pad(inputs_BHWC, jnp.zeros((), inputs_BHWC.dtype), [(0, 0, 0), *((*pad, 0) for pad in pads), (0, 0, 0)])
    height, width = ((size - k) // stride + 1 for size, k, stride in zip(x.shape[1:3], window, strides, strict=True))
    rows, columns = (height - 1) * strides[0] + 1, (width - 1) * strides[1] + 1
    slices = [
        x[:, i : i + rows : strides[0], j : j + columns : strides[1]]
        for i in range(window[0])
        for j in range(window[1])
    ]
    return jnp.concatenate(slices, axis=-1)


@jax.custom_vjp
def _product(patches_PK: Array, kernel_KF: Array) -> Array:
    # The barrier: what follows (bias, activation, pooling) is one pass over the product, forward and backward.
    return lax.optimization_barrier(patches_PK @ kernel_KF)


def _product_forward(patches_PK: Array, kernel_KF: Array) -> tuple[Array, tuple[Array, Array]]:
    return _product(patches_PK, kernel_KF), (patches_PK, kernel_KF)


def _product_backward(saved: tuple[Array, Array], gradient_PF: Array) -> tuple[Array, Array]:
    """XLA:CPU transposes the first factor of a product over the rows of both, so the narrower factor goes first.

    The barrier keeps XLA from swapping them back. The kernel's gradient for 288 x 64: 0.55 instead of 0.93 ms.
    """
    patches_PK, kernel_KF = saved
    if patches_PK.shape[1] <= gradient_PF.shape[1]:
        kernel_gradient_KF = patches_PK.T @ gradient_PF
    else:
        kernel_gradient_KF = lax.optimization_barrier(gradient_PF.T @ patches_PK).T
    return gradient_PF @ kernel_KF.T, kernel_gradient_KF


_product.defvjp(_product_forward, _product_backward)


def _by_patches(inputs_BHWC: Array, kernel_HWCF: Array, strides: tuple[int, int], pads: Pads) -> Array:
    patches = extract_patches(inputs_BHWC, kernel_HWCF.shape[:2], strides, pads)
    features = kernel_HWCF.shape[-1]
    width = patches.shape[-1]
    outputs = _product(patches.reshape(-1, width), kernel_HWCF.reshape(width, features))
    return outputs.reshape(*patches.shape[:3], features)


def _by_convolution(inputs_BHWC: Array, kernel_HWCF: Array, strides: tuple[int, int], pads: Pads) -> Array:
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(inputs_BHWC, kernel_HWCF, strides, pads, dimension_numbers=layout)


FORMULATIONS: dict[str, Callable[[Array, Array, tuple[int, int], Pads], Array]] = {
    "patches": _by_patches,
    "convolution": _by_convolution,
}


def default_formulation() -> str:
    """The faster formulation on the default backend.

    A training step of 3 convolutions and 3 dense layers on 64 images of 28 x 28, inside a scan on one x86 core: 7.0 ms
    with patches and one matrix product, 185 ms with XLA's convolution. On a GPU the convolution is cuDNN's.
    """
    return "patches" if jax.default_backend() == "cpu" else "convolution"


def convolve(
    inputs_BHWC: Array,
    kernel_HWCF: Array,
    *,
    strides: tuple[int, int] = (1, 1),
    padding: str = "same",
    field: int = 1,
    formulation: str | None = None,
) -> Array:
    """A filter at every place of an image, y_ijf = sum_{uvc} x_{i s + u, j s + v, c} k_uvcf (a cross-correlation).

    Args:
      inputs_BHWC: images.
      kernel_HWCF: F filters of C channels.
      strides: pixels between two places, down and across.
      padding: "same" (zeros around the image) or "valid" (none).
      field: side of the fields of a later pooling: rows and columns at the end that fill no field are not computed (a
          quarter of 7 x 7 outputs with fields of 2 x 2).
      formulation: a name in FORMULATIONS, equal in value and gradient; None: `default_formulation`.

    Returns:
      (B, H', W', F), see `output_size`; H' and W' rounded down to multiples of `field`.

    Raises:
      ValueError: channels that differ from the kernel's, a kernel or a field that does not fit, an unknown name.
    """
    if formulation is not None and formulation not in FORMULATIONS:
        raise ValueError(f"formulation={formulation!r} is unknown; use one of {', '.join(FORMULATIONS)}")
    if inputs_BHWC.ndim != 4 or inputs_BHWC.shape[-1] != kernel_HWCF.shape[2]:
        raise ValueError(
            f"images of shape {inputs_BHWC.shape} do not fit a kernel of shape {kernel_HWCF.shape}; "
            f"give (batch, height, width, {kernel_HWCF.shape[2]})"
        )
    places = tuple(map(output_size, inputs_BHWC.shape[1:3], kernel_HWCF.shape[:2], strides, (padding, padding)))
    if min(places) < 1:
        raise ValueError(
            f"a kernel of {kernel_HWCF.shape[:2]} does not fit into an image of {inputs_BHWC.shape[1:3]}; "
            "use a smaller kernel, a larger image, or padding='same'"
        )
    check_fields(places, field)
    same = lax.padtype_to_pads(inputs_BHWC.shape[1:3], kernel_HWCF.shape[:2], strides, padding.upper())
    # Outputs past the last whole field, and what only they would see, are cut off at the end.
    pads = [(low, high - n % field * stride) for (low, high), n, stride in zip(same, places, strides, strict=True)]
    return FORMULATIONS[formulation or default_formulation()](inputs_BHWC, kernel_HWCF, strides, pads)


class Conv(nn.Module):
    """A convolutional layer, y = x * k + b (F072); leaves "kernel" (h, w, C, F) and "bias" (F,).

    Attributes:
      features: filters F >= 1.
      kernel_size: height and width of the filters.
      strides: pixels between two places.
      padding: "same" or "valid".
      use_bias: whether b exists.
      kernel_init, bias_init: initializers.
      formulation: see `convolve`.
      pool_window: side of the fields whose largest output `max_pool` keeps; pooling before the bias changes no number.
          1: no pooling.
      dtype: of the computation; None: that of the inputs and parameters.
      param_dtype: of the parameters.
    """

    features: int
    kernel_size: tuple[int, int] = (3, 3)
    strides: tuple[int, int] = (1, 1)
    padding: str = "same"
    use_bias: bool = True
    kernel_init: Initializer = nn.initializers.lecun_normal()
    bias_init: Initializer = nn.initializers.zeros_init()
    formulation: str | None = None
    pool_window: int = 1
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, inputs_BHWC: Array) -> Array:
        """(B, H, W, C) -> (B, H', W', F), smaller where it is pooled."""
        shape = (*self.kernel_size, inputs_BHWC.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape, self.param_dtype)
        bias_F = self.param("bias", self.bias_init, (self.features,), self.param_dtype) if self.use_bias else None
        inputs_BHWC, kernel, bias_F = nn.dtypes.promote_dtype(inputs_BHWC, kernel, bias_F, dtype=self.dtype)
        outputs = convolve(
            inputs_BHWC,
            kernel,
            strides=self.strides,
            padding=self.padding,
            field=self.pool_window,
            formulation=self.formulation,
        )
        if self.pool_window > 1:
            outputs = max_pool(outputs, self.pool_window)
        return outputs if bias_F is None else outputs + bias_F[None, None, None]


def check_fields(size: tuple[int, ...], window: int) -> None:
    """Raises ValueError where an image of this height and width does not fill one field of window x window."""
    if min(size) < window:
        raise ValueError(f"an image of {size} is smaller than a pooling window of {window}; use a larger one")


def _fields(inputs_BHWC: Array, window: int) -> Array:
    """(B, H // window, window, W // window, window, C); rows and columns that fill no field are left out."""
    batch, height, width, channels = inputs_BHWC.shape
    check_fields((height, width), window)
    rows, columns = height // window, width // window
    kept = inputs_BHWC[:, : rows * window, : columns * window]
    return kept.reshape(batch, rows, window, columns, window, channels)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _largest(fields: Array, window: int) -> Array:
    """The largest value of each field of `_fields`."""
    return jnp.max(fields, axis=(2, 4))


def _largest_forward(fields: Array, window: int) -> tuple[Array, Array]:
    """Records where the largest value is, not what it is. In the backward pass XLA may recompute the values with
    another last bit; a comparison would then find no place in the field that gets the gradient."""
    best = fields[:, :, 0, :, 0]
    place = jnp.zeros(best.shape, jnp.int32)
    for index in range(1, window**2):
        candidate = fields[:, :, index // window, :, index % window]
        better = candidate > best
        best, place = jnp.where(better, candidate, best), jnp.where(better, index, place)
    return _largest(fields, window), place


def _largest_backward(window: int, place: Array, gradient: Array) -> tuple[Array]:
    # The barrier keeps XLA:CPU from adding up the gradient's nine parts once for each element of a field.
    gradient = lax.optimization_barrier(gradient)
    places = jnp.arange(window**2).reshape(1, 1, window, 1, window, 1)
    return (jnp.where(places == place[:, :, None, :, None], gradient[:, :, None, :, None], 0),)


_largest.defvjp(_largest_forward, _largest_backward)


def max_pool(inputs_BHWC: Array, window: int = 2) -> Array:
    """The largest value of each window x window field; rows and columns that fill no field are left out.

    A maximum over reshaped axes, not `reduce_window`, whose gradient makes the whole training step of `CNN` twice as
    slow on a CPU. The first of equal largest values gets the gradient, as there.

    Args:
      inputs_BHWC: images.
      window: side of a field and distance between two fields, >= 1.

    Returns:
      (B, H // window, W // window, C).

    Raises:
      ValueError: no field fits into the image.
    """
    return _largest(_fields(inputs_BHWC, window), window)


def average_pool(inputs_BHWC: Array, window: int = 2) -> Array:
    """The mean of each window x window field; arguments, result and errors as `max_pool`."""
    return jnp.mean(_fields(inputs_BHWC, window), axis=(2, 4))


def no_pool(inputs_BHWC: Array, window: int = 2) -> Array:
    """The images as they are."""
    del window
    return inputs_BHWC


POOLINGS: dict[str, Callable[..., Any]] = {"max": max_pool, "average": average_pool, "none": no_pool}
