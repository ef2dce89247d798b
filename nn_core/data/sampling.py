"""Which examples a step sees, as a pure function of (key, step): the step number is the whole state of the iterator.

Source: F067, F068 (batch, mini-batch and single-example descent; S28 names the three modes), F154.
"""

import math

import jax
import jax.numpy as jnp
from jax import Array


def steps_per_epoch(num_examples: int, batch_size: int, drop_last: bool = False) -> int:
    """ceil(N / B), or floor(N / B) if the ragged last batch is dropped."""
    check_batch_size(batch_size, num_examples)
    return num_examples // batch_size if drop_last else math.ceil(num_examples / batch_size)


def check_batch_size(batch_size: int, num_examples: int) -> None:
    """Raises ValueError where a batch would be empty or larger than the data."""
    if not 1 <= batch_size <= num_examples:
        raise ValueError(f"batch_size={batch_size} must be between 1 and the {num_examples} training examples")


def epoch_plan(
    key: Array, first_step: Array | int, num_steps: int, num_examples: int, batch_size: int, drop_last: bool = False
) -> dict[str, Array]:
    """Batches without replacement: every example is seen once an epoch, in a new order each epoch.

    The orders of all epochs that the steps touch are drawn at once, so there is one sort per epoch and not one per step.

    Args:
        key: the data key of the run.
        first_step: number of the first step, traced.
        num_steps: K, static.
        num_examples: N.
        batch_size: B in 1..N; N is batch gradient descent, 1 single-example descent.
        drop_last: leave the ragged last batch out.
    Returns:
        {"indices": (K, B) int32} and, where the last batch is ragged, {"weights": (K, B)} of 1 and 0 (0 marks padding).
    """
    per_epoch = steps_per_epoch(num_examples, batch_size, drop_last)
    first_epoch = jnp.asarray(first_step) // per_epoch
    num_epochs = (num_steps + per_epoch - 2) // per_epoch + 1
    padding = per_epoch * batch_size - num_examples

    def order(epoch: Array) -> Array:
        order_N = jax.random.permutation(jax.random.fold_in(key, epoch), num_examples).astype(jnp.int32)
        if padding > 0:
            return jnp.concatenate([order_N, jnp.full((padding,), -1, jnp.int32)])
        return order_N[: per_epoch * batch_size]

    if batch_size == num_examples:  # the order within a single batch changes nothing, so none is drawn
        orders = jnp.broadcast_to(jnp.arange(num_examples, dtype=jnp.int32), (num_epochs, num_examples))
    else:
        orders = jax.vmap(order)(first_epoch + jnp.arange(num_epochs))
    batches = orders.reshape(num_epochs * per_epoch, batch_size)
    indices_KB = jax.lax.dynamic_slice_in_dim(batches, first_step - first_epoch * per_epoch, num_steps)
    if padding <= 0:
        return {"indices": indices_KB}
    valid_KB = indices_KB >= 0
    return {"indices": jnp.where(valid_KB, indices_KB, 0), "weights": valid_KB.astype(jnp.float32)}


def replacement_plan(
    key: Array, first_step: Array | int, num_steps: int, num_examples: int, batch_size: int
) -> dict[str, Array]:
    """Batches with replacement: each index is drawn independently and uniformly.

    Args: as `epoch_plan`.
    Returns:
        {"indices": (K, B) int32 in 0..N-1}.
    """

    def draw(step: Array) -> Array:
        return jax.random.randint(jax.random.fold_in(key, step), (batch_size,), 0, num_examples)

    return {"indices": jax.vmap(draw)(first_step + jnp.arange(num_steps))}
