"""The recommender: errors of every method on known and new items and users, predictions, and the learning curve."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, MARKERS, band, below, label, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, summarize

COLUMNS = {"rmse": "known users\nand items", "rmse_cold_item": "new items", "rmse_cold_user": "new users"}
DRAWN = "factorisation with content"


def recommender(run: Results) -> Figure:
    """RMSE by part, predicted against true ratings of the first seed, training error by step."""
    figure, axes = subplots(1, 3, width=4.8, height=4.2)
    for index, (setting, rows) in enumerate(by_setting(run.rows).items()):
        summaries = [summarize(row.get(column) for row in rows) for column in COLUMNS]
        places = np.arange(len(COLUMNS)) + 0.1 * (index - 1.5)
        ends = np.concatenate([spread([one], column) for one, column in zip(summaries, COLUMNS, strict=True)], axis=1)
        style = {"fmt": MARKERS[index], "color": COLOURS[index], "capsize": 3, "label": setting}
        axes[0][0].errorbar(places, [one.mean for one in summaries], ends, **style)
    axes[0][0].set_xticks(range(len(COLUMNS)), list(COLUMNS.values()))
    axes[0][0].set_ylim(bottom=0)
    label(
        axes[0][0],
        "what is predicted",
        "root mean squared error (rating points)",
        "mean and 95 % interval of the seeds",
    )
    for index, (part, name) in enumerate((("test", "known"), ("cold_items", "new item"), ("cold_users", "new user"))):
        true, guess = run.arrays[f"truth/{part}"], run.arrays[f"{DRAWN}/{part}"]
        style = {"linestyle": "none", "marker": MARKERS[index], "markersize": 2.5, "alpha": 0.5}
        axes[0][1].plot(true, guess, color=COLOURS[index], label=name, **style)
    diagonal = [float(run.arrays["truth/test"].min()), float(run.arrays["truth/test"].max())]
    axes[0][1].plot(diagonal, diagonal, "k:", linewidth=1, label="right")
    label(axes[0][1], "true rating", "predicted rating", f"{DRAWN}, first seed")
    for index, method in enumerate(("factorisation", DRAWN)):
        errors = np.array([values for name, values in run.arrays.items() if name.startswith(f"{method}/errors/")])
        band(axes[0][2], list(range(1, errors.shape[1] + 1)), np.sqrt(errors), method, index)
    label(axes[0][2], "update", "RMSE on the training ratings", "training")
    for axis in axes[0]:
        below(axis, 2, 0.68)  # the names of the groups take two lines
    return figure
