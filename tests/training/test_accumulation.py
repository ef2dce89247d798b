"""Micro-batches make the update of the whole batch, whatever the examples weigh."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.data.splits import SplitSizes
from nn_core.tasks.examples import View
from nn_core.tasks.heads import HEADS, TOKENS
from nn_core.tasks.supervised import Problem, make_supervised
from nn_core.training.step import make_gradient
from nn_core.transfer.distillation import make_student

VIEW = View(SplitSizes(10, 3, 3), num_classes=3, batch_size=10)
KEY = jax.random.key(0)
BY_CLASS = jnp.array([0.2, 1.0, 5.0])
UNEVEN = jnp.array([0, 0, 0, 0, 0, 1, 1, 0, 2, 1])


def linear(hparams):
    del hparams
    return Outputs(3)


class Outputs(nn.Module):
    """A dense layer, which takes `deterministic` as models do."""

    size: int

    @nn.compact
    def __call__(self, x, deterministic=True):
        return nn.Dense(self.size)(x)


def cases():
    inputs_ND = jax.random.normal(KEY, (10, 7))
    labelled = {"inputs": inputs_ND, "targets": UNEVEN}
    weighted = Problem(linear, HEADS["classification"], VIEW, inputs_ND[0], class_weights_C=BY_CLASS)
    tagged_NTD = jax.random.normal(KEY, (10, 4, 7))
    lengths_N = jnp.array([4, 4, 4, 4, 4, 1, 1, 1, 1, 1])
    tags_NT = jnp.where(jnp.arange(4)[None] < lengths_N[:, None], UNEVEN[:, None], -1)
    tokens = Problem(linear, TOKENS, VIEW, tagged_NTD[0])
    padded = labelled | {"weights": jnp.array([1.0] * 7 + [0.0] * 3)}
    taught = labelled | {"teacher_logits": jax.random.normal(jax.random.key(1), (10, 3))}
    soft = {"distillation_temperature": jnp.float32(2.0), "distillation_alpha": jnp.float32(0.3)}
    return {
        "class weights": (make_supervised(weighted), labelled, {"l2": jnp.float32(0.1)}),
        "tokens": (make_supervised(tokens), {"inputs": tagged_NTD, "targets": tags_NT}, {}),
        "padding": (make_supervised(weighted), padded, {"l2": jnp.float32(0.1)}),
        "teacher": (make_student(weighted), taught, soft),
    }


@pytest.mark.parametrize("name", ["class weights", "tokens", "padding", "teacher"])
def test_micro_batches_make_the_update_of_the_whole_batch(name):
    task, batch, hparams = cases()[name]
    params = task.init(KEY, hparams)
    whole = make_gradient(task, 1)(params, batch, hparams, KEY)
    for accumulate in (2, 5, 10):  # of ten padded examples, the last three are pieces that hold nothing
        parts = make_gradient(task, accumulate)(params, batch, hparams, KEY)
        for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(parts), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_a_batch_that_is_not_divisible_is_refused():
    task, batch, hparams = cases()["padding"]
    with pytest.raises(ValueError, match=r"accumulate=3 must divide the batch of 10 examples; use a divisor"):
        make_gradient(task, 3)(task.init(KEY, hparams), batch, hparams, KEY)
