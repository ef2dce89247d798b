"""Ledger rows of convolutional networks and of the Vision Transformer's size (F072, F150)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.signal

from nn_core.formulas.ledger import Formula, Oracle, about, normal
from nn_core.models import cnn
from nn_core.models.convolution import convolve, max_pool, output_size
from nn_core.models.transformer import vit

IMAGE_HW, KERNEL_HW = normal(130, 6, 5), normal(131, 3, 2)
SLOPE_HW = normal(132, 4, 4)
CHANNELS, HIDDEN, CLASSES, SIDE = (16, 32, 64), (128, 64), 10, 28


def filtered(kernel_HW: Any, image_HW: Any) -> Any:
    """The library's convolution of one channel with one filter, without padding (F072)."""
    return convolve(image_HW[None, :, :, None], kernel_HW[:, :, None, None], padding="valid", formulation="patches")[
        0, :, :, 0
    ]


def _by_xla(kernel_HW: Any, image_HW: Any) -> Any:
    arguments = image_HW[None, :, :, None], kernel_HW[:, :, None, None]
    return convolve(*arguments, padding="valid", formulation="convolution")[0, :, :, 0]


def _filter_gradient(kernel_HW: Any, image_HW: Any, slope_HW: Any) -> Any:
    """The image correlated with the slopes: each weight sees the pixels that it met."""
    height, width = slope_HW.shape
    rows = [
        jnp.stack([jnp.sum(image_HW[u : u + height, v : v + width] * slope_HW) for v in range(kernel_HW.shape[1])])
        for u in range(kernel_HW.shape[0])
    ]
    return jnp.stack(rows)


def pooled(image_HW: Any, slope_HW: Any) -> Any:
    """The library's largest value of each field of 2 x 2, weighted."""
    return jnp.sum(slope_HW * max_pool(image_HW[None, :, :, None])[0, :, :, 0])


def _pooling_gradient(image_HW: Any, slope_HW: Any) -> Any:
    """Each slope goes to the pixel that was the largest of its field, the others get 0."""
    spread = jnp.kron(slope_HW, jnp.ones((2, 2)))
    largest = jnp.kron(image_HW.reshape(3, 2, 2, 2).max((1, 3)), jnp.ones((2, 2)))
    return jnp.where(image_HW == largest, spread, 0.0)


def places(size: Any, window: Any, padding: Any, stride: Any) -> Any:
    """floor((n + 2 p - k) / s) + 1."""
    return jnp.floor((size + 2 * padding - window) / stride) + 1


def cnn_parameters(last: Any, side: Any) -> Any:
    """Three convolutions with 3 x 3 filters, each with a pooling of 2 x 2, three dense layers; `last` units before them."""
    first = 9 * 1 * CHANNELS[0] + CHANNELS[0]
    second = 9 * CHANNELS[0] * CHANNELS[1] + CHANNELS[1]
    third = 9 * CHANNELS[1] * CHANNELS[2] + CHANNELS[2]
    flat = (side // 8) ** 2 * CHANNELS[2]
    return first + second + third + (flat + 1) * HIDDEN[0] + (HIDDEN[0] + 1) * last + (last + 1) * CLASSES


def _library_cnn(last: Any, side: Any) -> Any:
    model = cnn.CNN(CLASSES, CHANNELS, (HIDDEN[0], int(last)))
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, int(side), int(side), 1)))["params"]
    return float(sum(leaf.size for leaf in jax.tree.leaves(shapes)))


def vit_parameters(layers: Any, width: Any, tokens: Any, patch: Any) -> Any:
    """Patches, class token, positions, blocks, norm and head: 5 D for patches of 2 x 2 gray pixels, and so on."""
    blocks = layers * (12 * width**2 + 13 * width)
    return (patch**2 + 1) * width + width + (tokens + 1) * width + blocks + 2 * width + (width + 1) * CLASSES


def _library_vit(layers: Any, width: Any, tokens: Any, patch: Any) -> Any:
    side = int(patch * np.sqrt(tokens))
    model = vit.ViT(CLASSES, int(patch), int(width), heads_num=4, layers_num=int(layers))
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, side, side, 1)))["params"]
    return float(sum(leaf.size for leaf in jax.tree.leaves(shapes)))


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F072a",
        "Convolution",
        "y_ij = Σ_uv k_uv·x_(i+u, j+v) (a cross-correlation)",
        "∂/∂k_uv = Σ_ij C_ij·x_(i+u, j+v)",
        lambda k, x, c: jnp.sum(c * filtered(k, x)),
        (KERNEL_HW, IMAGE_HW, SLOPE_HW),
        _filter_gradient,
        oracles=(
            Oracle("SciPy", lambda k, x, c: (c * scipy.signal.correlate2d(x, k, "valid")).sum()),
            Oracle("XLA's convolution", lambda k, x, c: jnp.sum(c * _by_xla(k, x)), traced=True),
        ),
    ),
    Formula(
        "F072b",
        "Places of a filter",
        "⌊(n + 2p − k)/s⌋ + 1",
        "28, k = 3, p = 1: 28; 32, k = 5: 28; 227, k = 11, s = 4: 55",
        places,
        (
            np.array([28.0, 32.0, 227.0]),
            np.array([3.0, 5.0, 11.0]),
            np.array([1.0, 0.0, 0.0]),
            np.array([1.0, 1.0, 4.0]),
        ),
        oracles=(
            Oracle(
                "library",
                lambda *_: np.array(
                    [output_size(28, 3, 1, "same"), output_size(32, 5), output_size(227, 11, 4)], np.float64
                ),
                0.0,
            ),
        ),
    ),
    Formula(
        "F072c",
        "Max pooling",
        "y_ij = max of x over the field (i, j)",
        "∂/∂x = C where x is the largest of its field, else 0",
        pooled,
        (normal(133, 6, 4), normal(134, 3, 2)),
        _pooling_gradient,
        oracles=(Oracle("NumPy", lambda x, c: (c * x.reshape(3, 2, 2, 2).max((1, 3))).sum()),),
    ),
    Formula(
        "F072d",
        "Parameters of the demonstration network",
        "Σ(k²C + 1)F + Σ(n + 1)m: 3 convolutions, 3 dense layers",
        "∂/∂m₂ = m₁ + 1 + classes; 106,058 for 28 × 28, 16-32-64 filters, 128-64-10 units",
        cnn_parameters,
        (np.float64(HIDDEN[1]), np.float64(SIDE)),
        lambda last, side: jnp.asarray(HIDDEN[0] + 1.0 + CLASSES),
        oracles=(Oracle("library CNN", _library_cnn, 0.0), about(106_058, 0.5)),
    ),
    Formula(
        "F150",
        "Parameters of a Vision Transformer",
        "(p²C + 1)D + D + (T + 1)D + L(12D² + 13D) + 2D + (D + 1)·classes, T = HW/p²",
        "∂/∂L = 12D² + 13D; 102,218 for 8 × 8, p = 2, D = 64, L = 2",
        vit_parameters,
        (np.float64(2), np.float64(64), np.float64(16), np.float64(2)),
        lambda layers, d, t, p: 12 * d**2 + 13 * d,
        oracles=(Oracle("library ViT", _library_vit, 0.0), about(102_218, 0.5)),
    ),
)
