"""The coin by maximum likelihood: closed form, ascent and Newton agree; the product underflows, the log sum does not.

python -m experiments.run --config=configs/likelihood.py

Seven heads of ten tosses by the notes' recipe (h / n), by gradient ascent and by Newton's iteration on automatic
derivatives; then coins with p = 0.7, tossed up to 10,000 times (F015).

Measured (2026-11-22, 2-core x86 CPU): the three ways give 0.7, 0.699999 and 0.7; the ascent is within 1e-4 after 32
steps. The product of the probabilities becomes 0 after 173 ± 3 tosses in float32 and after 1,221 ± 7 in float64 (50
seeds, 95 % intervals), so it cannot tell any p from another; the sum of logs of 10,000 tosses is -6,107 ± 10. The
estimate is off by 0.110 ± 0.028 after 10 tosses, 0.036 ± 0.009 after 100, 0.012 ± 0.002 after 1,000: most probable is
not yet true, and ten times nearer costs a hundred times the tosses.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "likelihood",
        {
            "heads": 7,  # between 1 and tosses - 1
            "tosses": 10,  # in [2, 100000]
            "start": 0.5,  # first p of ascent and Newton, in (0, 1)
            "learning_rate": 1.0,  # of the ascent on the mean log-likelihood, in (0, 8)
            "steps": 50,  # updates of the ascent, in [1, 100000]
            "probability": 0.7,  # of heads, for the coins that are tossed, in (0, 1)
            "sizes": (10, 100, 1000, 10000),  # tosses after which the estimate is looked at, in [1, 100000]
        },
    )
    config.num_seeds = 50
    config.table = ("estimate", "error", "underflow", "log_likelihood")
    return config
