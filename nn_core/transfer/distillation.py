"""Knowledge distillation: a student learns from the soft answers of a teacher (F147; Hinton et al. 2015)."""

from functools import partial

import jax.numpy as jnp
from jax import Array

from nn_core import losses, regularizers
from nn_core.activations import log_softmax, softmax
from nn_core.tasks import supervised
from nn_core.tasks.base import Batch, Data, Hparams, Metrics, Params, Plan, Task
from nn_core.tasks.supervised import Problem

TEMPERATURE, ALPHA = "distillation_temperature", "distillation_alpha"
TEACHER = "teacher_logits"


def distillation_loss(
    student_BC: Array, teacher_BC: Array, temperature: Array | float, reduction: str = "mean"
) -> Array:
    """T^2 KL(softmax(t / T) || softmax(z / T)); gradient T (softmax(z / T) - softmax(t / T)).

    The gradient of the divergence shrinks as 1 / T^2: the factor keeps its share of the loss at every temperature.

    Args:
        student_BC: logits z.
        teacher_BC: logits t.
        temperature: T > 0; may be a tracer.
        reduction: "mean" or "none".
    Returns:
        Scalar, or (B,) for "none", >= 0 and 0 where the student agrees.
    Raises:
        ValueError: shapes that differ, or another reduction.
    """
    if student_BC.shape != teacher_BC.shape:
        raise ValueError(
            f"student logits of shape {student_BC.shape} and teacher logits of shape {teacher_BC.shape} differ; "
            "both must score the same classes of the same examples"
        )
    if reduction not in ("mean", "none"):
        raise ValueError(f"reduction={reduction!r} is unknown; use mean or none")
    target_BC = softmax(teacher_BC / temperature)
    gap_BC = log_softmax(teacher_BC / temperature) - log_softmax(student_BC / temperature)
    divergence_B = temperature**2 * jnp.sum(target_BC * gap_BC, axis=-1)
    return jnp.mean(divergence_B) if reduction == "mean" else divergence_B


def soft_and_hard(
    student_BC: Array, teacher_BC: Array, labels_B: Array, temperature: Array | float, alpha: Array | float
) -> Array:
    """alpha T^2 KL + (1 - alpha) cross-entropy, the mean over a batch.

    Args:
        student_BC, teacher_BC: logits.
        labels_B: integer classes.
        temperature: T > 0.
        alpha: share of the soft targets in [0, 1].
    """
    hard = losses.cross_entropy(student_BC, labels_B)
    return alpha * distillation_loss(student_BC, teacher_BC, temperature) + (1.0 - alpha) * hard


def make_student(problem: Problem) -> Task:
    """A classification task whose loss also uses the teacher's answers, weighted per example like the hard targets.

    The data must hold "teacher_logits", (N, C) for the N shared examples; only those of the training split are read.
    hparams.distillation_temperature and hparams.distillation_alpha are T and alpha.

    Args:
        problem: the student's problem; its head must be the softmax over classes.
    Returns:
        The task; its metrics are those of the hard labels.
    """
    task = supervised.make_supervised(problem)
    return task._replace(loss=partial(_loss, problem), batch=_batch)


def _batch(data: Data, plan_k: Plan) -> Batch:
    return supervised.batch(data, plan_k) | {TEACHER: data[TEACHER][data["train"][plan_k["indices"]]]}


def _loss(problem: Problem, params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
    logits_BC = supervised.training_outputs(problem, params, batch, hparams, key)
    metrics = supervised.sums(problem, logits_BC, batch["targets"], batch.get("weights"))
    total, count = metrics["loss"]
    soft_B = distillation_loss(logits_BC, batch[TEACHER], hparams[TEMPERATURE], reduction="none")
    weights_B = supervised.loss_weights(problem, batch["targets"], batch.get("weights"))
    soft, hard = supervised.mean(jnp.sum(soft_B * weights_B), count), supervised.mean(total, count)
    objective = hparams[ALPHA] * soft + (1.0 - hparams[ALPHA]) * hard
    return objective + regularizers.penalty(params, hparams, proximal=problem.proximal), metrics
