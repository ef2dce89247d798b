"""Scaling: loss against parameters, data and compute, and the size that is best for a compute (F185, C20)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.learning_curves import series
from experiments.figures.style import COLOURS, GREY, MARKERS, band, label, legend, log_scale, look, nothing, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import shown
from nn_core.evidence.scaling_laws import PowerLaw, compute_of, fit_power_law, overtaking
from nn_core.evidence.statistics import t_half_width

METRIC = "validation_loss"
ROUND = 200  # points of a drawn line


def scaling(run: Results) -> Figure:
    """Four panels on logarithmic axes; bands are 95 % intervals over the seeds, lines with a formula are fits."""
    data = run.config["data"]
    per_step = data["batch_size"] * data["context_size"]
    groups = {name: rows for name, rows in shown(run.rows, run.config["table"]).items() if "parameters" in rows[0]}
    curves = {rows[0]["parameters"]: series(run, METRIC, {row["member"] for row in rows}) for rows in groups.values()}
    sizes_J = np.array(sorted(curves))
    if len(sizes_J) < 2 or any(len(steps) < 2 or steps[-1] < 1 for steps, _ in curves.values()):
        return nothing("one size, or no learning curves: no law to draw")
    # The first evaluation is of the untrained model: no tokens have been seen, and a logarithm has no 0.
    tokens_K = per_step * np.array([step for step in curves[sizes_J[0]][0] if step > 0])
    losses = {size: values_SK[:, -len(tokens_K) :] for size, (_, values_SK) in curves.items()}
    figure, axes = subplots(2, 2, width=4.7, height=3.6)
    against_parameters(axes[0, 0], sizes_J, np.stack([losses[size][:, -1] for size in sizes_J], axis=1))
    for place, size in enumerate(sizes_J):
        name = f"{round(size):,} parameters"
        band(axes[0, 1], tokens_K.tolist(), losses[size], name, place)
        band(axes[1, 0], compute_of(size, tokens_K).tolist(), losses[size], name, place)
    against_data(axes[0, 1], tokens_K, losses[sizes_J[-1]])
    label(axes[1, 0], "compute of the training (6 N D operations)", "validation loss (nats)")
    best_sizes(axes[1, 1], sizes_J, tokens_K, losses)
    for axis in axes.ravel():
        if axis.axison:
            log_scale(axis, "x")
    for axis in axes.ravel()[:3]:
        log_scale(axis)
    legend(figure, axes[0, 1])
    return figure


def formula(quantity: str, symbol: str, law: PowerLaw) -> str:
    """The law in words: with the interval of its exponent where there are seeds enough."""
    spread = f" [{law.low:.3f}, {law.high:.3f}]" if np.isfinite(law.low) else ""
    return f"{quantity} ∝ {symbol}^{law.exponent:.3f}{spread}"


def draw_law(axes: Axes, x_N: np.ndarray, law: PowerLaw) -> None:
    """The line of a fit."""
    x = np.geomspace(min(x_N), max(x_N), ROUND)
    axes.plot(x, law.factor * x**law.exponent, color="black", linewidth=1, linestyle=":")


def against_parameters(axes: Axes, sizes_J: np.ndarray, final_SJ: np.ndarray) -> None:
    """The last losses of the sizes, with their fit."""
    law = fit_power_law(sizes_J, final_SJ)
    for place, (size, values_S) in enumerate(zip(sizes_J, final_SJ.T, strict=True)):
        axes.plot(np.full(len(values_S), size), values_S, ".", color=GREY, markersize=4)
        half = np.nan_to_num(t_half_width(values_S)) if len(values_S) > 2 else 0.0
        axes.errorbar(size, values_S.mean(), half, fmt=MARKERS[place], color=look(place)["color"], capsize=3)
    draw_law(axes, sizes_J, law)
    label(axes, "parameters N", "validation loss (nats)", formula("loss", "N", law))


def against_data(axes: Axes, tokens_K: np.ndarray, losses_SK: np.ndarray) -> None:
    """The fit of the largest model's curve, its second half on the logarithmic axis: the warm-up is no law."""
    late = tokens_K >= np.sqrt(tokens_K[0] * tokens_K[-1])
    law = fit_power_law(tokens_K[late], losses_SK[:, late])
    draw_law(axes, tokens_K[late], law)
    label(axes, "tokens D of the training", "validation loss (nats)", formula("largest: loss", "D", law))


def best_sizes(axes: Axes, sizes_J: np.ndarray, tokens_K: np.ndarray, losses: dict[float, np.ndarray]) -> None:
    """From which compute on a model is better than the next smaller one, a point a seed, and the line through them."""
    pairs = list(zip(sizes_J[:-1], sizes_J[1:], strict=True))
    between_P = np.array([np.sqrt(small * large) for small, large in pairs])
    crossing_SP = np.array(
        [
            [overtaking(*((compute_of(size, tokens_K), losses[size][seed]) for size in pair)) for pair in pairs]
            for seed in range(len(losses[sizes_J[0]]))
        ]
    )
    if not np.isfinite(crossing_SP).any():  # a logarithmic axis needs numbers
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no model overtakes in this range", transform=axes.transAxes, ha="center", wrap=True)
        return
    for place, values_S in enumerate(crossing_SP.T):
        axes.plot(values_S, np.full(len(values_S), between_P[place]), MARKERS[place], color=COLOURS[place], alpha=0.7)
    title = "fewer than two models overtake in this range"
    if (np.isfinite(crossing_SP).sum(axis=1) > 1).any():
        law = fit_power_law(crossing_SP, np.tile(between_P, (len(crossing_SP), 1)))
        draw_law(axes, crossing_SP[np.isfinite(crossing_SP)], law)
        title = formula("best N", "C", law)
    label(axes, "compute C of the training (operations)", "best number of parameters N", title)
    log_scale(axes)
