"""What a language model's figures say of a prompt is what its distribution and its search are."""

import re

import jax
import numpy as np
import pytest

from experiments.figures import language_model as figures
from experiments.trained.language_model import LanguageModel
from tests.experiments.boxes import faults

PROMPT = "the c"


@pytest.fixture
def model(tiny_model) -> LanguageModel:
    """Six updates leave all tokens nearly alike; this one has opinions."""
    head = jax.tree.map(lambda leaf: 20 * leaf, tiny_model.params["head"])
    return tiny_model._replace(params={**tiny_model.params, "head": head})


@pytest.fixture
def probabilities(model) -> np.ndarray:
    return figures.distribution(figures.next_logits(model, PROMPT))


def heights(axes) -> np.ndarray:
    return np.array([bar.get_height() for bar in axes.patches])


def test_three_temperatures_and_their_entropies(model, probabilities):
    """F193: a panel for each, probabilities that sharpen and flatten, and entropies that rise."""
    figure = figures.temperature(model, PROMPT)
    shown, entropies = np.argsort(-probabilities)[: figures.SHOWN], []
    for axes, value in zip(figure.axes[:3], figures.TEMPERATURES, strict=True):
        powers = probabilities.astype(np.float64) ** (1 / value)
        np.testing.assert_allclose(heights(axes), (powers / powers.sum())[shown], rtol=1e-4)
        told, found = re.fullmatch(r"T = (\S+), entropy (\S+) nats", axes.get_title()).groups()
        assert float(told) == value
        entropies.append(float(found))
    assert entropies == sorted(entropies) and len(set(entropies)) == 3
    assert not faults(figure)


def test_what_top_k_and_top_p_keep(model, probabilities):
    """F191, F192: renormalised bars of exactly the kept tokens."""
    figure = figures.top_k_top_p(model, PROMPT)
    ranked = np.sort(probabilities.astype(np.float64))[::-1]
    kept = [*figures.TOP_K, *(int(np.searchsorted(np.cumsum(ranked), p) + 1) for p in figures.TOP_P)]
    for axes, number in zip(figure.axes[1:], kept, strict=False):
        expected = np.where(np.arange(len(ranked)) < number, ranked, 0) / ranked[:number].sum()
        np.testing.assert_allclose(heights(axes), expected[: figures.SHOWN], rtol=1e-4)
    assert not faults(figure)


def test_draws_lie_beside_their_probabilities(model, probabilities):
    """F189: shares of all draws, nearly all of them within the interval that is drawn."""
    figure = figures.multinomial(model, PROMPT)
    shares, p = heights(figure.axes[0]), np.sort(probabilities)[::-1][: 2 * figures.SHOWN]
    assert np.all(shares * figures.DRAWS == np.round(shares * figures.DRAWS, 3)) and shares.sum() <= 1 + 1e-9
    assert np.mean(np.abs(shares - p) <= 2 * np.sqrt(p * (1 - p) / figures.DRAWS)) > 0.8


def test_the_best_text_is_a_path_through_the_tree_of_the_beam(model):
    """F190: an edge for each kept hypothesis, one of the best text's colour for each of its tokens."""
    figure = figures.beam(model, PROMPT)
    edges = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2]
    best = [line for line in edges if line.get_color() == figures.BEST and line.get_linewidth() > 2]
    assert sorted(line.get_xdata()[1] for line in best) == list(range(1, figures.BEAM_STEPS + 1))
    assert len(edges) >= figures.BEAM_STEPS * 2
