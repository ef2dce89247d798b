"""Vanishing and exploding gradients through time: what the end of a sequence tells the states before it, cell by cell.

python -m experiments.run --config=configs/gradient_by_lag.py

No training: random cells of 32 units read 100 steps of noise. The table holds powers of ten of the gradient's length at
the state 10, 30 and 90 steps before the last, relative to the last.

Measured over 10 seeds (2026-11-23, 2 x86 cores), 90 steps back: vanilla with orthogonal weights times 0.9, 1, 1.3 and
2: -7.73 ± 0.24, -4.81 ± 0.23, -0.17 ± 0.17, +5.28 ± 0.19. LSTM with the forget gate's bias at 0, 1 and log 100:
-12.86 ± 0.14, -2.49 ± 0.13, +0.53 ± 0.19; GRU: -12.32 ± 0.12, -6.43 ± 0.11, -0.36 ± 0.02.

As the notes say (F114), a simple cell's gradient vanishes or explodes. Gates alone do not help: with their bias at
0 LSTM and GRU forget faster than the simple cell. It is the gate held open that carries the gradient.
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
            "sequences": 16,  # averaged over, >= 1
            "scales": (0.9, 1.0, 1.3, 2.0),  # factors on vanilla's orthogonal recurrent weights, each in (0, 100]
            "biases": (0.0, 1.0, 4.6),  # starts of the gate that keeps the state; 4.6 = log 100
        },
    )
    config.table = ("lag_10", "lag_30", "lag_90")
    config.figures = ("gradient_by_lag",)
    return config
