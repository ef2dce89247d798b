"""The perceptron draws its line: every boundary on the way, mistakes against the (R/gamma)^2 bound, XOR without end.

python -m experiments.run --config=configs/perceptron.py

Points on both sides of a random line, at three least distances from it, and three logic gates; a start at 0, a new
order of the points each epoch. The figure has the boundaries of one run (the earlier ones dotted, the last one
solid), the mistakes of every seed under the bound, and the mistakes epoch by epoch (F001-F004).

Measured on 20 seeds, mean and 95 % interval (2026-11-22, 2-core x86 CPU): it separates whatever a line can separate,
after 13.3 ± 3.7 mistakes at gap 0.1 (bound 228 ± 22), 32.6 ± 7.8 at 0.03 (1,497 ± 374) and 4.3 ± 1.0 at 0.3 (37 ± 2).
No seed exceeds its bound, which lies 3 to 300 times too high. XOR makes 2.8 mistakes an epoch until it is stopped after
200 epochs without having converged; it ends with 2 of 4 points wrong, the pocket boundary (the best on the way) with 1.

Contrary to the notes, the solid line is not "the optimal decision boundary" (S3). Its margin is 0.40 ± 0.12 of the
widest at gap 0.1 and 0.28 ± 0.12 at 0.03; for the gates it is 0, the line runs through a point.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "perceptron",
        {
            "learning_rate": 1.0,  # from a start at 0 it only scales the boundary, > 0
            "max_epochs": 200,  # passes after which it gives up, >= 1
            "num_points": 100,  # points on both sides of a random line, >= 2
            "gaps": (0.1, 0.03, 0.3),  # least distances of the points from that line; the first is drawn, in [0, 10]
            "gates": ("and", "or", "xor"),  # logic gates with two inputs
        },
    )
    config.num_seeds = 20
    config.table = ("converged", "epochs", "mistakes", "bound", "errors", "pocket_errors", "margin_share")
    return config
