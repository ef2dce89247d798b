"""Padding is in nothing: no mean, no whitening, no return; the end is told by the mask and not by an id."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.alignment import masks
from nn_core.alignment.advantages import generalized_advantages, group_advantages, leave_one_out_advantages

RNG = np.random.default_rng(5)
MASK_BT = np.array([[0, 1, 1, 1, 0], [1, 1, 0, 0, 0], [0, 0, 1, 1, 1]], np.float32)
VALUES_BT = RNG.normal(size=(3, 5)).astype(np.float32)
REAL = MASK_BT > 0


def with_garbage(values_BT):
    """The same values with what is not real spoiled."""
    return np.where(REAL, values_BT, np.nan)


@pytest.mark.parametrize("spoil", [lambda values: values, with_garbage], ids=["as is", "NaN at padding"])
def test_means_and_whitening_see_real_tokens_only(spoil):
    values_BT = spoil(VALUES_BT)
    assert float(masks.masked_mean(values_BT, MASK_BT)) == pytest.approx(VALUES_BT[REAL].mean(), abs=1e-6)
    whitened_BT = np.asarray(masks.whiten(values_BT, MASK_BT))
    assert whitened_BT[REAL].mean() == pytest.approx(0, abs=1e-6)
    assert whitened_BT[REAL].std() == pytest.approx(1, abs=1e-4)
    assert np.all(whitened_BT[~REAL] == 0)
    kept_BT = np.asarray(masks.whiten(values_BT, MASK_BT, shift=False))
    assert kept_BT[REAL].mean() == pytest.approx(VALUES_BT[REAL].mean(), abs=1e-5)


def test_whitening_something_constant_gives_zero():
    assert np.all(np.asarray(masks.whiten(np.full((3, 5), 7.0, np.float32), MASK_BT)) == 0)


def test_the_end_stays_visible_where_padding_is_the_end_token():
    end = 0
    ids_BT = np.array([[5, 6, end, end, end], [5, 6, 7, 8, 9], [end, end, end, end, end]])
    expected = [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]]
    np.testing.assert_array_equal(masks.until_end(ids_BT, end), expected)


def test_a_reward_stands_on_the_last_real_token():
    np.testing.assert_array_equal(masks.last_real(MASK_BT), [3, 1, 4])
    np.testing.assert_array_equal(
        masks.at_last(VALUES_BT, MASK_BT), [VALUES_BT[0, 3], VALUES_BT[1, 1], VALUES_BT[2, 4]]
    )


def test_positions_and_rows_are_the_same_whichever_side_is_padded():
    left = np.array([[0, 0, 7, 8, 9]]), np.array([[0, 0, 1, 1, 1]])
    right = np.array([[7, 8, 9, 0, 0]]), np.array([[1, 1, 1, 0, 0]])
    for moved, lengths in (masks.to_the_left(*left), masks.to_the_left(*right)):
        np.testing.assert_array_equal(moved, [[7, 8, 9, 0, 0]])
        np.testing.assert_array_equal(lengths, [3])
    np.testing.assert_array_equal(
        np.asarray(masks.positions(left[1]))[0, 2:], np.asarray(masks.positions(right[1]))[0, :3]
    )


def by_definition(rewards, values, gamma, decay):
    """A_t = sum_k (gamma lambda)^k delta_(t+k), in O(n^2)."""
    n = len(rewards)
    following = np.append(values[1:], 0.0)
    deltas = rewards + gamma * following - values
    return np.array([sum((gamma * decay) ** (k - t) * deltas[k] for k in range(t, n)) for t in range(n)])


@pytest.mark.parametrize(("gamma", "decay"), [(1.0, 0.95), (0.9, 0.0), (0.97, 1.0)])
def test_advantages_against_their_definition_with_spoiled_padding(gamma, decay):
    rewards_BT = RNG.normal(size=(3, 5)).astype(np.float32)
    found, returns = generalized_advantages(with_garbage(rewards_BT), with_garbage(VALUES_BT), MASK_BT, gamma, decay)
    for row in range(3):
        real = REAL[row]
        expected = by_definition(rewards_BT[row, real], VALUES_BT[row, real], gamma, decay)
        np.testing.assert_allclose(np.asarray(found)[row, real], expected, atol=1e-5)
        np.testing.assert_allclose(np.asarray(returns)[row, real], expected + VALUES_BT[row, real], atol=1e-5)
    assert np.all(np.asarray(found)[~REAL] == 0)


def test_advantages_carry_no_gradient_to_the_values():
    slope = jax.grad(lambda v: jnp.sum(generalized_advantages(VALUES_BT, v, MASK_BT, 0.9, 0.9)[1]))(VALUES_BT)
    assert np.all(np.asarray(slope) == 0)


def test_a_group_of_equal_rewards_teaches_nothing():
    rewards_GN = np.array([[0.1, 0.1, 0.1], [1.0, 2.0, 6.0]], np.float32)
    for found in (group_advantages(rewards_GN), group_advantages(rewards_GN, scale=False)):
        assert np.all(np.asarray(found)[0] == 0)
        assert float(jnp.sum(found[1])) == pytest.approx(0, abs=1e-5)
    expected = (rewards_GN[1] - 3) / (rewards_GN[1].std(ddof=1) + 1e-4)
    np.testing.assert_allclose(np.asarray(group_advantages(rewards_GN))[1], expected, rtol=1e-5)
    np.testing.assert_allclose(
        np.asarray(leave_one_out_advantages(rewards_GN))[1], [1 - 4, 2 - 3.5, 6 - 1.5], rtol=1e-5
    )
