"""Filters against distributions computed by hand, and draws against the distribution that the filters leave."""

import dataclasses
import json
import subprocess
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from nn_core.generation import filters
from nn_core.generation.filters import (
    Sampling,
    pick_columns,
    rank_tokens,
    take_most_probable,
)
from tests.pretrained.oracle_python import ORACLE

filter_logits = jax.jit(filters.filter_logits)
draw_tokens = jax.jit(filters.draw_tokens)
keep_top_k, keep_top_p, keep_min_p = (jax.jit(f) for f in (filters.keep_top_k, filters.keep_top_p, filters.keep_min_p))
scale_temperature, penalise_repetition = jax.jit(filters.scale_temperature), jax.jit(filters.penalise_repetition)

FOUR = np.log(np.array([[0.15, 0.5, 0.05, 0.3]], np.float32))


def probabilities(logits_BV: jax.Array) -> np.ndarray:
    return special.softmax(np.asarray(logits_BV, np.float64), axis=1).astype(np.float32)


def entropy(probabilities_V: np.ndarray) -> float:
    return float(stats.entropy(np.asarray(probabilities_V, np.float64)))


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [
        (0.4, [0, 1, 0, 0]),
        (0.75, [0, 0.625, 0, 0.375]),
        (0.9, [3 / 19, 10 / 19, 0, 6 / 19]),
        (1.0, [0.15, 0.5, 0.05, 0.3]),
    ],
)
def test_top_p_keeps_the_token_that_crosses(top_p: float, expected: list[float]) -> None:
    np.testing.assert_allclose(probabilities(keep_top_p(FOUR, top_p))[0], expected, atol=1e-6)


def test_top_p_one_keeps_what_is_lost_in_the_rounding_of_the_sum() -> None:
    logits = np.array([[0.0, -30.0, -40.0, -41.0]], np.float32)
    assert np.isfinite(keep_top_p(logits, 1.0)).all()
    assert np.isfinite(keep_top_p(logits, 0.999)).sum() == 1


@pytest.mark.parametrize(
    ("top_k", "expected"),
    [(1, [0, 1, 0, 0]), (2, [0, 0.625, 0, 0.375]), (3, [3 / 19, 10 / 19, 0, 6 / 19]), (99, [0.15, 0.5, 0.05, 0.3])],
)
def test_top_k_keeps_k_also_beyond_the_vocabulary(top_k: int, expected: list[float]) -> None:
    np.testing.assert_allclose(probabilities(keep_top_k(FOUR, top_k))[0], expected, atol=1e-6)


def test_equal_logits_are_kept_in_the_order_of_their_ids() -> None:
    logits = np.array([[1.0, 2.0, 2.0, 1.0, 2.0, 1.0], [0.0] * 6], np.float32)
    for top_k in range(1, 7):
        kept = np.isfinite(keep_top_k(logits, top_k))
        assert kept.sum(axis=1).tolist() == [top_k, top_k]
        order = [1, 2, 4, 0, 3, 5][:top_k]
        assert np.flatnonzero(kept[0]).tolist() == sorted(order)
        assert np.flatnonzero(kept[1]).tolist() == list(range(top_k))
    assert np.flatnonzero(np.isfinite(keep_top_p(logits, 0.5))[1]).tolist() == [0, 1, 2]


def test_min_p_is_a_fraction_of_the_highest_probability() -> None:
    assert np.isfinite(keep_min_p(FOUR, 0.29))[0].tolist() == [True, True, False, True]
    assert np.isfinite(keep_min_p(FOUR, 0.31))[0].tolist() == [False, True, False, True]
    assert np.isfinite(keep_min_p(FOUR, 1.0))[0].tolist() == [False, True, False, False]
    assert np.isfinite(keep_min_p(FOUR, 0.0)).all()


