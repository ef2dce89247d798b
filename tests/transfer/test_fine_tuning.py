"""F073, F075: frozen is bit-identical, has no optimizer state and costs no gradient; factors are learning rates."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.optimizers import OPTIMIZERS, make_optimizer
from nn_core.training.program import Settings, make_program
from nn_core.transfer.fine_tuning import factors, fine_tune, join, only_trained, split, start_from
from nn_core.transfer.pruning import Pruning, prune
from tests.training.problems import make_data, make_task

DATA = make_data()
TASK = make_task(hidden_sizes=(7, 6))
HEAD = (("dense_2/*", 1.0), ("*", 0.0))
HPARAMS = {"learning_rate": np.float32(0.1), "momentum": np.float32(0.9), "weight_decay": np.float32(0.01)}
KEY = jax.random.key(4)
STEPS = 3


def factory(name="adam"):
    return lambda hparams: make_optimizer(name, hparams, lambda step: jnp.float32(1.0))


@functools.cache
def initial(seed=4):
    return jax.jit(TASK.init)(jax.random.key(seed), {})


@functools.cache
def examples():
    """The split and the batches of all runs: they are drawn by sorting, which takes a while to compile."""

    def draw(key):
        split = TASK.prepare(DATA, key)
        return split, TASK.plan(DATA | split, key, jnp.int32(0), STEPS)

    return jax.jit(draw)(KEY)


def train(task, make):
    """First and last state of a short run from the initial parameters."""
    params, (split, plan) = initial(), examples()
    task = task._replace(init=lambda key, hparams: params, plan=lambda *_: plan)
    program = make_program(task, make, Settings(chunk_steps=STEPS))

    def run(key):
        first = program.start(key, HPARAMS, DATA)
        return first, program.advance(first, key, HPARAMS, split, DATA, STEPS)[0]

    return jax.jit(run)(KEY)


def bits(tree):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree)]


def test_split_and_join_are_inverse():
    params = initial()
    trained, frozen = split(params, factors(params, HEAD))
    assert len(jax.tree.leaves(trained)) == 2 and len(jax.tree.leaves(frozen)) == 4
    assert bits(join(trained, frozen)) == bits(params)


@pytest.mark.parametrize(
    "name", ["adamw", *(pytest.param(name, marks=pytest.mark.slow) for name in OPTIMIZERS if name != "adamw")]
)
def test_frozen_parameters_keep_every_bit_and_the_others_move(name):
    first, last = train(*fine_tune(TASK, factory(name), HEAD))
    assert bits(first.params["dense_0"]) == bits(last.params["dense_0"])
    assert bits(first.params["dense_1"]) == bits(last.params["dense_1"])
    assert not np.any(np.asarray(first.params["dense_2"]["kernel"]) == np.asarray(last.params["dense_2"]["kernel"]))


def test_a_frozen_minus_zero_stays_one():
    optimizer = only_trained(factory("sgd")(HPARAMS), (("a", 0.0), ("b", 1.0)))
    params = {"a": np.float32([-0.0, 1.0]), "b": np.float32([1.0, 1.0])}

    @jax.jit
    def moved(params):
        updates, _ = optimizer.update(jax.tree.map(jnp.ones_like, params), optimizer.init(params), params)
        return params["a"] + updates["a"]

    assert np.signbit(np.asarray(moved(params))[0])


@pytest.mark.parametrize("name", ["momentum", "adam", "adagrad"])
def test_frozen_parameters_have_no_optimizer_state(name):
    params = initial()
    sizes = []
    for _, make in ((TASK, factory(name)), fine_tune(TASK, factory(name), HEAD)):
        state = jax.eval_shape(make(HPARAMS).init, params)
        sizes.append(sum(leaf.size for leaf in jax.tree.leaves(state)))
    moments = {"momentum": 1, "adam": 2, "adagrad": 1}[name]
    scalars = 2 if name == "adam" else 1
    whole = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert sizes == [moments * whole + scalars, moments * (6 * 3 + 3) + scalars]


def test_frozen_layers_cost_no_backward_pass():
    batch = {"inputs": np.zeros((64, 5), np.float32), "targets": np.zeros(64, np.int32)}
    task = make_task(hidden_sizes=(128, 128))
    params = jax.eval_shape(task.init, KEY, {})

    def work(loss):
        gradient = jax.jit(jax.grad(lambda p: loss(p, batch, {}, KEY)[0]))
        return gradient.lower(params).compile().cost_analysis()["flops"]

    frozen, _ = fine_tune(task, factory(), HEAD)
    assert work(frozen.loss) < 0.5 * work(task.loss)


def test_training_everything_is_training():
    batch = {name: np.asarray(leaf)[:11] for name, leaf in DATA.items()}

    @jax.jit
    def moved(params):
        """By one update, without and with."""
        result = []
        for task, make in ((TASK, factory()), fine_tune(TASK, factory(), (("*", 1.0),))):
            grads, _ = jax.grad(task.loss, has_aux=True)(params, batch, HPARAMS, KEY)
            updates, _ = make(HPARAMS).update(grads, make(HPARAMS).init(params), params)
            result.append(jax.tree.map(jnp.add, params, updates))
        return result

    plain, tuned = moved(initial())
    assert bits(plain) == bits(tuned) != bits(initial())


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"])
def test_a_factor_is_a_learning_rate_of_its_own(name):
    params = {"a": np.float32([0.3, -2.0]), "b": np.float32([0.3, -2.0])}
    grads = {"a": np.float32([0.5, 0.1]), "b": np.float32([0.5, 0.1])}
    slow = make_optimizer(name, HPARAMS | {"learning_rate": np.float32(0.025)}, lambda step: jnp.float32(1.0))
    scaled = only_trained(factory(name)(HPARAMS), (("a", 0.25), ("b", 1.0)))

    def step(runs, _):
        moved = []
        for optimizer, (params, state) in zip((scaled, slow), runs, strict=True):
            updates, state = optimizer.update(grads, state, params)
            moved.append((jax.tree.map(jnp.add, params, updates), state))
        return moved, None

    @jax.jit
    def train(params):
        return jax.lax.scan(step, [(params, one.init(params)) for one in (scaled, slow)], None, 3)[0]

    (here, _), (there, _) = train(params)
    np.testing.assert_allclose(here["a"], there["a"], rtol=1e-6)
    assert not np.allclose(here["b"], there["b"], rtol=1e-3)


def test_a_run_starts_from_the_source():
    source = initial(99)
    task = start_from(TASK, source, (("dense_2/*", "new"), ("*", "load")))
    params = jax.jit(task.init)(KEY, {})
    assert bits(params["dense_0"]) == bits(source["dense_0"]) and bits(params["dense_1"]) == bits(source["dense_1"])
    assert bits(params["dense_2"]) == bits(initial()["dense_2"])


def test_rules_that_do_not_fit_the_network_stop_a_run_before_its_first_step():
    with pytest.raises(ValueError, match="transfer.train: pattern 'dense_7/\\*' matches no parameter"):
        train(*fine_tune(TASK, factory(), (("dense_7/*", 1.0), ("*", 0.0))))


def test_clipping_sees_the_trained_parameters_only():
    rules = (("a", 0.0), ("b", 1.0))
    hparams = {"learning_rate": np.float32(1.0), "clip_norm": np.float32(1.0)}
    optimizer = only_trained(factory("sgd")(hparams), rules)
    params = {"a": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)}
    grads = {"a": np.float32([1e6, 1e6]), "b": np.float32([0.5, 0.0])}
    updates, _ = jax.jit(lambda params: optimizer.update(grads, optimizer.init(params), params))(params)
    np.testing.assert_array_equal(updates["b"], [-0.5, 0.0])


def test_what_is_trained_can_be_pruned_and_what_is_frozen_stays():
    def make(hparams):
        return prune(factory()(hparams), 0.5, Pruning(begin=1, end=2, every=1))

    first, last = train(*fine_tune(TASK, make, (("dense_0/*", 0.0), ("*", 1.0))))
    assert bits(first.params["dense_0"]) == bits(last.params["dense_0"])
    kernels = [np.asarray(last.params[name]["kernel"]).ravel() for name in ("dense_1", "dense_2")]
    assert np.sum(np.concatenate(kernels) == 0) == (7 * 6 + 6 * 3) // 2
