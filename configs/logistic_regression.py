"""Logistic regression on breast cancer: named coefficients, calibration, thresholds, and scikit-learn's very numbers.

python -m experiments.run --config=configs/logistic_regression.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "logistic_regression",
        {
            "penalty": 1.0,  # strength of 1/2 sum w^2 against the summed loss: 1 / C of scikit-learn, > 0
            "train_examples": 400,  # of 569, in [31, 560]
            "thresholds": (0.3, 0.5, 0.7),  # of P(benign), in (0, 1)
        },
    )
    config.num_seeds = 20
    config.table = ("accuracy", "recall", "precision", "test_loss", "calibration_error", "largest_difference")
    return config
