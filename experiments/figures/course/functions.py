"""Functions of one number, and softmax."""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, LINES, label, subplots
from nn_core.activations import make_activation, make_activation_derivative, softmax

GROUPS = (
    ("step", "sigmoid", "tanh"),
    ("relu", "leaky_relu", "elu"),
    ("relu", "gelu", "swish"),
)
HPARAMS = {"negative_slope": 0.1}  # of leaky ReLU; 0.01 could not be told from 0
NAMES = {"relu": "ReLU", "leaky_relu": "leaky ReLU (0.1)", "elu": "ELU", "gelu": "GELU", "swish": "swish (SiLU)"}
REACH, NUM_POINTS = 4.0, 401
SCORES = (2.0, 1.0, 0.0, -1.0)


def activation_functions() -> Figure:
    """Functions above, derivatives below (F008, F052-F057)."""
    x = np.linspace(-REACH, REACH, NUM_POINTS, dtype=np.float32)
    figure, axes = subplots(2, len(GROUPS), width=3.6, height=2.9, sharex=True, sharey="row")
    for column, names in enumerate(GROUPS):
        for index, name in enumerate(names):
            for row, make in enumerate((make_activation, make_activation_derivative)):
                y = np.array(jax.jit(make(name, HPARAMS if name == "leaky_relu" else {}))(x))
                y[1:][np.abs(np.diff(y)) > 0.5] = np.nan  # a jump is not a line
                style = {"color": COLOURS[index], "linestyle": LINES[index], "linewidth": 2}
                axes[row][column].plot(x, y, label=NAMES.get(name, name), **style)
        label(axes[0][column], "", "f(x)" if column == 0 else "")
        label(axes[1][column], "x", "f ′(x)" if column == 0 else "")
        handles, shown = axes[0][column].get_legend_handles_labels()
        axes[0][column].legend(handles, shown, loc="upper left", fontsize="small", frameon=False)
        axes[0][column].set_ylim(-1.3, 3.2)
        axes[1][column].set_ylim(-0.25, 1.35)
    return figure


def softmax_figure() -> Figure:
    """Scores, and e^z over the sum of all: order stays, the sum is 1, adding a number changes nothing (F010, F011)."""
    figure, axes = subplots(1, 3, width=3.4, height=3.0)
    scores_C = np.array(SCORES)
    probabilities_C = np.asarray(softmax(jnp.array(scores_C)))
    places = np.arange(len(SCORES))
    panels = (
        (scores_C, "score z", "scores", "{:.0f}"),
        (np.exp(scores_C), "$e^z$", "exponentials: all positive", "{:.2f}"),
        (probabilities_C, "probability", f"softmax: the sum is {probabilities_C.sum():.0f}", "{:.2f}"),
    )
    for index, (values, name, title, form) in enumerate(panels):
        axis = axes[0][index]
        bars = axis.bar(places, values, color=COLOURS[index], width=0.7)
        axis.bar_label(bars, [form.format(value) for value in values], fontsize="small", padding=2)
        axis.axhline(0, color="black", linewidth=0.8)
        label(axis, "class", name, title)
        axis.set_axisbelow(True)
        axis.margins(y=0.15)
        axis.set_xticks(places, [f"{place + 1}" for place in places])
    return figure
