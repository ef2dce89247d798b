"""F147: T^2 KL against autodiff, torch's definition by hand, and its limits."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import rel_entr, softmax

from nn_core.data.splits import SplitSizes
from nn_core.losses import cross_entropy
from nn_core.models.mlp import MLP
from nn_core.tasks.examples import View
from nn_core.tasks.heads import HEADS
from nn_core.tasks.supervised import Problem, make_supervised
from nn_core.transfer.distillation import ALPHA, TEACHER, TEMPERATURE, distillation_loss, make_student, soft_and_hard
from tests.training.problems import make_data

RNG = np.random.default_rng(7)
STUDENT_BC, TEACHER_BC = RNG.normal(size=(5, 3)), 2.0 * RNG.normal(size=(5, 3))
LABELS_B = RNG.integers(0, 3, 5)
value_and_gradient = jax.jit(jax.value_and_grad(soft_and_hard))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_gradient_is_the_one_derived_by_hand_in_float64(temperature, alpha):
    with jax.enable_x64(True):
        arguments = (jnp.asarray(STUDENT_BC), jnp.asarray(TEACHER_BC), jnp.asarray(LABELS_B), temperature, alpha)
        value, gradient = value_and_gradient(*arguments)
        assert gradient.dtype == jnp.float64
    p, q = softmax(TEACHER_BC / temperature, axis=1), softmax(STUDENT_BC / temperature, axis=1)
    hard = softmax(STUDENT_BC, axis=1)
    by_hand = (alpha * temperature * (q - p) + (1 - alpha) * (hard - np.eye(3)[LABELS_B])) / 5
    np.testing.assert_allclose(gradient, by_hand, rtol=0, atol=1e-14)
    soft = temperature**2 * rel_entr(p, q).sum(axis=1).mean()
    np.testing.assert_allclose(
        value, alpha * soft - (1 - alpha) * np.log(hard[np.arange(5), LABELS_B]).mean(), rtol=1e-13
    )


def test_the_factor_keeps_the_gradient_at_high_temperatures():
    """T -> infinity: the gradient tends to that of half the squared distance of the centred logits, over C."""
    z, t = STUDENT_BC.astype(np.float32), TEACHER_BC.astype(np.float32)
    gradient = jax.jit(jax.grad(distillation_loss))(z, t, 300.0)
    centred = (z - z.mean(1, keepdims=True)) - (t - t.mean(1, keepdims=True))
    np.testing.assert_allclose(gradient, centred / 3 / 5, rtol=0.02, atol=2e-3)


def test_a_student_that_agrees_has_no_loss():
    logits = TEACHER_BC.astype(np.float32)
    shifted = logits + np.arange(5, dtype=np.float32)[:, None]
    loss = jax.jit(partial(distillation_loss, reduction="none"))(shifted, logits, 2.0)
    np.testing.assert_allclose(loss, 0.0, atol=1e-6)


def test_misfits_are_told():
    with pytest.raises(ValueError, match=r"\(5, 3\) and teacher logits of shape \(5, 1\) differ"):
        distillation_loss(jnp.zeros((5, 3)), jnp.zeros((5, 1)), 1.0)
    with pytest.raises(ValueError, match="reduction='sum' is unknown"):
        distillation_loss(jnp.zeros((5, 3)), jnp.zeros((5, 3)), 1.0, reduction="sum")


def test_a_students_batch_carries_the_teachers_answers_to_its_own_examples():
    view = View(SplitSizes(29, 13, 17), 3, batch_size=11)
    problem = Problem(lambda hparams: MLP((7,), 3), HEADS["classification"], view, jnp.zeros(5))
    task, alone = make_student(problem), make_supervised(problem)
    key = jax.random.key(1)
    data = jax.device_get(make_data())
    data |= {TEACHER: data["inputs"][:, :3] * 2.0}

    @jax.jit
    def draw(data, key):
        member = data | task.prepare(data, key)
        return member, task.batch(member, jax.tree.map(lambda leaf: leaf[0], task.plan(member, key, 0, 1)))

    member, batch = jax.device_get(draw(data, key))
    raw = batch["inputs"] * member["scale"][None] + member["shift"][None]
    np.testing.assert_allclose(batch[TEACHER], raw[:, :3] * 2.0, rtol=1e-4, atol=1e-5)

    @jax.jit
    def both(batch, alpha, key):
        """The task's loss, the mean loss of its metrics, and the same from the outputs: soft, hard and alone."""
        params = task.init(key, {})
        outputs = MLP((7,), 3).apply({"params": params}, batch["inputs"])
        weights = batch["weights"] if "weights" in batch else jnp.ones(11)
        soft = distillation_loss(outputs, batch[TEACHER], 3.0, reduction="none")
        hard = cross_entropy(outputs, batch["targets"], weights=weights)
        value, metrics = task.loss(params, batch, {TEMPERATURE: jnp.float32(3.0), ALPHA: alpha}, key)
        total, count = metrics["loss"]
        unaided = alone.loss(params, batch, {}, key)[0]
        return value, total / count, jnp.sum(soft * weights) / jnp.sum(weights), hard, unaided

    value, reported, soft, hard, _ = jax.device_get(both(batch, jnp.float32(0.7), key))
    np.testing.assert_allclose(value, 0.7 * soft + 0.3 * hard, rtol=1e-5)
    np.testing.assert_allclose(reported, hard, rtol=1e-5)
    value, _, _, _, unaided = both(batch, jnp.float32(0.0), key)
    np.testing.assert_allclose(value, unaided, rtol=1e-6)
