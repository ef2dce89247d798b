import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.training.population import make_members, member, populate
from tests.training.problems import STEPS, make_data, make_task, make_tiny_program, members_with, run

DATA = make_data()
SEEDS = (3, 5, 7, 9)
RATES = (0.003, 0.01, 0.03, 0.1)


def assert_same_bits(first, second):
    jax.tree.map(np.testing.assert_array_equal, first, second)


def test_exactly_n_updates_and_one_row_per_step():
    state, rows, _ = run(make_tiny_program(), members_with((1,), learning_rate=(0.01,)), DATA, steps=10)
    assert state.step.tolist() == [10]
    assert state.opt_state.step.tolist() == [10]
    assert sum(int(metrics["active"].sum()) for metrics, _ in rows) == 10


@pytest.mark.parametrize("dropout", [False, True])
def test_a_member_equals_its_solo_run(dropout):
    extra = {"dropout_rate": (0.1, 0.2, 0.3, 0.4)} if dropout else {}
    members = members_with(SEEDS, learning_rate=RATES, **extra)
    program = make_tiny_program()
    population, _, values = run(program, members, DATA)
    for index in (0, 3):
        solo = jax.tree.map(lambda leaf, i=index: leaf[i : i + 1], members)
        state, _, solo_values = run(program, solo, DATA)
        pairs = zip(
            jax.tree.leaves(member(population, index).params), jax.tree.leaves(member(state, 0).params), strict=True
        )
        for in_population, alone in pairs:
            np.testing.assert_allclose(in_population, alone, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(values["test_loss"][index], solo_values["test_loss"][0], rtol=1e-5)


def test_a_members_place_and_neighbours_change_nothing():
    program = make_tiny_program()
    members = members_with(SEEDS, learning_rate=RATES)
    moved = jax.tree.map(lambda leaf: leaf[::-1], members)
    state, _, _ = run(program, members, DATA)
    other, _, _ = run(program, moved, DATA)
    assert_same_bits(state.params, jax.tree.map(lambda leaf: leaf[::-1], other.params))


def test_a_diverged_member_is_frozen_flagged_and_disturbs_nobody():
    program = make_tiny_program(optimizer="sgd")
    calm, _, _ = run(program, members_with(SEEDS, learning_rate=RATES), DATA)
    wild, rows, _ = run(program, members_with(SEEDS, learning_rate=(0.003, 1e3, 0.03, 0.1)), DATA)
    assert wild.diverged.tolist() == [False, True, False, False]
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(wild.params))
    assert int(wild.step[1]) < STEPS
    assert not bool(rows[-1][0]["active"][1].any())
    for index in (0, 2, 3):
        assert_same_bits(member(calm, index), member(wild, index))


def test_a_member_whose_start_is_not_finite_is_flagged_and_disturbs_nobody():
    task = make_task()

    def init(key, hparams):
        return jax.tree.map(lambda leaf: leaf * hparams["init_scale"], task.init(key, hparams))

    program = make_tiny_program(task._replace(init=init), optimizer="sgd")
    calm, _, _ = run(program, members_with(SEEDS, learning_rate=RATES, init_scale=(1.0, 1.0, 1.0, 1.0)), DATA)
    wild, _, _ = run(program, members_with(SEEDS, learning_rate=RATES, init_scale=(1.0, 3e38, 1.0, 1.0)), DATA)
    assert wild.diverged.tolist() == [False, True, False, False] and int(wild.step[1]) == 0
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(wild.params))
    for index in (0, 2, 3):
        assert_same_bits(member(calm, index), member(wild, index))


def test_skipped_steps_leave_the_parameters_and_are_counted():
    task = make_task()
    poisoned_step = 5

    def loss(params, batch, hparams, key):
        value, metrics = task.loss(params, batch, hparams, key)
        return jnp.where(batch["number"] == poisoned_step, jnp.nan, value), metrics

    poisoned = task._replace(
        loss=loss,
        plan=lambda *a: task.plan(*a) | {"number": a[2] + jnp.arange(a[3])},
        batch=lambda data, plan: task.batch(data, plan) | {"number": plan["number"]},
    )
    members = members_with((1,), learning_rate=(0.01,))
    state, _, _ = run(make_tiny_program(poisoned, max_skips=2), members, DATA)
    assert state.skipped.tolist() == [1] and state.skipped_in_a_row.tolist() == [0]
    assert state.step.tolist() == [STEPS] and state.opt_state.step.tolist() == [STEPS - 1]
    state, _, _ = run(make_tiny_program(poisoned), members, DATA)
    assert state.diverged.tolist() == [True] and state.step.tolist() == [poisoned_step]


def test_early_stopping_stops_each_member_on_its_own_and_restores_its_best():
    program = make_tiny_program(keep_best=True)
    members = members_with(SEEDS[:2], learning_rate=(0.5, 0.001), patience=(1.0, 100.0))
    state, rows, values = run(program, members, DATA, steps=40)
    assert state.stopping.stopped.tolist() == [True, False]
    assert int(state.step[0]) < 40 == int(state.step[1])
    losses = np.stack([evaluated["validation_loss"] for _, evaluated in rows])
    np.testing.assert_array_equal(values["validation_loss"], losses.min(axis=0))
    np.testing.assert_array_equal(state.stopping.best_value, losses.min(axis=0))


def test_n_and_n_more_is_two_n():
    program = make_tiny_program()
    members = members_with(SEEDS, learning_rate=RATES)
    whole, _, _ = run(program, members, DATA)
    half, _, _ = run(program, members, DATA, steps=4)
    rest, _, _ = run(program, members, DATA, state=half)
    assert_same_bits(whole, rest)


def test_each_function_is_traced_once():
    traces = []
    program = make_tiny_program(make_task(lambda: traces.append(1)))
    members = members_with(SEEDS, learning_rate=RATES)
    populated, _ = populate(program, 4)
    state, own = populated.start(*members, DATA), populated.prepare(members.keys, DATA)
    state, _ = populated.advance(state, *members, own, DATA, jnp.int32(4))
    after_one = len(traces)
    for until in (8, 10, 12):  # a shorter chunk, too, is the same program
        state, _ = populated.advance(state, *members, own, DATA, jnp.int32(until))
    assert len(traces) == after_one and after_one <= 4


def test_members_with_different_hparams_belong_to_different_programs():
    with pytest.raises(ValueError, match="group them first"):
        make_members((0, 1), [{"learning_rate": 0.1}, {"learning_rate": 0.1, "l2": 0.1}])


def test_a_population_must_fill_the_devices():
    with pytest.raises(ValueError, match="not a multiple of the 2 devices"):
        populate(make_tiny_program(), 3, jax.devices()[:2])
