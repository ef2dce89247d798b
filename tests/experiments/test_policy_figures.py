"""Reward against KL, and the best of n answers beside it: each seed counts once, however many settings share its draws."""

from pathlib import Path

import numpy as np
import pytest

from experiments.figures.policies import best_answers, frontier
from experiments.run_directory.results import Results, Row
from tests.experiments.boxes import faults

SEEDS = (0, 1, 2)


def rows_of(setting: str, reward: float) -> list[Row]:
    """Rows of one setting, whose best answers depend on the seed alone."""
    return [
        {
            "member": seed,
            "label": setting,
            "overrides": {"label": setting, "seed": seed},
            "seed": seed,
            "status": "finished",
            "true_reward": reward + 0.1 * seed,
            "test_reward": reward,
            "reference_true_reward": 0.4,
            "kl": 1.0 + 0.1 * seed,
            "best_of_4_true_reward": 0.9 + 0.01 * seed,
            "best_of_16_true_reward": 1.1,
        }
        for seed in SEEDS
    ]


def test_the_best_of_n_counts_each_seed_once():
    found = best_answers(rows_of("beta 1", 0.5) + rows_of("beta 0.1", 0.7) + [{"member": 9, "seed": 0}])
    assert list(found) == [4, 16]
    assert found[4] == pytest.approx([0.9, 0.91, 0.92]) and len(found[16]) == len(SEEDS)
    assert best_answers([{"member": 0, "seed": 0, "true_reward": 1.0}]) == {}


def test_it_stands_at_the_kl_that_it_has_at_most():
    rows = rows_of("beta 1", 0.5) + rows_of("beta 0.1", 0.7)
    figure = frontier(Results(Path("frontier"), {"name": "ppo"}, rows, [], {}))
    points = {bars.get_label(): bars.lines[0].get_xydata()[0] for bars in figure.axes[0].containers}
    np.testing.assert_allclose(points["best of 4 of the start"], (np.log(4) - 3 / 4, 0.91))
    np.testing.assert_allclose(points["best of 16 of the start"], (np.log(16) - 15 / 16, 1.1))
    np.testing.assert_allclose(points["beta 1"], (1.1, 0.6))
    assert "best of 4 of the start" not in {bars.get_label() for bars in figure.axes[1].containers}
    assert not faults(figure)