def test_temperature_divides_before_the_softmax() -> None:
    p = np.array([0.15, 0.5, 0.05, 0.3])
    for temperature in (0.5, 1.0, 2.0, 7.0):
        expected = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
        np.testing.assert_allclose(probabilities(scale_temperature(FOUR, temperature))[0], expected, rtol=1e-5)
    one_hot = probabilities(filter_logits(FOUR, Sampling(temperature=0.0)))
    np.testing.assert_array_equal(one_hot, [[0, 1, 0, 0]])
    tie = filter_logits(np.array([[1.0, 3.0, 3.0, 0.0]], np.float32), Sampling(temperature=0.0))
    assert np.isfinite(tie)[0].tolist() == [False, True, False, False]
    tiny = probabilities(scale_temperature(np.array([[5.0, -5.0, 90.0, 0.0]], np.float32), 1e-37))
    np.testing.assert_array_equal(tiny, [[0, 0, 1, 0]])


def test_entropy_rises_strictly_with_temperature() -> None:
    logits = np.random.default_rng(0).normal(size=(1, 23)).astype(np.float32)
    temperatures = [0.0, 0.1, 0.2, 0.5, 0.8, 1.0, 1.3, 2.0, 5.0, 50.0]
    entropies = [entropy(probabilities(filter_logits(logits, Sampling(temperature=T)))[0]) for T in temperatures]
    assert all(low < high for low, high in zip(entropies, entropies[1:], strict=False))
    assert entropies[0] == 0 and entropies[-1] < np.log(23)


def test_repetition_penalty_lowers_scores_of_both_signs() -> None:
    logits = np.array([[2.0, -2.0, 1.0, -1.0], [2.0, -2.0, 1.0, -1.0]], np.float32)
    seen = np.array([[True, True, False, False], [False, False, True, True]])
    np.testing.assert_allclose(penalise_repetition(logits, seen, 2.0), [[1.0, -4.0, 1.0, -1.0], [2.0, -2.0, 0.5, -2.0]])
    np.testing.assert_allclose(
        penalise_repetition(logits, seen, np.array([1.0, 4.0], np.float32)),
        [[2.0, -2.0, 1.0, -1.0], [2.0, -2.0, 0.25, -4.0]],
    )
    assert jax.jit(take_most_probable)(logits, Sampling(repetition_penalty=4.0), seen).tolist() == [2, 0]
    with pytest.raises(ValueError, match="repetition_penalty needs seen_BV"):
        filter_logits(logits, Sampling(repetition_penalty=2.0))


def filtered_by_hand(logits_V: np.ndarray, temperature: float, top_k: int, top_p: float) -> np.ndarray:
    """Temperature, then top-k, then top-p of what top-k left, in float64 and plain Python."""
    weights = np.exp((logits_V - logits_V.max()) / temperature)
    order = sorted(range(len(weights)), key=lambda token: (-weights[token], token))[:top_k]
    total, mass, kept = sum(weights[order]), 0.0, []
    for token in order:
        kept.append(token)
        mass += weights[token] / total
        if mass >= top_p:
            break
    result = np.zeros(len(weights))
    result[kept] = weights[kept] / weights[kept].sum()
    return result


def test_the_order_is_temperature_then_top_k_then_top_p() -> None:
    logits = 2 * np.random.default_rng(1).normal(size=(5, 23)).astype(np.float32)
    rng = np.random.default_rng(0)
    for _ in range(40):
        temperature, top_k, top_p = rng.uniform(0.3, 3), int(rng.integers(1, 30)), rng.uniform(0.05, 0.99)
        actual = probabilities(filter_logits(logits, Sampling(temperature, top_k, top_p)))
        expected = [filtered_by_hand(row, temperature, top_k, top_p) for row in logits.astype(np.float64)]
        np.testing.assert_allclose(actual, expected, atol=2e-6)
    # Before renormalisation top-k = 2 leaves .5 and .3; after it .625 and .375: only so does p = .6 keep one token.
    assert np.isfinite(filter_logits(FOUR, Sampling(1.0, top_k=2, top_p=0.6)))[0].sum() == 1
    # At temperature 1 p = .7 keeps two tokens; a temperature applied afterwards could not bring it to three.
    assert np.isfinite(filter_logits(FOUR, Sampling(4.0, top_k=4, top_p=0.7)))[0].sum() == 3


