import jax
import numpy as np
import pytest

from nn_core.data import sampling
from nn_core.data.sampling import steps_per_epoch

epoch_plan = jax.jit(sampling.epoch_plan, static_argnums=(2, 3, 4, 5))
replacement_plan = jax.jit(sampling.replacement_plan, static_argnums=(2, 3, 4))
KEY = jax.random.key(3)


@pytest.mark.parametrize(("num_examples", "batch_size"), [(29, 7), (29, 29), (29, 1), (28, 7)])
def test_every_example_is_seen_once_an_epoch(num_examples, batch_size):
    per_epoch = steps_per_epoch(num_examples, batch_size)
    assert per_epoch == -(-num_examples // batch_size)
    plan = epoch_plan(KEY, 2 * per_epoch, 3 * per_epoch, num_examples, batch_size)
    plan = jax.device_get(plan)
    weights = plan.get("weights", np.ones(plan["indices"].shape))
    for epoch in range(3):
        rows = slice(epoch * per_epoch, (epoch + 1) * per_epoch)
        seen = plan["indices"][rows][weights[rows] > 0]
        assert sorted(seen.tolist()) == list(range(num_examples))


def test_orders_differ_between_epochs():
    plan = np.asarray(epoch_plan(KEY, 0, 12, 28, 7)["indices"])
    assert not np.array_equal(plan[:4], plan[4:8])


@pytest.mark.parametrize("drop_last", [False, True])
def test_the_plan_is_a_function_of_the_step_alone(drop_last):
    whole = jax.device_get(epoch_plan(KEY, 0, 15, 29, 7, drop_last))
    for first in (0, 1, 5, 9):
        part = epoch_plan(KEY, first, 6, 29, 7, drop_last)
        for name, rows in part.items():
            np.testing.assert_array_equal(rows, whole[name][first : first + 6])


def test_drop_last_leaves_the_ragged_batch_out():
    assert steps_per_epoch(29, 7, drop_last=True) == 4
    plan = jax.eval_shape(lambda: sampling.epoch_plan(KEY, 0, 4, 29, 7, drop_last=True))
    assert plan["indices"].shape == (4, 7) and "weights" not in plan


def test_replacement_repeats_by_step_and_covers_the_range():
    whole = np.asarray(replacement_plan(KEY, 0, 50, 11, 13)["indices"])
    np.testing.assert_array_equal(replacement_plan(KEY, 20, 5, 11, 13)["indices"], whole[20:25])
    assert set(np.unique(whole)) == set(range(11))


@pytest.mark.parametrize("batch_size", [0, 30])
def test_impossible_batches_are_refused(batch_size):
    with pytest.raises(ValueError, match="between 1 and the 29 training examples"):
        sampling.epoch_plan(KEY, 0, 1, 29, batch_size)
