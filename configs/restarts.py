"""Random restarts: best of n against n, independent and perturbed, and against simulated annealing at equal work.

python -m experiments.run --config=configs/restarts.py

A small network learns two circles from 60 points, from 32 independent starts and from 32 perturbations w_0 + N(0,
sigma^2) of one of them; every start of every kind and seed is a member of one program. Then Rastrigin's function in 1
to 6 dimensions: descents from random starts, annealing and random points, 3,000 evaluations each, a gradient counted
as 3 (F062, F066).

Measured on 20 seeds, mean and 95 % interval (2026-11-22, 2-core x86 CPU): the test loss falls from 0.32 ± 0.04 nats
for one start to 0.15 ± 0.04 for the best of 32 independent ones. Perturbed ones reach 0.33 ± 0.07 at sigma 0.03, 0.17
± 0.04 at 0.3 and at 1, 0.20 ± 0.04 at 3. Rastrigin, share of 100 searches that find the global minimum: in two
dimensions annealing 0.95 ± 0.04, descents 0.59 ± 0.10, random points 0.50 ± 0.10; in three 0.28 ± 0.09 (4 chains),
0.05 ± 0.04, 0.08 ± 0.05; in six none, and there descents end lower (11.3 ± 0.9) than annealing (14.1 ± 0.8). Descents
for one success: about 11^D.

Contrary to the notes, L in w* = argmin L(w) (S25) must not be the training loss: the best of 32 by training loss has a
test loss of 0.30 ± 0.05, hardly below that of a single start. And w_0 + epsilon with a small sigma is hardly a restart
at all.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "restarts",
        {
            # A network of one hidden layer (tanh) learns which of two circles a point belongs to.
            "width": 3,  # hidden units, in [1, 64]
            "num_points": 60,  # training examples; 100 more choose, 1,000 judge, in [2, 100000]
            "noise": 0.1,  # standard deviation of the points, in [0, 100]
            "learning_rate": 0.3,  # > 0
            "momentum": 0.9,  # in [0, 1)
            "steps": 500,  # updates, all examples in each, in [1, 100000]
            "restarts": 32,  # most starts that one best is chosen from, in [1, 1000]
            "sigmas": (0.03, 0.1, 0.3, 1.0, 3.0),  # noise around the common start of perturbed restarts, in [0, 100]
            # Rastrigin's function: 11 minima along each axis, one of them the lowest.
            "num_searches": 100,  # searches of each kind, in [1, 10000]
            "dimensions": (1, 2, 3, 4, 6),  # in [1, 100]
            "evaluations": 3000,  # work of a search, in evaluations of the function, in [1, 1000000]
            "gradient_cost": 3.0,  # evaluations that one gradient is worth, in [1, 100]
            "descent_rate": 0.0025,  # about 1 / the largest curvature, > 0
            "descent_steps": 10,  # updates of one descent, in [1, 100000]
            "chains": (1, 4),  # annealing chains that share the work, in [1, 1000]
            "hottest": 10.0,  # first temperature, > 0
            "coldest": 0.1,  # last temperature, > 0
            "proposal_scale": 2.0,  # standard deviation of the first proposals, > 0
        },
    )
    config.num_seeds = 20
    config.table = ("median", "best", "test_best", "test_by_training", "found", "energy", "evaluations")
    return config
