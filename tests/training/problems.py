"""A tiny learning problem, and its program, shared by the tests of training."""

import functools
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from nn_core.data.splits import SplitSizes
from nn_core.models.mlp import MLP
from nn_core.optimizers import make_optimizer
from nn_core.schedules import make_schedule
from nn_core.tasks.examples import View
from nn_core.tasks.heads import HEADS
from nn_core.tasks.supervised import Problem, make_supervised
from nn_core.training.population import COMPILER_OPTIONS, make_members, populate
from nn_core.training.program import Settings, make_program

STEPS = 12


def make_data(num_examples=59, num_inputs=5, num_classes=3):
    """Gaussian inputs whose class a random linear map decides."""

    @jax.jit
    def draw():
        inputs = jax.random.normal(jax.random.key(11), (num_examples, num_inputs))
        truth = jax.random.normal(jax.random.key(12), (num_inputs, num_classes))
        return {"inputs": inputs, "targets": jnp.argmax(inputs @ truth, axis=-1)}

    return draw()


def make_task(on_trace=lambda: None, *, hidden_sizes=(7,)):
    """Three classes by a small MLP; `on_trace` is called whenever the loss is traced."""

    def make_model(hparams):
        on_trace()
        rate = hparams["dropout_rate"] if "dropout_rate" in hparams else None
        return MLP(hidden_sizes, 3, jnp.tanh, dropout_rate=rate)

    view = View(SplitSizes(29, 13, 17), 3, batch_size=11)
    return make_supervised(Problem(make_model, HEADS["classification"], view, jnp.zeros(5)))


@functools.cache
def make_tiny_program(task=None, optimizer="adam", **settings):
    """The pure functions of one run of `STEPS` steps in chunks of 4."""
    schedule = make_schedule("constant", total_steps=STEPS)
    settings = Settings(**({"chunk_steps": 4} | settings))
    return make_program(task or make_task(), lambda h: make_optimizer(optimizer, h, schedule), settings)


@functools.cache
def populated_once(program, num_members):
    """One compilation, as fast as the tests' own programs, for all tests that use a program at a size."""
    with mock.patch.dict(COMPILER_OPTIONS, clear=True):
        return populate(program, num_members, jax.devices()[: 1 if num_members % 2 else 2])[0]


def run(program, members, data, steps=STEPS, chunk=4, state=None):
    """Trains a population to `steps`, evaluating after each chunk; returns state, rows of metrics and final values."""
    populated = populated_once(program, len(members.keys))
    own = populated.prepare(members.keys, data)
    if state is None:
        state = populated.start(*members, data)
    rows = []
    step = int(np.max(state.step))
    while step < steps:
        step = min(step + chunk, steps)
        state, metrics = populated.advance(state, *members, own, data, np.int32(step))
        state, values = populated.evaluate(state, *members, own, data)
        rows.append((metrics, values))
    return state, rows, populated.finish(state, *members, own, data)


def members_with(seeds, **hparams):
    """Members that differ in seeds and in the hparams given as sequences."""
    return make_members(seeds, [{k: v[i] for k, v in hparams.items()} for i in range(len(seeds))])
