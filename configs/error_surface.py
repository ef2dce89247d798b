"""Error surfaces of two weights: descent paths into one minimum and into two, and what the Hessian says they are.

python -m experiments.run --config=configs/error_surface.py

Three surfaces: the error of one sigmoid unit (`neuron`), of a hidden tanh unit before a linear one (`chain`), and a
curve with two valleys of different depth (`valleys`). Critical points are found by Newton's iteration from a grid and
told apart by the eigenvalues of the Hessian; gradient descent starts at 50 random points of each map (F036,
F061).

Measured (2026-11-22, 2-core x86 CPU): all 50 descents on `neuron` end within 1e-6 of its one minimum. `chain` has two
minima of the same error, mirror images, with a saddle at the origin (eigenvalues -0.96, 0.96). On `valleys` 0.44 ±
0.14 of the starts end in the lower valley; the others at a local minimum (eigenvalues 2 and 7.1) that no later step
leaves.

Contrary to the notes, many steps do not "find the minimum of the error function" (S24b), only some minimum. A positive
definite Hessian is sufficient but not necessary (S24): x^4 + y^4 has its minimum at 0, where both eigenvalues are
0. A local minimum need not be worse than the global one: those of `chain` are equal.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "error_surface",
        {
            "num_points": 50,  # records that make the errors of the two networks, in [2, 100000]
            "noise": 0.3,  # standard deviation of their noise, in [0, 100]
            "learning_rates": (10.0, 1.0, 0.05),  # on the surfaces neuron, chain and valleys, each > 0
            "steps": 300,  # updates of a descent, in [1, 100000]
        },
    )
    config.num_seeds = 50
    config.table = ("error", "gradient_norm", "smallest_eigenvalue", "largest_eigenvalue", "distance", "lowest")
    config.figures = ("error_surface", "two_minima")
    return config
