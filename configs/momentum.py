"""Momentum rolls over the hump that stops plain descent: heavy ball, Nesterov, a step that grows to eta / (1 - beta).

python -m experiments.run --config=configs/momentum.py

A bowl with its minimum at 0 and a hump at -2. One start before the hump and one on the other side, for every seed;
plain descent, heavy ball and Nesterov at five strengths; and the same rules down a slope of 1 (F063).

Measured on 100 starts, share that ends in the global minimum with its 95 % interval (2026-11-22, 2-core x86 CPU):
from before the hump plain descent 0, heavy ball 0.57 ± 0.10 at beta = 0.5 and 1.00 at 0.9; Nesterov 0 and 1.00. It
overshoots by 2.7 ± 0.1 (Nesterov 1.9 ± 0.1) and needs 68 gradients, one a step (35). The step down the slope is eta / (1 - beta) in
all ten cases, 10 and 100 times eta at 0.9 and 0.99.

Contrary to the notes, the sum is not a "weighted average" (S26): its weights sum to 1 / (1 - beta), and the present
step is the one multiplied by 1. Momentum can also hurt: at beta = 0.99 it throws 0.25 ± 0.09 of the starts that need
not pass the hump over it into the worse minimum (Nesterov 0.32 ± 0.09); plain descent loses none.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "momentum",
        {
            "learning_rate": 1.0,  # eta, > 0
            "momenta": (0.9, 0.5, 0.8, 0.95, 0.99),  # beta; paths are drawn for the first, each in [0, 1)
            "drawn_start": -5.0,  # of the drawn paths; the hump stands at -2, the global minimum at 0, in [-20, 20]
            "starts_left": (-6.0, -3.2),  # interval of random starts before the hump, in [-20, 20]
            "starts_right": (1.0, 6.0),  # interval of random starts with no hump before the minimum, in [-20, 20]
            "steps": 1500,  # updates of a descent, in [1, 100000]
        },
    )
    config.num_seeds = 100
    config.table = ("reached", "kept", "gradients_needed", "overshoot", "step_ratio", "limit")
    return config
