"""Generated images for convolutional networks: outlined shapes filled with textures, on a noisy ground (C12, F071).

Each image has a shape and a texture, drawn independently, so the same images serve two tasks: a network can be
pre-trained on one and transferred to the other.
"""

import numpy as np

from nn_core.data.checks import check_choice, check_float, check_int
from nn_core.data.dataset import Dataset, flatten_inputs, make_dataset

SHAPES = ("circle", "square", "triangle", "cross")
TEXTURES = ("plain", "stripes", "checks", "dots")
TARGETS = {"shape": SHAPES, "texture": TEXTURES}
_MAX_VALUES = 500_000_000
_CHUNK = 512  # images drawn at once: bounds the memory of the intermediate arrays


def shapes(
    *,
    num_examples: int = 2000,
    noise: float = 0.1,
    seed: int = 0,
    size: int = 28,
    channels: int = 1,
    target: str = "shape",
    flatten: bool = False,
) -> Dataset:
    """Images with one shape each, at a random place, size, angle, brightness and texture (and colour, with 3 channels).

    Args:
        num_examples: N >= 4; the classes have equal shares.
        noise: standard deviation of the Gaussian noise on every pixel, before clipping to [0, 1].
        size: height and width in pixels, at least 12.
        channels: 1 or 3.
        target: which of the two is the class, "shape" or "texture".
        flatten: give rows of numbers instead of images.
    Returns:
        inputs (N, size, size, channels) in [0, 1]; targets index SHAPES or TEXTURES.
    """
    check_int("size", size, 12, 1024)
    if check_int("channels", channels, 1, 3) == 2:
        raise ValueError("channels=2 is neither gray nor colour; use 1 or 3")
    check_choice("target", target, TARGETS)
    check_int("num_examples", num_examples, 4, _MAX_VALUES // (size * size * channels))
    check_float("noise", noise, 0.0)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    images_NHWC = np.empty((num_examples, size, size, channels), np.float32)
    kinds_N = {name: rng.permutation(np.arange(num_examples) % 4) for name in TARGETS}
    for start in range(0, num_examples, _CHUNK):
        part = slice(start, start + _CHUNK)
        gray_BHW = _draw(rng, kinds_N["shape"][part], kinds_N["texture"][part], size)
        images_NHWC[part] = _colour(rng, gray_BHW, channels)
    images_NHWC += noise * rng.standard_normal(images_NHWC.shape, dtype=np.float32)
    np.clip(images_NHWC, 0.0, 1.0, out=images_NHWC)
    dataset = make_dataset(images_NHWC, kinds_N[target], target_names=TARGETS[target])
    return flatten_inputs(dataset) if flatten else dataset


def _draw(rng: np.random.Generator, shapes_B: np.ndarray, textures_B: np.ndarray, size: int) -> np.ndarray:
    """(B, size, size) in [0, 1]: a textured body and a bright outline on a dark ground; lengths are in image widths."""
    count = len(shapes_B)

    def column(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, (count, 1, 1))

    axis = (np.arange(size) + 0.5) / size
    radius = column(0.22, 0.34)
    x = axis[None, None, :] - column(0.38, 0.62)
    y = axis[None, :, None] - column(0.38, 0.62)
    angle = column(-0.35, 0.35)
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    distance_BHW = _distance(shapes_B[:, None, None], u, v, radius)
    texture_BHW = _texture(textures_B[:, None, None], u, v, column(0.0, 1.0), size)
    pixel = 1.0 / size
    body_BHW = np.clip(0.5 - distance_BHW / pixel, 0.0, 1.0)  # one pixel of anti-aliasing
    outline_BHW = np.clip(1.5 - np.abs(distance_BHW) / pixel, 0.0, 1.0)
    ground = column(0.0, 0.2)
    filled_BHW = ground + body_BHW * column(0.25, 0.45) * texture_BHW
    return np.maximum(filled_BHW, outline_BHW * column(0.7, 1.0))


def _distance(shapes: np.ndarray, u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Distance to the outline, negative inside (for the polygons exact along the sides, a bound near the corners)."""
    circle = np.hypot(u, v) - radius
    square = np.maximum(np.abs(u), np.abs(v)) - 0.85 * radius
    triangle = np.maximum(np.abs(u) * np.sqrt(0.75) + v * 0.5, -v) - 0.6 * radius
    arm = 0.35 * radius
    bar_u = np.maximum(np.abs(u) - radius, np.abs(v) - arm)
    bar_v = np.maximum(np.abs(v) - radius, np.abs(u) - arm)
    return np.choose(shapes, (circle, square, triangle, np.minimum(bar_u, bar_v)))


def _texture(textures: np.ndarray, u: np.ndarray, v: np.ndarray, phase: np.ndarray, size: int) -> np.ndarray:
    """Brightness in [0, 1] of the body: the texture's period is a fifth of the image, but at least 4 pixels."""
    waves = 2.0 * np.pi * min(5.0, size / 4)
    sine_u, sine_v = np.sin(waves * u + 2.0 * np.pi * phase), np.sin(waves * v)
    stripes = (sine_u > 0.0).astype(np.float64)
    checks = (sine_u * sine_v > 0.0).astype(np.float64)
    dots = (sine_u + sine_v > 1.0).astype(np.float64)
    return np.choose(textures, (np.full(dots.shape, 0.5), stripes, checks, dots))


def _colour(rng: np.random.Generator, gray_BHW: np.ndarray, channels: int) -> np.ndarray:
    if channels == 1:
        return gray_BHW[..., None]
    tint_B11C = rng.uniform(0.3, 1.0, (len(gray_BHW), 1, 1, channels))
    return gray_BHW[..., None] * (tint_B11C / tint_B11C.max(axis=-1, keepdims=True))