GOLDEN = Path("tests/golden/filters.json")


def test_what_is_left_is_what_transformers_leaves() -> None:
    """tests/golden/write_filters.py wrote it, with the processors that `generate(do_sample=True)` would run (F194)."""
    cases = json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]
    for case in cases:
        rng, expected = np.random.default_rng(case["number"]), np.array(case["probabilities"])
        logits = (2.0 * rng.normal(size=expected.shape)).astype(np.float32)
        before = rng.integers(0, expected.shape[1], (len(expected), 4))
        seen = np.stack([np.isin(np.arange(expected.shape[1]), row) for row in before])
        sampling = Sampling(**{name: np.float32(value) for name, value in case["settings"].items() if name != "top_k"})
        sampling = dataclasses.replace(sampling, top_k=case["settings"].get("top_k"))
        left = probabilities(filter_logits(logits, sampling, seen))
        np.testing.assert_array_equal(left > 0, expected > 0, err_msg=str(case["settings"]))
        np.testing.assert_allclose(left, expected, atol=2e-6, err_msg=str(case["settings"]))
    asked = {name for case in cases for name in case["settings"]}
    assert asked == {"temperature", "top_k", "top_p", "min_p", "repetition_penalty"}


@pytest.mark.slow
@pytest.mark.skipif(not ORACLE.is_file(), reason="needs a Python with torch and transformers: NN_CORE_ORACLE_PYTHON")
def test_golden_filters_are_what_transformers_says(tmp_path: Path) -> None:
    path = tmp_path / "filters.json"
    subprocess.run([str(ORACLE), "tests/golden/write_filters.py", str(path)], check=True, capture_output=True)
    found, kept = (json.loads(file.read_text(encoding="utf-8"))["cases"] for file in (path, GOLDEN))
    for one, other in zip(found, kept, strict=True):
        assert one["settings"] == other["settings"]
        np.testing.assert_allclose(one["probabilities"], other["probabilities"], atol=1e-6)


def test_every_strength_may_differ_by_row() -> None:
    rng = np.random.default_rng(2)
    logits, seen = rng.normal(size=(4, 17)).astype(np.float32), rng.random((4, 17)) < 0.5
    sampling = Sampling(
        temperature=np.float32([0.0, 0.5, 1.0, 3.0]),
        top_k=np.int32([5, 2, 17, 9]),
        top_p=np.float32([0.9, 1.0, 0.3, 0.8]),
        min_p=np.float32([0.0, 0.0, 0.1, 0.5]),
        repetition_penalty=np.float32([1.0, 2.0, 3.0, 0.5]),
    )
    together = np.asarray(filter_logits(logits, sampling, seen))
    for row in range(4):
        alone = filter_logits(
            logits[row : row + 1], jax.tree.map(lambda value, row=row: value[row], sampling), seen[row : row + 1]
        )
        np.testing.assert_allclose(together[row], np.asarray(alone)[0], rtol=1e-6)


def test_ranking_fewer_tokens_changes_nothing_as_long_as_they_hold_top_k() -> None:
    logits = np.random.default_rng(4).normal(size=(3, 40)).round(1).astype(np.float32)
    values, ids = jax.jit(rank_tokens)(logits)
    expected = np.argsort(-logits, axis=1, kind="stable")
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_array_equal(values, np.take_along_axis(logits, expected, axis=1))
    keys = jax.random.split(jax.random.key(0), 3)

    @partial(jax.jit, static_argnums=1)
    def filtered_and_drawn(top_k: jax.Array, width: int | None) -> tuple[jax.Array, jax.Array]:
        sampling = Sampling(0.7, top_k, 0.9, width=width)
        return filters.filter_logits(logits, sampling), filters.draw_tokens(keys, logits, sampling)

    for top_k in (1, 7, 8):
        for full, narrow in zip(filtered_and_drawn(top_k, None), filtered_and_drawn(top_k, 8), strict=True):
            np.testing.assert_array_equal(full, narrow)
    # Without top-k all tokens count, whatever the width.
    np.testing.assert_array_equal(keep_top_p(logits, 0.999), filter_logits(logits, Sampling(top_p=0.999, width=2)))


