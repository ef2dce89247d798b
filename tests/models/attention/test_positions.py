"""Positions: worked values, and the relative laws that justify each kind."""

import math

import jax
import numpy as np
import pytest

from nn_core.models.attention.positions import (
    RelativeBias,
    alibi_bias,
    alibi_slopes,
    relative_buckets,
    rotate,
    sinusoidal_positions,
)

sinusoids = jax.jit(sinusoidal_positions, static_argnums=1)


def test_sinusoids_start_with_0_1_and_follow_vaswani_formula() -> None:
    encoding_TD = np.asarray(sinusoids(np.arange(11), 8))
    np.testing.assert_array_equal(encoding_TD[0], [0, 1, 0, 1, 0, 1, 0, 1])
    for t in (1, 10):
        for i in range(4):
            angle = t / 10_000 ** (2 * i / 8)
            np.testing.assert_allclose(encoding_TD[t, 2 * i : 2 * i + 2], [math.sin(angle), math.cos(angle)], atol=1e-6)


def test_sinusoids_of_the_course_width_75_drop_the_last_cosine() -> None:
    encoding_TD = np.asarray(sinusoids(np.arange(3), 75))
    assert encoding_TD.shape == (3, 75)
    np.testing.assert_allclose(encoding_TD[2, 74], math.sin(2 / 10_000 ** (74 / 75)), atol=1e-7)


def test_a_shift_rotates_sinusoids_by_the_same_matrix_everywhere() -> None:
    width, shift = 6, 5
    encoding_TD = np.asarray(sinusoids(np.arange(40), width), np.float64)
    rotation_DD = np.zeros((width, width))
    for i in range(width // 2):
        angle = shift / 10_000 ** (2 * i / width)
        rotation_DD[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [
            [math.cos(angle), math.sin(angle)],
            [-math.sin(angle), math.cos(angle)],
        ]
    np.testing.assert_allclose(encoding_TD[shift:], encoding_TD[:-shift] @ rotation_DD.T, atol=3e-6)


def test_rotated_products_depend_on_the_distance_only() -> None:
    q_BTHK, k_BTHK = np.random.default_rng(0).normal(size=(2, 1, 1, 3, 10)).astype(np.float32)
    turn = jax.jit(rotate)

    def product(t: int, s: int) -> np.ndarray:
        turned_q, turned_k = turn(q_BTHK, np.array([[t]])), turn(k_BTHK, np.array([[s]]))
        return np.sum(np.asarray(turned_q) * turned_k, axis=-1)

    np.testing.assert_allclose(product(7, 4), product(23, 20), atol=1e-5)
    np.testing.assert_allclose(product(4, 4), np.sum(q_BTHK * k_BTHK, axis=-1), atol=1e-5)
    assert np.max(np.abs(product(7, 4) - product(7, 5))) > 0.1


def test_rotation_keeps_lengths_and_turns_the_first_pair_by_one_radian_a_token() -> None:
    x_BTHK = np.random.RandomState(0).randn(2, 5, 3, 4).astype(np.float32)
    turned = np.asarray(jax.jit(rotate)(x_BTHK, np.arange(5)[None]))
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(x_BTHK, axis=-1), rtol=1e-5)
    unit = np.array([1, 0, 0, 0], np.float32).reshape(1, 1, 1, 4)
    np.testing.assert_allclose(
        np.asarray(jax.jit(rotate)(unit, np.array([[1]])))[0, 0, 0], [math.cos(1), 0, math.sin(1), 0], atol=1e-6
    )


def test_an_odd_head_width_cannot_be_rotated() -> None:
    with pytest.raises(ValueError, match="the head width is 5; use an even head width"):
        rotate(np.zeros((1, 1, 1, 5), np.float32), np.zeros((1, 1), np.int32))


def test_alibi_slopes_of_the_paper() -> None:
    np.testing.assert_allclose(alibi_slopes(8), [2.0**-h for h in range(1, 9)], rtol=1e-6)
    # Not a power of two: the slopes of 4 heads, then every second one of 8.
    np.testing.assert_allclose(alibi_slopes(6), [2.0**-2, 2.0**-4, 2.0**-6, 2.0**-8, 2.0**-1, 2.0**-3], rtol=1e-6)


def test_alibi_bias_falls_linearly_with_the_distance_of_each_row() -> None:
    bias = np.asarray(jax.jit(alibi_bias, static_argnums=0)(2, np.array([[3], [5]]), np.arange(6)[None]))
    assert bias.shape == (2, 2, 1, 6)
    np.testing.assert_allclose(bias[0, 0, 0], -np.array([3, 2, 1, 0, 1, 2]) / 16, rtol=1e-6)
    np.testing.assert_allclose(bias[1, 1, 0], -np.array([5, 4, 3, 2, 1, 0]) / 256, rtol=1e-6)


def test_relative_buckets_by_hand() -> None:
    compiled = jax.jit(relative_buckets, static_argnums=2)

    def bucket(query: int, key: int, bidirectional: bool) -> int:
        return int(compiled(np.array([[query]]), np.array([[key]]), bidirectional).item())

    # One-directional: 16 exact buckets, then 16 + ln(d/16)/ln(128/16) * 16; from 128 on the last.
    assert [bucket(d, 0, False) for d in (0, 1, 15, 16, 32, 127, 128, 10_000)] == [0, 1, 15, 16, 21, 31, 31, 31]
    assert bucket(0, 9, False) == 0
    # Both directions: 16 a side, keys ahead in the upper half.
    assert [bucket(0, d, True) for d in (1, 7, 8, 500)] == [17, 23, 24, 31]
    assert [bucket(d, 0, True) for d in (1, 7, 8, 500)] == [1, 7, 8, 15]


def test_relative_bias_reads_one_number_per_head_and_bucket() -> None:
    module = RelativeBias(num_heads=3, bidirectional=False)
    bias, variables = jax.jit(module.init_with_output)(jax.random.key(0), np.array([[4, 5]]), np.arange(7)[None])
    bias, params = jax.device_get((bias, variables["params"]))
    assert bias.shape == (1, 3, 2, 7) and params["embedding"].shape == (32, 3)
    np.testing.assert_array_equal(bias[0, :, 0, 1], params["embedding"][3])
    np.testing.assert_array_equal(bias[0, :, 0, 0], bias[0, :, 1, 1])
