"""Why scores are divided by sqrt(d_k): the gradient through softmax with and without the factor (F119, claim C15).

Queries and keys are N(0, 1), so that a score has variance d_k; divided by sqrt(d_k) it has variance 1.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, check_whole, keys_of, make_rows, seeds_of
from nn_core.activations import softmax, softmax_jacobian


def measure(key: Array, *, width: int, num_queries: int, num_keys: int, scaled: bool) -> dict[str, Array]:
    """Means over the queries: the softmax's Jacobian, its largest weight, its entropy."""
    query_key, keys_key = jax.random.split(key)
    q_TK = jax.random.normal(query_key, (num_queries, width))
    k_SK = jax.random.normal(keys_key, (num_keys, width))
    scores_TS = q_TK @ k_SK.T / (jnp.sqrt(width) if scaled else 1.0)
    weights_TS = softmax(scores_TS)
    sizes_T = jnp.sqrt(jnp.sum(softmax_jacobian(scores_TS) ** 2, axis=(1, 2)))
    entropy_T = -jnp.sum(weights_TS * jnp.log(jnp.maximum(weights_TS, jnp.finfo(jnp.float32).tiny)), axis=-1)
    return {
        "gradient": jnp.mean(sizes_T),
        "saturated": jnp.mean(sizes_T < 0.01),
        "largest_weight": jnp.mean(jnp.max(weights_TS, axis=-1)),
        "entropy": jnp.mean(entropy_T),
    }


def run(config: ConfigDict) -> Outcome:
    """Every width with and without the factor, on the same queries and keys."""
    task, rows = config.task, list[Row]()
    for scaled, name in ((True, "scaled"), (False, "not scaled")):
        for width in task.head_widths:
            fixed = partial(measure, width=width, num_queries=task.num_queries, num_keys=task.num_keys, scaled=scaled)
            found = jax.device_get(jax.jit(jax.vmap(fixed))(keys_of(config)))
            rows += make_rows(f"{name}: d_k {width}", seeds_of(config), **found)
    return Outcome(rows, {})


STUDY = Study(
    run,
    settings={
        "head_widths": "[1, 65536]",
        "num_queries": "[1, 65536]",
        "num_keys": "[1, 65536]",
    },
    columns=("gradient", "saturated", "largest_weight", "entropy"),
    figures=(),
    check=lambda config: check_whole(config, "head_widths"),
)
