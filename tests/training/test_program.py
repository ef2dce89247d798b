"""A population's run: members on their own, faults that touch one member only, pieces of a run, and one trace each."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.training.population import make_members, member, populate
from tests.training.problems import STEPS, make_data, make_task, make_tiny_program, members_with, populated_once, run

DATA = make_data()
SEEDS = (3, 5, 7, 9)
HPARAMS = {
    "learning_rate": (0.003, 0.01, 0.03, 0.1),
    "dropout_rate": (0.1, 0.2, 0.3, 0.4),
    "init_scale": (1.0,) * 4,
    "poisoned_step": (-1.0,) * 4,
    "patience": (100.0,) * 4,
}


def make_faulty_task(on_trace=lambda: None):
    """The tiny task with faults that are numbers: a factor of the start, and a step whose loss is not a number."""
    task = make_task(on_trace)

    def loss(params, batch, hparams, key):
        value, metrics = task.loss(params, batch, hparams, key)
        return jnp.where(batch["number"] == hparams["poisoned_step"], jnp.nan, value), metrics

    return task._replace(
        init=lambda key, hparams: jax.tree.map(lambda leaf: leaf * hparams["init_scale"], task.init(key, hparams)),
        loss=loss,
        plan=lambda *a: task.plan(*a) | {"number": a[2] + jnp.arange(a[3])},
        batch=lambda data, plan: task.batch(data, plan) | {"number": plan["number"]},
    )


TRACES = []
TASK = make_faulty_task(lambda: TRACES.append(1))
# Two programs, each compiled at one size: whatever a test needs is a number, or is in both, or is their difference.
POPULATION = make_tiny_program(TASK, keep_best=True, max_skips=2)
SOLO = make_tiny_program(TASK, keep_best=True)


def members(count=4, **changed):
    """The first of four members, with other values of some hparams."""
    return members_with(SEEDS[:count], **{name: values[:count] for name, values in HPARAMS.items()} | changed)


def assert_same_bits(first, second):
    jax.tree.map(np.testing.assert_array_equal, first, second)


class Calm(NamedTuple):
    """The run that nothing disturbs, on the host; and how often each of its chunks traced the loss."""

    state: object
    values: dict
    traces: list


@pytest.fixture(scope="module")
def calm():
    populated, all_members = populated_once(POPULATION, 4), members()
    state, own = populated.start(*all_members, DATA), populated.prepare(all_members.keys, DATA)
    traces = []
    for until in (4, 8, 10, STEPS):  # a shorter chunk, too, is the same program
        before = len(TRACES)
        state, _ = populated.advance(state, *all_members, own, DATA, np.int32(until))
        traces.append(len(TRACES) - before)
        if until % 4 == 0:
            state, _ = populated.evaluate(state, *all_members, own, DATA)
    values = populated.finish(state, *all_members, own, DATA)
    return Calm(*jax.device_get((state, values)), traces)


def test_exactly_n_updates_and_one_row_per_step():
    state, rows, _ = run(SOLO, members(1), DATA, steps=10)
    assert state.step.tolist() == [10]
    assert state.opt_state.step.tolist() == [10]
    assert sum(int(np.sum(metrics["active"])) for metrics, _ in rows) == 10


def assert_members_equal_their_solo_runs(solo_program, members, state, values):
    for index in (0, 3):
        solo = jax.tree.map(lambda leaf, i=index: leaf[i : i + 1], members)
        alone, _, solo_values = jax.device_get(run(solo_program, solo, DATA))
        pairs = zip(jax.tree.leaves(member(state, index).params), jax.tree.leaves(member(alone, 0).params), strict=True)
        for in_population, by_itself in pairs:
            np.testing.assert_allclose(in_population, by_itself, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(values["test_loss"][index], solo_values["test_loss"][0], rtol=1e-5)


def test_a_member_equals_its_solo_run(calm):
    assert_members_equal_their_solo_runs(SOLO, members(), calm.state, calm.values)


@pytest.mark.slow
def test_a_member_without_dropout_equals_its_solo_run():
    program, plain = make_tiny_program(), members_with(SEEDS, learning_rate=HPARAMS["learning_rate"])
    state, _, values = jax.device_get(run(program, plain, DATA))
    assert_members_equal_their_solo_runs(program, plain, state, values)


def test_a_members_place_and_neighbours_change_nothing(calm):
    moved = jax.tree.map(lambda leaf: leaf[::-1], members())
    other, _, _ = jax.device_get(run(POPULATION, moved, DATA))
    assert_same_bits(calm.state.params, jax.tree.map(lambda leaf: leaf[::-1], other.params))


def assert_all_finite(tree):
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(tree))


def test_a_diverged_member_is_frozen_flagged_and_disturbs_nobody(calm):
    wild, rows, _ = jax.device_get(run(POPULATION, members(learning_rate=(0.003, 1e3, 0.03, 0.1)), DATA))
    assert wild.diverged.tolist() == [False, True, False, False]
    assert_all_finite(wild.params)
    assert int(wild.step[1]) < STEPS
    assert not rows[-1][0]["active"][1].any()
    for index in (0, 2, 3):
        assert_same_bits(member(calm.state, index), member(wild, index))


def test_a_member_whose_start_is_not_finite_is_flagged_and_disturbs_nobody(calm):
    wild, _, _ = jax.device_get(run(POPULATION, members(init_scale=(1.0, 3e38, 1.0, 1.0)), DATA))
    assert wild.diverged.tolist() == [False, True, False, False] and int(wild.step[1]) == 0
    assert_all_finite(wild.params)
    for index in (0, 2, 3):
        assert_same_bits(member(calm.state, index), member(wild, index))


def test_skipped_steps_leave_the_parameters_and_are_counted():
    poisoned_step = 5
    state, _, _ = run(POPULATION, members(poisoned_step=(poisoned_step, -1, -1, -1)), DATA)
    assert state.skipped.tolist() == [1, 0, 0, 0] and state.skipped_in_a_row.tolist() == [0] * 4
    assert state.step.tolist() == [STEPS] * 4 and state.opt_state.step.tolist() == [STEPS - 1] + [STEPS] * 3
    state, _, _ = run(SOLO, members(1, poisoned_step=(poisoned_step,)), DATA)
    assert state.diverged.tolist() == [True] and state.step.tolist() == [poisoned_step]


def test_early_stopping_stops_each_member_on_its_own_and_restores_its_best():
    program = make_tiny_program(keep_best=True)
    impatient = members_with(SEEDS[:2], learning_rate=(0.5, 0.001), patience=(1.0, 100.0))
    state, rows, values = jax.device_get(run(program, impatient, DATA, steps=40))
    assert state.stopping.stopped.tolist() == [True, False]
    assert int(state.step[0]) < 40 == int(state.step[1])
    losses = np.stack([evaluated["validation_loss"] for _, evaluated in rows])
    np.testing.assert_array_equal(values["validation_loss"], losses.min(axis=0))
    np.testing.assert_array_equal(state.stopping.best_value, losses.min(axis=0))


def test_n_and_n_more_is_two_n(calm):
    half, _, _ = run(POPULATION, members(), DATA, steps=4)
    rest, _, _ = run(POPULATION, members(), DATA, state=half)
    assert_same_bits(calm.state, rest)


def test_each_function_is_traced_once(calm):
    first, *later = calm.traces
    assert 1 <= first <= 4 and not any(later)


def test_members_with_different_hparams_belong_to_different_programs():
    with pytest.raises(ValueError, match="group them first"):
        make_members((0, 1), [{"learning_rate": 0.1}, {"learning_rate": 0.1, "l2": 0.1}])


def test_a_population_must_fill_the_devices():
    with pytest.raises(ValueError, match="not a multiple of the 2 devices"):
        populate(make_tiny_program(), 3, jax.devices()[:2])
