"""What the results say about a trained model besides its losses: sparsity, size, dead units, gradient flow."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from nn_core import metrics


def describe_weights(params: Any, gradients: Any, hidden: Sequence[Array] = ()) -> dict[str, Array]:
    """Statistics of parameters, of their gradient, and of the hidden activations.

    Args:
        params: the parameters.
        gradients: gradient of the training objective at them.
        hidden: activations of each hidden layer, (B, H_i); none for a linear model.
    Returns:
        {"exact_zeros", "weight_norm", "gradient_norm_LAYER" of every layer, and, with hidden layers, "dead_units" (the
        share over all of them), "activation_sparsity", "gradient_ratio" (norm of the first layer over that of the last:
        0 where gradients vanish on the way, F040)}, scalars.
    """
    values = {"exact_zeros": metrics.exact_zeros(params), "weight_norm": metrics.weight_norm(params)}
    values |= {f"gradient_norm_{layer}": norm for layer, norm in metrics.gradient_norms(gradients).items()}
    if hidden:
        # The layers of an MLP are numbered; in tree order dense_10 would come before dense_2.
        first, last = values["gradient_norm_dense_0"], values[f"gradient_norm_dense_{len(hidden)}"]
        values["gradient_ratio"] = first / last
        units = jnp.asarray([layer.shape[-1] for layer in hidden], jnp.float32)
        dead = jnp.stack([metrics.dead_units(layer) for layer in hidden])
        values["dead_units"] = jnp.sum(dead * units) / jnp.sum(units)
        values["activation_sparsity"] = metrics.sparsity(jnp.concatenate([layer.reshape(-1) for layer in hidden]))
    return values


def count_parameters(params: Any) -> Array:
    """How many numbers a model has learned: a scalar, exact up to 2^24."""
    return jnp.float32(sum(leaf.size for leaf in jax.tree.leaves(params)))
