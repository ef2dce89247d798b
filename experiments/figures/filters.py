"""What a convolutional network looks for and where it finds it: first-layer filters, and feature maps of every layer."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import nothing, subplots
from experiments.run_directory.results import Results


def filters(run: Results) -> Figure:
    """The first member with a record: a test image, filters above their feature maps, and the later layers below."""
    row = next((row for row in run.rows if "filters" in row), None)
    if row is None:
        return nothing("no filters were recorded: add --config.task.record=filters")
    layers = sum(name.startswith("feature_map_") for name in row)
    shown = max(row[f"feature_map_{layer}"].shape[-1] for layer in range(layers))
    figure, axes = subplots(layers + 1, shown + 1, width=1.25, height=1.35)
    for axis in axes.ravel():
        axis.set_axis_off()
    image_HWC = np.asarray(row["image"])
    show(
        axes[1, 0], image_HWC if image_HWC.shape[-1] == 3 else image_HWC[..., 0], f"test image\n{size(image_HWC)}", 0, 1
    )
    kernels_HWF = np.asarray(row["filters"]).mean(axis=2)
    limit = float(np.max(np.abs(kernels_HWF)))
    axes[0, 0].text(1.0, 0.5, f"filters of\nlayer 1\n{size(kernels_HWF)}", ha="right", va="center", fontsize="small")
    for column in range(kernels_HWF.shape[-1]):
        drawn = axes[0, column + 1].imshow(kernels_HWF[..., column], cmap="RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(drawn, ax=axes[0, 1:].tolist(), label="weight", aspect=8)
    for layer in range(layers):
        maps_HWF = np.asarray(row[f"feature_map_{layer}"])
        if layer:
            words = f"activations\nof layer {layer + 1}\n{size(maps_HWF)}"
            axes[layer + 1, 0].text(1.0, 0.5, words, ha="right", va="center", fontsize="small")
        for column in range(maps_HWF.shape[-1]):
            drawn = axes[layer + 1, column + 1].imshow(
                maps_HWF[..., column], cmap="viridis", vmin=0, vmax=maps_HWF.max()
            )
        figure.colorbar(drawn, ax=axes[layer + 1, 1:].tolist(), label="activation", aspect=8)
    name = run.config["name"]
    figure.suptitle(
        f"{name}: the {shown} channels of each layer that respond most (blue: negative, red: positive weight)"
    )
    return figure


def show(axes: Axes, pixels: np.ndarray, title: str, low: float, high: float) -> None:
    """An image with its title."""
    axes.imshow(pixels, cmap="gray", vmin=low, vmax=high)
    axes.set_title(title, fontsize="small")


def size(array_HW: np.ndarray) -> str:
    """Height x width."""
    return f"{array_HW.shape[0]} × {array_HW.shape[1]}"