DRAWS = 100_000


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=1.5, min_p=0.1),
        Sampling(temperature=1.3, top_k=7, top_p=0.9, min_p=0.05, repetition_penalty=1.4),
        pytest.param(Sampling(temperature=0.6), marks=pytest.mark.slow),
        pytest.param(Sampling(top_k=5), marks=pytest.mark.slow),
        pytest.param(Sampling(top_p=0.8), marks=pytest.mark.slow),
    ],
)
def test_frequencies_of_draws_fit_the_filtered_distribution(sampling: Sampling) -> None:
    size = 11
    logits = np.random.default_rng(5).normal(size=(1, size)).astype(np.float32)
    logits[0, 3] = -np.inf
    seen = np.arange(size)[None] % 3 == 0
    expected = probabilities(filter_logits(logits, sampling, seen))[0].astype(np.float64)
    keys = jax.random.split(jax.random.key(6), DRAWS)
    drawn = draw_tokens(keys, np.broadcast_to(logits, (DRAWS, size)), sampling, np.broadcast_to(seen, (DRAWS, size)))
    counts = np.bincount(drawn, minlength=size)
    kept = expected > 0
    assert counts[~kept].sum() == 0
    assert 1 < kept.sum() < size
    expected_counts = expected[kept] / expected[kept].sum() * DRAWS
    assert stats.chisquare(counts[kept], expected_counts).pvalue > 1e-3
    # The test can tell: a distribution that gives one per cent less to its favourite and spreads it is refused.
    favourite = np.arange(kept.sum()) == expected_counts.argmax()
    moved = expected_counts + np.where(favourite, -0.01, 0.01 / (kept.sum() - 1)) * DRAWS
    assert stats.chisquare(counts[kept], moved).pvalue < 1e-6


def test_a_column_without_weight_is_never_picked_not_even_by_rounding() -> None:
    size = 1000
    weights_K = np.random.default_rng(0).uniform(size=size).astype(np.float32) * (np.arange(size) % 3 == 0)
    mass_K = np.asarray(jnp.cumsum(np.tile(weights_K, (2, 1)), axis=1))[0]
    edges = mass_K / mass_K[-1]
    uniform = np.concatenate([edges, np.nextafter(edges, 0), np.nextafter(edges, 1), [0, 1 - 2**-23]])
    uniform = uniform[uniform < 1].astype(np.float32)
    picked = np.asarray(jax.jit(pick_columns)(uniform, np.tile(weights_K, (len(uniform), 1))))
    # From this size on XLA:CPU's cumulative sum differs by rounding between columns that have no weight between them.
    assert (weights_K[picked] > 0).all()


def test_a_row_is_drawn_from_its_own_key_and_logits() -> None:
    logits = np.random.default_rng(7).normal(size=(6, 13)).astype(np.float32)
    keys = jax.random.split(jax.random.key(8), 6)
    for sampling in (Sampling(), Sampling(top_k=9, top_p=0.95)):
        together = draw_tokens(keys, logits, sampling)
        alone = [draw_tokens(keys[row][None], logits[row : row + 1], sampling) for row in range(6)]
        assert together.tolist() == [int(np.asarray(token)[0]) for token in alone]


def test_values_do_not_compile_again_and_absence_does() -> None:
    traced = []

    @jax.jit
    def draw(key: jax.Array, sampling: Sampling) -> jax.Array:
        traced.append(sampling)
        return draw_tokens(key[None], FOUR, sampling)

    for temperature, top_k, top_p in ((0.5, 2, 0.9), (0.0, 99, 1.0), (9.0, 1, 0.1)):
        draw(jax.random.key(0), Sampling(temperature, top_k, top_p))
    assert len(traced) == 1
    draw(jax.random.key(0), Sampling(0.5))
    assert len(traced) == 2
