"""Dark twins of pictures: one function from a colour to its colour on a dark page.

Lightness turns round and the hue stays: black ink becomes light, white paper dark, and the order of the shades of a map
remains an order. A strong colour never becomes too dark to see. The function is continuous, so that the pale edges of
lines and letters fit as well.
"""

import base64
import io
import re

import numpy as np
from PIL import Image

INK, PAPER = 0.91, 0.13  # lightness of black and of white on the dark page; PAPER is the page's card, #1f2124
LEAST = 0.5  # lightness of a strong colour
PALE, STRONG = 0.15, 0.5  # difference of largest and smallest channel up to, and from, which a colour is grey, strong
HEX = re.compile(r"#[0-9a-f]{6}(?![0-9a-zA-Z_-])")
RASTER = re.compile(r"(?<=data:image/png;base64,)[^\"]+")


def night(colours_N3: np.ndarray) -> np.ndarray:
    """The colours on a dark page.

    Args:
        colours_N3: red, green, blue in [0, 1].
    Returns:
        (N, 3) colours in [0, 1].
    """
    low, high = colours_N3.min(axis=-1, keepdims=True), colours_N3.max(axis=-1, keepdims=True)
    lightness = (low + high) / 2
    strong = np.clip((high - low - PALE) / (STRONG - PALE), 0, 1)
    wanted = np.maximum(INK - lightness * (INK - PAPER), strong * LEAST)
    return np.clip(colours_N3 + wanted - lightness, 0, 1)


def night_pixels(pixels_HW3: np.ndarray) -> np.ndarray:
    """The same for bytes."""
    return np.round(255 * night(pixels_HW3 / 255)).astype(np.uint8)


def night_hex(colour: str) -> str:
    """The same for "#rrggbb".

    >>> night_hex("#000000"), night_hex("#ffffff"), night_hex("#0072b2")
    ('#e8e8e8', '#212121', '#4abcfc')
    """
    channels_3 = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in night(channels_3))


def night_svg(svg: str) -> str:
    """An SVG picture, and the raster images in it, in dark colours."""
    dark = HEX.sub(lambda found: night_hex(found[0]), svg)
    dark = RASTER.sub(lambda found: night_png(found[0]), dark)
    return dark.replace("<svg ", f'<svg fill="{night_hex("#000000")}" ', 1)  # what names no fill is black by default


def night_png(data: str) -> str:
    """The same for a PNG file in base 64; what is transparent stays so."""
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        pixels_HW4 = np.asarray(image.convert("RGBA"))
    dark_HW3 = night_pixels(pixels_HW4[..., :3])
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate([dark_HW3, pixels_HW4[..., 3:]], axis=-1)).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
