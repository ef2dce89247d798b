"""Schedules against their closed forms and optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nn_core.schedules import SCHEDULES, make_schedule

OPTIONS: dict[str, dict[str, float]] = {
    "constant": {},
    "inverse_sqrt": {},
    "step": {"decay_steps": 7, "decay_rate": 0.5},
    "exponential": {"decay_steps": 7, "decay_rate": 0.5},
    "linear": {"final_factor": 0.1},
    "cosine": {"final_factor": 0.1},
}


def make(name: str, **keywords):
    return make_schedule(name, **{"total_steps": 31, **OPTIONS[name], **keywords})


def factors(schedule, count: int = 31) -> np.ndarray:
    return np.asarray(jax.jit(jax.vmap(schedule))(jnp.arange(count)))


def test_every_schedule_has_options_here() -> None:
    assert set(OPTIONS) == set(SCHEDULES)


def test_inverse_square_root_starts_at_one() -> None:
    """F064, S27: eta_0 / sqrt(t) with t from 1."""
    np.testing.assert_allclose(factors(make("inverse_sqrt"), 4), [1.0, 0.7071, 0.5774, 0.5], atol=5e-5)


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("constant", optax.constant_schedule(1.0)),
        ("step", optax.exponential_decay(1.0, 7, 0.5, staircase=True)),
        ("exponential", optax.exponential_decay(1.0, 7, 0.5)),
        ("linear", optax.linear_schedule(1.0, 0.1, 31)),
        ("cosine", optax.cosine_decay_schedule(1.0, 31, 0.1)),
    ],
)
def test_equals_optax(name: str, oracle) -> None:
    expected = np.broadcast_to(factors(oracle, 40), (40,))
    np.testing.assert_allclose(factors(make(name), 40), expected, atol=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_warm_up_rises_evenly_to_the_start_of_the_schedule(name: str) -> None:
    found = factors(make(name, warmup_steps=4))
    np.testing.assert_allclose(found[:4], [0.2, 0.4, 0.6, 0.8], rtol=1e-6)
    assert found[4] == 1.0
    assert np.all(np.diff(found[4:]) <= 0)
    if name != "inverse_sqrt":
        np.testing.assert_allclose(found[4:], factors(make(name, total_steps=27), 27), atol=1e-6)


def test_warmed_up_inverse_square_root_goes_on_along_the_curve_of_the_whole_run() -> None:
    found = factors(make("inverse_sqrt", warmup_steps=4))
    np.testing.assert_allclose(found[4:], np.sqrt(4 / np.arange(4, 31)), rtol=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_starts_at_one_never_rises_and_stays_in_range(name: str) -> None:
    found = factors(make(name), 200)
    assert found[0] == 1.0 and np.all(np.diff(found) <= 1e-7) and found.min() >= 0.0


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_decays_to_the_final_factor_and_stays_there(name: str) -> None:
    np.testing.assert_allclose(factors(make(name), 40)[31:], 0.1, rtol=1e-6)
    np.testing.assert_allclose(factors(make_schedule(name, total_steps=31), 40)[31:], 0.0, atol=1e-7)


@pytest.mark.parametrize("name", SCHEDULES)
def test_factors_are_float32_scalars_of_integer_steps(name: str) -> None:
    for step in (3, np.int32(3), jnp.int32(3)):
        factor = jax.eval_shape(make(name, warmup_steps=2), step)
        assert factor.shape == () and factor.dtype == jnp.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "cosin"}, "schedule 'cosin' is unknown; use one of constant, .*cosine"),
        ({"name": "constant", "decay_rate": 0.5}, "schedule 'constant' does not read decay_rate=0.5; .*reads none of"),
        ({"name": "cosine", "decay_steps": 5}, "schedule 'cosine' does not read decay_steps=5"),
        ({"name": "step", "decay_steps": 5}, "schedule 'step' needs decay_rate; set it"),
        ({"name": "exponential", "decay_rate": 0.5}, "schedule 'exponential' needs decay_steps; set it"),
        ({"name": "step", "decay_steps": 0, "decay_rate": 0.5}, "decay_steps=0 is below 1"),
        ({"name": "step", "decay_steps": 5, "decay_rate": 1.5}, r"decay_rate=1.5 is outside \(0, 1\]"),
        ({"name": "linear", "final_factor": -0.1}, r"final_factor=-0.1 is outside \[0, 1\]"),
        ({"name": "cosine", "warmup_steps": 31}, r"warmup_steps=31 is outside \[0, 31\); use less than total_steps"),
        ({"name": "cosine", "warmup_steps": -1}, r"warmup_steps=-1 is outside \[0, 31\)"),
        ({"name": "cosine", "total_steps": 0}, "total_steps=0 is below 1"),
    ],
)
def test_bad_options_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_schedule(**{"total_steps": 31, **arguments})
