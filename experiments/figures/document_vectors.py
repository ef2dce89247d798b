"""Documents in the plane, by what their vectors are made of."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, MARKERS, label, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting
from nn_core.data.world import KINDS


def document_vectors(run: Results) -> Figure:
    """A column for each method: the later documents of the first seed by PCA (above) and t-SNE (below)."""
    methods = list(by_setting(run.rows))
    figure, axes = subplots(2, len(methods), width=4.4, height=3.8)
    for index, method in enumerate(methods):
        for place, (name, axis_name) in enumerate((("pca", "component"), ("tsne", "coordinate (no unit)"))):
            points = run.arrays[f"{index}_{name}"]
            for kind, kind_name in enumerate(KINDS):
                chosen = np.flatnonzero(run.arrays["kinds"] == kind)
                style = {"marker": MARKERS[kind], "color": COLOURS[kind], "linestyle": "none", "markersize": 4}
                axes[place][index].plot(*points[chosen].T, label=kind_name, **style)
            title = f"{method}: {'PCA' if name == 'pca' else 't-SNE'}"
            label(axes[place][index], f"first {axis_name}", f"second {axis_name}", title)
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure
