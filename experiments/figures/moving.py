"""Writes pictures that move: frames of a figure as one animated WebP file that plays once."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

DPI = 120
SECONDS = 4.8  # of the longest animation: what moves for more than 5 s needs a button that stops it (WCAG 2.2.2)
FASTEST, SLOWEST = 0.1, 0.4  # seconds of a frame
LARGEST = 500_000  # bytes of a file

Pixels = np.ndarray


def pixels(figure: Figure) -> Pixels:
    """A figure as (height, width, 3) bytes; its layout is the one of its first frame."""
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    figure.set_layout_engine("none")
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def write(frames: Iterable[Pixels], path: Path) -> Path:
    """Writes frames as an animation that plays once and stays at its last frame.

    Raises:
        ValueError: no frame, or a file of more than LARGEST bytes.
    """
    first, *rest = (Image.fromarray(frame) for frame in frames)
    each = min(max(SECONDS / (len(rest) + 1), FASTEST), SLOWEST)
    shown: dict[str, Any] = {"save_all": True, "append_images": rest, "duration": round(1000 * each), "loop": 1}
    buffer = io.BytesIO()
    first.save(buffer, format="WEBP", lossless=True, method=4, **shown)
    if buffer.tell() > LARGEST:
        raise ValueError(f"{path.name} has {buffer.tell()} bytes, more than {LARGEST}; draw fewer or simpler frames")
    path.write_bytes(buffer.getvalue())
    return path
