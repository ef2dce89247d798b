"""XOR by two hidden units that combine two lines: their regions, and how often training finds them.

python -m experiments.run --config=configs/xor.py

Sigmoid units, cross-entropy, all four corners in each of 2,000 steps of momentum; four widths, four sizes of the
random start. The figure has the two lines, their combination, a start that failed, the loss of every seed, and the
success rates (F027).

Measured on 100 seeds, share that solves all four points with its 95 % interval (2026-11-22, 2-core x86 CPU): two
units 0.98 ± 0.03 from a start of standard deviation 0.1, but 0.89 ± 0.06 from 0.3, 0.72 ± 0.09 from 1 and 0.59 ± 0.10
from 2. Failed runs sit at a loss of ln(2)/2 = 0.35 with two points undecided, or have not left the plateau at ln 2.
Three units: 1.00 to 0.92; four: 1.00 to 0.99; one unit: never, at most 3 of 4 points.

Contrary to the notes, two lines suffice to draw XOR, but training does not always find them; spare units help more than
anything else.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "xor",
        {
            "widths": (2, 1, 3, 4),  # hidden units; the networks of the first are drawn, in [1, 64]
            "init_scales": (0.1, 0.3, 1.0, 2.0),  # standard deviations of weights and biases at the start, in (0, 100]
            "learning_rate": 1.0,  # > 0
            "momentum": 0.9,  # in [0, 1)
            "steps": 2000,  # updates, all four corners in each, in [1, 100000]
        },
    )
    config.num_seeds = 100
    config.table = ("solved", "right", "loss")
    return config
