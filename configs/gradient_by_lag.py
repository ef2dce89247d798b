"""Vanishing and exploding gradients through time: what the end of a sequence tells the states before it, cell by cell.

python -m experiments.run --config=configs/gradient_by_lag.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "gradient_by_lag",
        {
            "features": 32,  # units of the state, in [1, 4096]
            "inputs": 8,  # numbers that the cell reads a step, each N(0, input_size^2)
            "input_size": 0.2,  # their standard deviation, in [0, 100]
            "steps": 100,  # of the sequence, above 90
            "sequences": 16,  # over which is averaged, >= 1
            "scales": (0.9, 1.0, 1.3, 2.0),  # factors on vanilla's orthogonal recurrent weights, each in (0, 100]
            "biases": (0.0, 1.0, 4.6),  # starts of the gate that keeps the state; 4.6 = log 100
        },
    )
    config.table = ("lag_10", "lag_30", "lag_90")
    config.figures = ("gradient_by_lag",)
    return config
