"""Sweeps that are drawn at random: the same seed, the same members; a larger number only adds some."""

import math
from statistics import fmean

import pytest

from configs.grid import choice, log_uniform, random, uniform

DRAWS = {
    "hparams.learning_rate": log_uniform(1e-4, 1e-1),
    "hparams.dropout_rate": uniform(0.0, 0.5),
    "model.hidden_sizes": choice(((3,), (5, 7))),
}


def test_the_same_seed_gives_the_same_members_and_a_larger_number_adds_to_them():
    assert random(9, 4, DRAWS)[:5] == random(5, 4, DRAWS) != random(5, 5, DRAWS)


def test_another_path_changes_no_draw():
    less = {path: draw for path, draw in DRAWS.items() if path != "hparams.dropout_rate"}
    for one, other in zip(random(5, 0, DRAWS), random(5, 0, less), strict=True):
        assert {path: one[path] for path in less} == other


def test_draws_have_their_range_and_their_distribution():
    members = random(2000, 1, DRAWS)
    rates = [math.log10(member["hparams.learning_rate"]) for member in members]
    shares = [member["hparams.dropout_rate"] for member in members]
    assert -4 <= min(rates) and max(rates) <= -1 and 0 <= min(shares) and max(shares) <= 0.5
    # Five standard errors of a mean over 2,000 draws.
    assert abs(fmean(rates) + 2.5) < 5 * (3 / math.sqrt(12)) / math.sqrt(2000)
    assert abs(fmean(shares) - 0.25) < 5 * (0.5 / math.sqrt(12)) / math.sqrt(2000)
    assert 900 < sum(member["model.hidden_sizes"] == (3,) for member in members) < 1100


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: random(0, 0, DRAWS), "number=0"),
        (lambda: random(3, 0, {}), "0 paths"),
        (lambda: uniform(1, 1), "low=1 is not below high=1"),
        (lambda: log_uniform(0, 1), "must be 0 < low < high"),
        (lambda: choice(()), "there are no values"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
