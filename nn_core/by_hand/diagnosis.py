"""Underfitting or overfitting? The verdict that the train-validation gap gives (F043)."""

import math
from typing import NamedTuple

UNDERFITS, RIGHT, OVERFITS, UNKNOWN = "underfits", "just right", "overfits", "unknown"
# A validation loss up to a tenth above the best known is as good as the best: about the spread over seeds of the
# course's examples.
TOLERANCE = 0.1


class Diagnosis(NamedTuple):
    """What is wrong with a model, if anything.

    Attributes:
        verdict: UNDERFITS, RIGHT, OVERFITS, or UNKNOWN where a loss is not finite.
        bias: train loss - best known validation loss: what the model misses even on its training data.
        gap: validation loss - train loss: what it has learned only about its training data.
    """

    verdict: str
    bias: float
    gap: float


def diagnose(train_loss: float, validation_loss: float, best_loss: float, tolerance: float = TOLERANCE) -> Diagnosis:
    """Attributes a model's distance from the best known one to bias or to the gap.

        validation - best = (train - best) + (validation - train) = bias + gap

    Within the tolerance of the best it is just right. Beyond it, a positive bias means that it does worse on its own
    training data than the best model on data it has never seen: it underfits (too simple, or not trained enough),
    whatever the gap. Otherwise the gap alone puts it behind: it overfits.

    The notes illustrate underfitting by a training set of dogs only, which is a biased sample and not a simple model (S17b).

    Args:
        train_loss: mean loss on the training data, without penalties.
        validation_loss: mean loss on the validation data.
        best_loss: lowest validation loss of the models that are compared.
        tolerance: share of best_loss that a validation loss may lie above it, >= 0.
    Returns:
        The diagnosis.
    Raises:
        ValueError: a negative tolerance.
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance={tolerance} is negative; use a share of the best loss such as {TOLERANCE}")
    bias, gap = train_loss - best_loss, validation_loss - train_loss
    if not all(math.isfinite(loss) for loss in (train_loss, validation_loss, best_loss)):
        return Diagnosis(UNKNOWN, bias, gap)
    if validation_loss <= best_loss + tolerance * abs(best_loss):
        return Diagnosis(RIGHT, bias, gap)
    return Diagnosis(UNDERFITS if bias > 0 else OVERFITS, bias, gap)
