"""Learning from labelled examples: classes by softmax, by one or several sigmoids, a class per token, and regression.

Sources: F020 (one sigmoid), F029 (one output a class), F033 (squared error), F113 (a tag for each token, another
sequence).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from nn_core import regularizers
from nn_core.tasks.base import Batch, Data, Hparams, Metrics, Params, Task
from nn_core.tasks.examples import View, batch, look_up, plan, prepare, targets_of
from nn_core.tasks.heads import Head

MakeModel = Callable[[Hparams], nn.Module]
Describe = Callable[[nn.Module, Params, Array, Params], dict[str, Array]]


class Problem(NamedTuple):
    """A supervised learning problem.

    Attributes:
        make_model: hparams -> Linen module from (B, …) inputs to (B, outputs).
        head: how its outputs become a loss.
        view: splits, standardization, batches.
        example: one input, for the shape.
        proximal: the optimizer applies L1 by its proximal step, so the loss leaves it out.
        class_weights_C: weight of each class in the loss; None weighs all alike.
        augment: (key, inputs_B…) -> inputs of the same shape, applied in training only.
        describe: (model, params, inputs, gradients) -> further entries of the results.
    """

    make_model: MakeModel
    head: Head
    view: View
    example: Any
    proximal: bool = False
    class_weights_C: Array | None = None
    augment: Callable[[Array, Array], Array] | None = None
    describe: Describe | None = None


def make_supervised(problem: Problem) -> Task:
    """The problem as a task."""
    return Task(
        init=partial(init, problem),
        loss=partial(loss, problem),
        evaluate=partial(evaluate, problem),
        prepare=partial(prepare, problem.view),
        plan=partial(plan, problem.view),
        batch=batch,
        describe=partial(describe, problem),
    )


def init(problem: Problem, key: Array, hparams: Hparams) -> Params:
    """Initial parameters."""
    example_1 = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], problem.example)
    return problem.make_model(hparams).init(key, example_1)["params"]


def sums(
    problem: Problem, outputs: Any, targets_B: Array, weights_B: Array | None = None, smoothing: Array | None = None
) -> Metrics:
    """Loss and accuracy of some examples, as sums and counts; weights of 0 leave padding out."""
    head = problem.head
    ones_B = jnp.ones(targets_B.shape[:1], jnp.float32) if weights_B is None else weights_B
    counts_B = ones_B if head.weights is None else ones_B * head.weights(targets_B)
    loss_weights_B = loss_weights(problem, targets_B, weights_B)
    losses_B = head.losses(outputs, targets_B, smoothing)
    metrics = {"loss": (jnp.sum(losses_B * loss_weights_B), jnp.sum(loss_weights_B))}
    if head.correct is not None:
        metrics["accuracy"] = (jnp.sum(head.correct(outputs, targets_B) * counts_B), jnp.sum(counts_B))
    if head.exact is not None:
        metrics["exact"] = (jnp.sum(head.exact(outputs, targets_B) * ones_B), jnp.sum(ones_B))
    return metrics


def loss_weights(problem: Problem, targets_B: Array, weights_B: Array | None = None) -> Array:
    """Weight of each example in the loss: 0 for padding, the number of tokens for a sequence, times the class weight."""
    counts_B = jnp.ones(targets_B.shape[:1], jnp.float32) if weights_B is None else weights_B
    if problem.head.weights is not None:
        counts_B = counts_B * problem.head.weights(targets_B)
    return counts_B if problem.class_weights_C is None else counts_B * problem.class_weights_C[targets_B]


def mean(total: Array, count: Array) -> Array:
    """total / count; 0 if nothing is counted, as in a part of a batch that is all padding."""
    return total / jnp.where(count > 0, count, 1.0)


def training_outputs(problem: Problem, params: Params, batch: Batch, hparams: Hparams, key: Array) -> Any:
    """The model's outputs for a batch in training mode, with augmentation and dropout."""
    dropout_key, augment_key = jax.random.split(key)
    inputs = batch["inputs"] if problem.augment is None else problem.augment(augment_key, batch["inputs"])
    model = problem.make_model(hparams)
    return model.apply({"params": params}, inputs, deterministic=False, rngs={"dropout": dropout_key})


def loss(problem: Problem, params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
    """Mean loss of a batch with its penalties, in training mode."""
    outputs = training_outputs(problem, params, batch, hparams, key)
    smoothing = hparams["label_smoothing"] if "label_smoothing" in hparams else None
    metrics = sums(problem, outputs, batch["targets"], batch.get("weights"), smoothing)
    total, count = metrics["loss"]
    return mean(total, count) + regularizers.penalty(params, hparams, proximal=problem.proximal), metrics


def evaluate(problem: Problem, params: Params, data: Data, hparams: Hparams, split: str) -> Metrics:
    """Metrics of a whole split, in deterministic mode."""
    # The training split is judged by the labels it was trained on, noise included; no split by smoothed ones.
    targets_N = targets_of(data, split)

    def part(rows_B: Array, weights_B: Array | None) -> Metrics:
        outputs = problem.make_model(hparams).apply({"params": params}, look_up(data, data[split][rows_B]))
        return sums(problem, outputs, targets_N[rows_B], weights_B)

    return in_parts(part, jnp.arange(targets_N.shape[0]), problem.view.evaluation_batch)


def describe(problem: Problem, params: Params, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
    """The results of the problem's own `describe`, on training examples."""
    if problem.describe is None:
        return {}
    rows = jnp.arange(min(problem.view.sizes.train, problem.view.evaluation_batch))
    full = batch(data, {"indices": rows})
    gradients = jax.grad(lambda p: loss(problem, p, full, hparams, key)[0])(params)
    return problem.describe(problem.make_model(hparams), params, full["inputs"], gradients)


def in_parts(part: Callable[[Array, Array | None], Any], indices_N: Array, size: int) -> Any:
    """Sums `part(indices, weights)` over pieces of at most `size` rows in one compiled loop, which bounds the memory."""
    num_rows = indices_N.shape[0]
    if num_rows <= size:
        return part(indices_N, None)
    num_parts = -(-num_rows // size)
    padding = num_parts * size - num_rows
    indices_PB = jnp.pad(indices_N, (0, padding)).reshape(num_parts, size)
    weights_PB = (jnp.arange(num_parts * size) < num_rows).astype(jnp.float32).reshape(num_parts, size)
    parts = jax.lax.map(lambda rows: part(*rows), (indices_PB, weights_PB))
    return jax.tree.map(lambda leaf: leaf.sum(axis=0), parts)
