"""The notes' worked example of backpropagation: every number exact, rounded, as the notes print it, and by autodiff.

python -m experiments.run --config=configs/worked_example.py

Two inputs, one hidden unit, one output, sigmoids, no biases (F039), in float64. The figure is the
network that the notes leave out, with all its numbers. Another network of this form: --config.task.inputs=... and its
neighbours; the columns of the notes then disappear.

Measured (2026-11-22): every exact number, rounded, equals the printed one, except the last step: 0.00046, where the
notes print 0.00045 because they go on with the rounded 0.003 (S16c). Automatic differentiation of (y - y^)^2 / 2
gives the same steps to 1e-12. The steps take the error from 0.11889 to 0.11708; with the sign that the
notes print it would climb to 0.12072 (S1).
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "worked_example",
        {
            "inputs": (0.1, 0.3),  # x, each in [-100, 100]
            "hidden_weights": (0.4, -0.2),  # w, from the inputs to the hidden unit, each in [-100, 100]
            "output_weight": 0.1,  # W, from the hidden unit to the output, in [-100, 100]
            "target": 1.0,  # y, in [0, 1]
            "learning_rate": 0.5,  # eta, > 0
        },
    )
    config.num_seeds = 1  # nothing is random
    config.table = ("exact", "rounded", "notes", "autodiff")
    return config
