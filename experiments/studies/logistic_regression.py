"""Logistic regression on real diagnoses: coefficients with names, thresholds, calibration (F020-F024)."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.studies.base import Outcome, Study, compiled, keys_of, make_rows, seeds_of
from nn_core.by_hand.likelihood import maximise
from nn_core.data.bundled import breast_cancer
from nn_core.data.splits import SplitSizes, split_indices, standardizer
from nn_core.losses import binary_cross_entropy
from nn_core.metrics import calibration_bins, expected_calibration_error

NEWTON_STEPS = 25
BINS = 10
COLUMNS = ("accuracy", "recall", "precision", "test_loss", "calibration_error", "largest_difference")


def fit(inputs_ND: Array, targets_N: Array, penalty: float) -> Array:
    """Weights, with the bias last, that minimise summed cross-entropy + penalty / 2 |w|^2; the bias is not penalised.

    scikit-learn's objective with C = 1 / penalty.
    """

    def negative(theta: Array) -> Array:
        logits_N = inputs_ND @ theta[:-1] + theta[-1]
        return -binary_cross_entropy(logits_N, targets_N, reduction="sum") - penalty / 2 * jnp.sum(theta[:-1] ** 2)

    return maximise(negative, jnp.zeros(inputs_ND.shape[1] + 1), NEWTON_STEPS)


def run(config: ConfigDict) -> Outcome:
    """Fits every seed's split, judges it at every threshold, and compares it with scikit-learn's."""
    from sklearn.linear_model import LogisticRegression  # slow to import

    task, dataset = config.task, breast_cancer()
    inputs, targets = jnp.asarray(dataset.inputs, jnp.float32), jnp.asarray(dataset.targets)
    sizes = SplitSizes(task.train_examples, 0, len(targets) - task.train_examples)

    def one(key: Array) -> tuple[Array, ...]:
        split = split_indices(key, targets, sizes, 2)
        shift, scale = standardizer(inputs[split["train"]])
        standard = (inputs - shift[None]) / scale[None]
        theta = fit(standard[split["train"]], targets[split["train"]].astype(jnp.float32), task.penalty)
        logits_M = standard[split["test"]] @ theta[:-1] + theta[-1]
        return theta, logits_M, targets[split["test"]], standard[split["train"]], targets[split["train"]]

    theta_SD, logits_SM, truth_SM, train_SND, labels_SN = map(np.asarray, compiled(jax.vmap(one))(keys_of(config)))
    differences, seeds = [], seeds_of(config)
    for theta_D, train_ND, labels_N in zip(theta_SD, train_SND, labels_SN, strict=True):
        peer = LogisticRegression(C=1 / task.penalty, tol=1e-10, max_iter=10_000).fit(train_ND, labels_N)
        differences.append(np.abs(np.append(peer.coef_[0], peer.intercept_) - theta_D).max())
    chances_SM = 1 / (1 + np.exp(-logits_SM))
    losses = np.mean(np.logaddexp(0, logits_SM) - truth_SM * logits_SM, axis=1)
    two = np.stack([1 - chances_SM, chances_SM], axis=-1)
    bins = np.stack(
        [np.asarray(calibration_bins(jnp.asarray(p), jnp.asarray(t), BINS)) for p, t in zip(two, truth_SM, strict=True)]
    )
    errors = [float(expected_calibration_error(jnp.asarray(one_bins))) for one_bins in bins]
    rows = make_rows("fit", seeds, test_loss=losses, calibration_error=errors, largest_difference=differences)
    for threshold in task.thresholds:
        chosen_SM = chances_SM >= threshold
        hits = np.sum(chosen_SM & (truth_SM == 1), axis=1)
        columns = {
            "accuracy": np.mean(chosen_SM == truth_SM, axis=1),
            "recall": hits / np.sum(truth_SM, axis=1),
            "precision": hits / np.maximum(np.sum(chosen_SM, axis=1), 1),
        }
        rows += make_rows(f"benign where P >= {threshold:g}", seeds, **columns)
    arrays = {"coefficients": theta_SD, "names": np.array([*dataset.input_names, "bias"]), "bins": bins.sum(axis=0)}
    order = np.argsort(chances_SM.ravel())
    return Outcome(rows, arrays | {"chances": chances_SM.ravel()[order], "truth": truth_SM.ravel()[order]})


def check(config: ConfigDict) -> None:
    """Raises ValueError if no example is left to test on."""
    if config.task.train_examples > 560:
        raise ValueError(
            f"config.task.train_examples={config.task.train_examples} leaves none of 569 to test on; use <= 560"
        )


STUDY = Study(
    run,
    {
        "penalty": "(0, inf)",
        "train_examples": "[1, inf)",
        "thresholds": "(0, 1)",
    },
    COLUMNS,
    ("logistic_regression",),
    check,
)
