"""A model of a table from the path of its run alone, and what it says of new rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from experiments.building.records import EXAMPLES, Registry, Sizes, serving
from experiments.command_line.choices import choose
from experiments.run_directory.kept_table import read_kept_table
from experiments.run_directory.stored_run import Stored
from experiments.trained.example_model import network, open_run
from nn_core.data.table_file import Frame
from nn_core.data.table_scheme import Scheme, described, encode, unknown_categories
from nn_core.data.table_values import place_of
from nn_core.tasks.examples import read

BATCH = 8192  # rows in one forward pass of a prediction


class TableModel(NamedTuple):
    """A model that has learned a table.

    Attributes:
        stored: where it comes from.
        scheme: how a row becomes numbers.
        filled: whether a missing number is filled in.
        answers: inputs (N, D) -> scores (N, C), rows sum to 1, or numbers (N,) in the unit of the target.
    """

    stored: Stored
    scheme: Scheme
    filled: bool
    answers: Callable[[np.ndarray], np.ndarray]


def load_table_model(
    path: str | Path, step: str = "best", member: int | None = None, registry: Registry | None = None
) -> TableModel:
    """The model of a run on a table.

    Args:
        path: the run directory.
        step: "best" on validation, "latest", or the number of a step.
        member: its number in a sweep; None for a run that is none.
        registry: models and tasks by name; None: those that the run was built with.

    Raises:
        ValueError: no such run or member, a run of another kind, or parameters that do not fit its config.
        CheckpointError: no such step, or none that is sound.
    """
    stored, registry = open_run(path, step, member, registry)
    config = stored.config
    scheme, kept = read_kept_table(stored)
    kind = choose(config.task.name, registry.tasks, "task.name")
    use = choose(config.model.name, serving(registry, EXAMPLES), "model.name")
    width = len(described(scheme.columns)[0]) + config.data.noise_features
    sizes = Sizes(kind.head.num_outputs(len(scheme.classes)), activations=registry.activations)
    model = network(stored, use, sizes, (width,))
    score = kind.head.scores

    @jax.jit
    def forward(inputs_BD: Array) -> Array:
        outputs_BC = model.apply({"params": stored.params}, read(kept, inputs_BD))
        return score(outputs_BC) if score else outputs_BC[:, 0] * kept["target_scale"] + kept["target_shift"]

    def answers(inputs_ND: np.ndarray) -> np.ndarray:
        inputs_ND = np.pad(inputs_ND, ((0, 0), (0, width - inputs_ND.shape[1])))  # noise features: their mean
        size = min(BATCH, len(inputs_ND))
        parts = []
        for start in range(0, len(inputs_ND), size):
            part_BD = inputs_ND[start : start + size]
            padded_BD = np.pad(part_BD, ((0, size - len(part_BD)), (0, 0)))  # one program for all parts
            parts.append(np.asarray(forward(padded_BD))[: len(part_BD)])
        return np.concatenate(parts)

    return TableModel(stored, scheme, "fill" in kept, answers)


class Predictions(NamedTuple):
    """What is said of the rows of a table.

    Attributes:
        labels_N: the most probable class of each row, or its number.
        scores_NC: probability of each class; None for numbers.
        classes: their names.
        warnings: for the user, a line each.
    """

    labels_N: list[Any]
    scores_NC: np.ndarray | None
    classes: tuple[str, ...]
    warnings: tuple[str, ...]


def predict_rows(model: TableModel, frame: Frame) -> Predictions:
    """The target of new rows, prepared as the run's training rows were; columns are found by their names.

    Raises:
        ValueError: in one line with row and column: a column that is not there, a value that does not fit, or one that
            is missing where the run fills nothing in.
    """
    inputs_ND = encode(frame, model.scheme)
    holes_ND = np.isnan(inputs_ND)
    if holes_ND.any() and not model.filled:
        row, place = (int(index) for index in np.argwhere(holes_ND)[0])
        name = described(model.scheme.columns)[0][place]
        raise ValueError(
            f"{frame.name} line {int(frame.lines_N[row])} has no value in {name!r}; give one, or train with "
            "--config.data.table.missing=mean"
        )
    strange = unknown_categories(frame, model.scheme)
    warnings = tuple(
        f"{len(rows)} row{'s have' if len(rows) > 1 else ' has'} a category in {name!r} that the run has not seen, first "
        f"{str(frame.columns[name][int(rows[0])])!r} in {place_of(frame, int(rows[0]))}: it counts as none of the known ones"
        for name, rows in strange.items()
    )
    answers = model.answers(inputs_ND)
    classes = model.scheme.classes
    if not classes:
        return Predictions(answers.tolist(), None, (), warnings)
    return Predictions([classes[place] for place in answers.argmax(axis=1)], answers, classes, warnings)
