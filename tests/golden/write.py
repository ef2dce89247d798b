"""python -m tests.golden.write DIRECTORY: writes the golden checkpoint, once for each format; it is committed."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import optax

from nn_core.training.checkpoint import open_checkpoints, save


def main(directory: Path) -> None:
    """One small step with every kind of leaf that a training state has."""
    params = {"dense_0": {"kernel": jnp.arange(6.0).reshape(2, 3) / 4, "bias": jnp.ones(3, jnp.bfloat16)}}
    training = {"opt_state": optax.adam(1e-3).init(params), "keys": jax.random.split(jax.random.key(5), 2)}
    record = {"config": {"name": "golden", "model": {"hidden_sizes": [3]}}, "versions": {"jax": jax.__version__}}
    with open_checkpoints(directory) as checkpointer:
        save(checkpointer, 7, params, training, record, 0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
