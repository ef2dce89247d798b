"""The chart of the course: training loss of every logged step and validation loss of every evaluation (F166)."""

from matplotlib.figure import Figure

from experiments.figures.learning_curves import series
from experiments.figures.style import COLOURS
from experiments.run_directory.results import Results

NAMES = {"batch_loss": "Training Loss", "validation_loss": "Validation Loss"}


def training_and_validation_loss(run: Results) -> Figure:
    """Two lines over the steps (the x axis counts steps, not epochs: S47); means for a sweep."""
    members = {row["member"] for row in run.metrics}
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    for index, (name, text) in enumerate(NAMES.items()):
        steps, values_SN = series(run, name, members)
        if len(values_SN):
            axes.plot(steps, values_SN.mean(axis=0), label=text, color=COLOURS[index], linewidth=1 + index)
    axes.set_title("Training and Validation Loss")
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats)")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))  # beside the axes: it hides no curve
    axes.grid(True)
    return figure
