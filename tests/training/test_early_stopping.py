"""Early stopping: which evaluation is kept, when it stops, and that each member of a population does so on its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.training import early_stopping


def run(values_T, patience, min_delta):
    """Feeds a curve of losses; the parameters of evaluation i are i, its step is 10 (i + 1)."""

    def body(state, t):
        params = {"kernel": jnp.full((2,), t, jnp.float32)}
        state = early_stopping.update(state, values_T[t], params, 10 * (t + 1), patience=patience, min_delta=min_delta)
        return state, state.stopped

    start = early_stopping.init({"kernel": jnp.full((2,), -1.0)}, threshold=min_delta is not None)
    return jax.lax.scan(body, start, jnp.arange(len(values_T)))


jitted = jax.jit(run)


def run_jitted(*arguments):
    """On the host: (values, patience, min_delta) -> (state, stopped_T)."""
    return jax.device_get(jitted(*arguments))


def reference(values, patience, min_delta):
    """The same by a Python loop: (best index or -1, index at which it stopped or None)."""
    best, counted, best_index, wait = np.inf, np.inf, -1, 0
    for i, value in enumerate(values):
        if value < best:
            best, best_index = value, i
        if value < counted - (min_delta or 0.0):
            counted, wait = value, 0
        else:
            wait += 1
        if wait >= patience:
            return best_index, i
    return best_index, None


CURVES = {
    "falls": [5, 4, 3, 2, 1],
    "overfits": [5, 3, 2, 2.5, 2.6, 2.7, 0.1],
    "second valley": [5, 3, 4, 2, 3, 3, 3],
    "plateau": [3, 3, 3, 3, 3],
    "creeps": [3, 2.95, 2.9, 2.85, 2.8, 2.75],
    "nan": [3, np.nan, 2, np.nan, np.nan, 1],
    "only nan": [np.nan, np.nan, np.nan],
    "infinite": [np.inf, np.inf, 4, 5],
    "negative": [-1, -2, -1, -1.5],
}


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(("patience", "min_delta"), [(1, None), (2, 0.0), (2, 0.07), (3, 1.5)])
def test_equals_a_python_loop(curve: str, patience: int, min_delta: float) -> None:
    values = CURVES[curve]
    state, stopped_T = run_jitted(np.float32(values), np.float32(patience), min_delta)
    best_index, stop_index = reference(values, patience, min_delta)
    assert state.best_params["kernel"][0] == best_index
    assert state.best_step == (10 * (best_index + 1) if best_index >= 0 else -1)
    assert state.best_value == (np.float32(values[best_index]) if best_index >= 0 else np.inf)
    assert bool(state.stopped) == (stop_index is not None)
    if stop_index is not None:
        np.testing.assert_array_equal(stopped_T, np.arange(len(values)) >= stop_index)


def test_min_delta_is_a_threshold_for_the_patience_and_the_lowest_value_is_kept() -> None:
    state, stopped_T = run_jitted(np.float32([0.617, 0.5, 0.427, 0.45, 0.46]), 4.0, 0.3)
    assert state.best_value == np.float32(0.427) and state.best_params["kernel"][0] == 2
    assert stopped_T.tolist() == [False, False, False, False, True]  # no improvement counted, all the same


@jax.jit
def update(state, value, params, step, patience):
    return early_stopping.update(state, value, params, step, patience=patience)


def test_without_patience_it_only_keeps_the_best() -> None:
    state, stopped_T = run_jitted(np.float32(CURVES["overfits"]), None, 0.0)
    assert not stopped_T.any()
    assert state.best_params["kernel"][0] == 6 and state.best_value == np.float32(0.1)


def test_a_stopped_state_does_not_change() -> None:
    state, _ = run_jitted(np.float32([1.0, 2.0]), 1.0, 0.0)
    assert state.stopped
    params = {"kernel": np.ones(2, np.float32)}
    after = update(state, -5.0, params, 99, 1.0)
    for before, now in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True):
        np.testing.assert_array_equal(before, now)
    thawed = update(state, -5.0, params, 99, None)
    assert thawed.best_value == 1.0


def test_nan_is_never_better_and_never_replaces_the_parameters() -> None:
    state = jax.jit(early_stopping.init)({"kernel": np.zeros(2, np.float32)})
    for value in (np.nan, -np.nan):
        state = update(state, value, {"kernel": np.full(2, np.nan, np.float32)}, 1, 5.0)
    assert state.best_value == np.inf and state.best_step == -1 and state.wait == 2
    np.testing.assert_array_equal(state.best_params["kernel"], np.zeros(2))


def test_members_of_a_population_stop_on_their_own() -> None:
    values_PT = np.float32([[5.0, 4, 3, 2, 1], [5, 6, 7, 0, 0], [5, 6, 7, 0, 0]])
    patience_P = np.float32([2.0, 2.0, 4.0])
    states, stopped_PT = jax.device_get(jax.jit(jax.vmap(run, in_axes=(0, 0, None)))(values_PT, patience_P, 0.0))
    np.testing.assert_array_equal(states.best_params["kernel"][:, 0], [4, 0, 3])
    np.testing.assert_array_equal(states.stopped, [False, True, False])
    np.testing.assert_array_equal(stopped_PT[1], [False, False, True, True, True])
    for p in range(3):
        solo, _ = run_jitted(values_PT[p], patience_P[p], 0.0)
        for one, many in zip(jax.tree.leaves(solo), jax.tree.leaves(states), strict=True):
            np.testing.assert_array_equal(one, many[p])
