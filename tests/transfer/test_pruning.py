"""F148: the schedule of Zhu & Gupta, exact masks, and zeros that stay zero."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.optimizers import make_optimizer
from nn_core.training.program import Settings, make_program
from nn_core.transfer.pruning import Pruning, check_pruning, magnitude_masks, prune, smallest, sparsity_at
from tests.training.problems import make_data, make_task

SCHEDULE = Pruning(begin=2, end=12, every=5)
TASK = make_task()
DATA, KEY = make_data(), jax.random.key(4)
WEIGHTS = 5 * 7 + 7 * 3
STEPS = 16


@functools.cache
def sparsities():
    """The schedule's share of zeros after so many steps."""
    return np.asarray(jax.jit(lambda steps: sparsity_at(steps, 0.8, SCHEDULE))(np.arange(STEPS + 1)))


def test_the_schedule_is_cubic_and_held_between_removals():
    values = sparsities()
    halfway = 0.8 * (1 - 0.5**3)
    np.testing.assert_allclose(values, [0.0] * 7 + [halfway] * 5 + [0.8] * 5, rtol=1e-6)


def test_the_schedule_is_the_papers_at_every_removal():
    pruning = Pruning(begin=100, end=1100, every=50)
    steps = np.arange(100, 1101, 50)
    paper = 0.9 + (0.0 - 0.9) * (1 - (steps - 100) / 1000) ** 3
    values = jax.jit(lambda steps: sparsity_at(steps, 0.9, pruning))(steps)
    np.testing.assert_allclose(values, paper, atol=1e-6)


def tree():
    return {
        "dense_0": {"kernel": np.float32([[3.0, -0.1], [0.2, -4.0]]), "bias": np.float32([0.0, 1.0])},
        "dense_1": {"kernel": np.float32([[0.3, 0.4, -5.0]]), "bias": np.float32([0.0, 0.0, 0.0])},
    }


@functools.cache
def removal(scope):
    return jax.jit(functools.partial(magnitude_masks, scope=scope))


def test_the_smallest_go_wherever_they_are():
    masks = removal("global")(tree(), 3 / 7)
    np.testing.assert_array_equal(masks["dense_0"]["kernel"], [[True, False], [False, True]])
    np.testing.assert_array_equal(masks["dense_1"]["kernel"], [[False, True, True]])
    assert masks["dense_0"]["bias"] is None


def test_or_the_smallest_of_each_layer():
    masks = removal("layer")(tree(), 0.5)
    np.testing.assert_array_equal(masks["dense_0"]["kernel"], [[True, False], [False, True]])
    np.testing.assert_array_equal(masks["dense_1"]["kernel"], [[False, False, True]])  # round(1.5) = 2 of 3


def test_of_equal_weights_exactly_as_many_go_as_asked():
    masks = removal("global")({"kernel": np.ones((4, 5), np.float32)}, 0.35)
    assert np.sum(~np.asarray(masks["kernel"])) == 7


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
def test_the_kth_smallest_is_the_one_that_sorting_finds(dtype):
    drawn = np.abs(np.random.default_rng(2).normal(size=37))
    drawn[:4] = 0.0, 0.0, 1e-30, 3e4
    sizes = drawn.astype(dtype)
    found = jax.jit(jax.vmap(smallest, in_axes=(None, 0)))(sizes, np.arange(1, 38))
    np.testing.assert_array_equal(np.asarray(found), np.sort(sizes))


def factory(name):
    return lambda hparams: make_optimizer(name, hparams, lambda step: jnp.float32(1.0))


@functools.cache
def beginning():
    """Initial parameters, split and batches of all runs: what draws them takes a while to compile."""

    def draw(key):
        split = TASK.prepare(DATA, key)
        return TASK.init(key, {}), split, TASK.plan(DATA | split, key, jnp.int32(0), STEPS)

    return jax.jit(draw)(KEY)


@functools.cache
def sparse_states(name="adam", scope="global", final=0.8):
    """The state after every step of a run."""
    hparams = {"learning_rate": np.float32(0.05), "momentum": np.float32(0.9), "weight_decay": np.float32(0.1)}
    params, split, batches = beginning()

    def make(values):
        return prune(factory(name)(values), final, SCHEDULE._replace(scope=scope))

    def plan(data, key, first_step, num_steps):
        return jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, first_step, num_steps), batches)

    task = TASK._replace(init=lambda key, hparams: params, plan=plan)
    program = make_program(task, make, Settings(chunk_steps=1))
    advance = jax.jit(lambda state: program.advance(state, KEY, hparams, split, DATA, STEPS)[0])
    states = [jax.jit(lambda: program.start(KEY, hparams, DATA))()]
    for _ in range(STEPS):
        states.append(advance(states[-1]))
    return jax.device_get(states)


def zeros(params):
    return np.concatenate([np.asarray(params[name]["kernel"]).ravel() == 0 for name in sorted(params)])


@pytest.mark.parametrize(
    ("name", "scope"),
    [("adam", "global"), ("adamw", "layer"), pytest.param("momentum", "global", marks=pytest.mark.slow)],
)
def test_zeros_stay_zero_and_are_as_many_as_the_schedule_says(name, scope):
    states = sparse_states(name, scope)
    before = zeros(states[0].params)
    for step, state in enumerate(states):
        now = zeros(state.params)
        assert not np.any(before & ~now), "a weight came back"
        if scope == "global":
            assert int(now.sum()) == round(float(sparsities()[step]) * WEIGHTS)
        before = now
    assert int(before.sum()) == round(0.8 * WEIGHTS) or scope == "layer"
    biases = [np.asarray(states[-1].params[layer]["bias"]) for layer in states[-1].params]
    assert all(np.all(bias != 0) for bias in biases)


def test_what_is_left_goes_on_learning():
    states = sparse_states()
    left = ~zeros(states[-1].params)
    first, last = (
        np.concatenate([np.asarray(s.params[n]["kernel"]).ravel() for n in sorted(s.params)]) for s in states[-2:]
    )
    assert np.all(first[left] != last[left])


def test_a_sparsity_of_zero_is_plain_training():
    hparams = {"learning_rate": jnp.float32(0.05)}
    params, _, _ = beginning()
    batch = {name: np.asarray(leaf)[:11] for name, leaf in DATA.items()}
    gradient = jax.jit(jax.grad(lambda params: TASK.loss(params, batch, hparams, KEY)[0]))
    optimizers = factory("adam")(hparams), prune(factory("adam")(hparams), 0.0, SCHEDULE)

    def step(runs, _):
        updates = [o.update(gradient(p), state, p) for o, (p, state) in zip(optimizers, runs, strict=True)]
        moved = [jax.tree.map(jnp.add, p, u) for (p, _), (u, _) in zip(runs, updates, strict=True)]
        return [(p, state) for p, (_, state) in zip(moved, updates, strict=True)], None

    @jax.jit
    def train(params):
        return jax.lax.scan(step, [(params, o.init(params)) for o in optimizers], None, STEPS)[0]

    (plain, _), (pruned, _) = train(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), plain, pruned)


@pytest.mark.parametrize("wrong", [{"begin": -1}, {"end": 2}, {"every": 0}])
def test_a_schedule_that_cannot_be_is_told(wrong):
    with pytest.raises(ValueError, match="use 0 <= begin < end and every >= 1"):
        check_pruning(SCHEDULE._replace(**wrong))


def test_an_unknown_scope_is_told():
    with pytest.raises(ValueError, match="scope='row' is unknown; use one of global, layer"):
        magnitude_masks(tree(), 0.5, "row")
