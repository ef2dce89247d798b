"""Units of the columns of results, and the range that a quantity cannot leave."""

import math

# Ending of a column's name -> its unit; the first that fits.
UNITS = {
    "loss": "nats",
    "gap": "nats",
    "accuracy": "share right",
    "exact": "share of sequences",
    "recall": "share found",
    "precision": "share right",
    "exact_zeros": "share of weights",
    "dead_units": "share of units",
    "activation_sparsity": "share of zeros",
    "weight_norm": "Euclidean",
    "steps": "updates",
    "best_step": "updates",
    "gradients": "of single examples",
    "gradients_needed": "to stay at the minimum",
    "evaluations": "of the function, the network",
    "selected": "weights",
    "updates": "to the target",
    "gradient_ratio": "first layer / last layer",
    "first_gradient": "log₁₀ of its norm, first block",
    "gradient": "size of softmax's Jacobian",
    "saturated": "share of queries",
    "largest_weight": "of a query",
    "entropy": "nats",
    "rmse": "rating points",
    "f1": "0 to 1",
    "trained_share": "share of parameters",
    "megabytes": "MB",
    "embedding_ratio": "token / position vector",
}
EVERYTHING = (-math.inf, math.inf)
# Beginning of a unit -> the range of such quantities; and endings of names of what is never below 0.
RANGES = {"share": (0.0, 1.0), "0 to 1": (0.0, 1.0)}
NEVER_NEGATIVE = (
    "loss",
    "perplexity",
    "rmse",
    "norm",
    "steps",
    "updates",
    "gradients",
    "parameters",
    "megabytes",
    "bits_per_character",
)


def unit_of(column: str) -> str:
    """The unit of a column; empty where it has none."""
    return next((unit for ending, unit in UNITS.items() if column.endswith(ending)), "")


def range_of(column: str) -> tuple[float, float]:
    """The least and the largest value that a quantity can have.

    >>> range_of("test_accuracy"), range_of("train_loss"), range_of("gap")
    ((0.0, 1.0), (0.0, inf), (-inf, inf))
    """
    for beginning, interval in RANGES.items():
        if unit_of(column).startswith(beginning):
            return interval
    return (0.0, math.inf) if column.endswith(NEVER_NEGATIVE) else EVERYTHING
