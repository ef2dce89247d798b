"""A config file to start from: small, commented, and it runs as it is."""

import re
from pathlib import Path

from nn_core.files import user_path

TEMPLATE = '''"""What this experiment shows, in one line: it is what a list and the table call it.

python -m experiments.run {config}
"""

import jax.numpy as jnp

from configs import base
from configs.grid import axis, product
from experiments.building.records import Registry


def get_config():
    """One run. Every key has a default: `python -m experiments.run {config} --help` tells them all."""
    config = base.experiment()
    config.name = "{name}"  # also the folder under checkpoints/
    config.data = base.examples("digits", train=300, validation=200, test=1000)
    config.model = base.mlp(hidden_sizes=(32,), activation="squared_relu")  # the activation below
    config.hparams.learning_rate = 3e-3
    config.train.steps = 300
    config.train.eval_every = 50
    config.num_seeds = 3
    return config


def get_sweep(config):
    """The members, each a dict of what it changes. Numbers of `hparams` and seeds share one compiled program."""
    return product(axis("hparams.learning_rate", (1e-3, 1e-2)), axis("seed", range(config.num_seeds)))


def squared_relu(x):
    """max(0, x)^2."""
    return jnp.square(jnp.maximum(x, 0.0))


def get_extensions():
    """Code of your own by name: models, tasks (a loss is a task with its head), activations, optimizers, sources of data,
    figures, studies. experiments/README.md shows a record of each. Leave the function out where you bring nothing."""
    return Registry(activations={{"squared_relu": squared_relu}})
'''


def write_new(name: str) -> str:
    """Writes the file. Returns what to type next.

    Raises:
        ValueError: no name of a Python file, one that is there already, or one that cannot be written.
    """
    path = user_path(name)
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise ValueError(
            f"--new={name} is not the name of a Python file; use letters, digits and _, such as my_sweep.py"
        )
    shown = f"--config={Path(name).as_posix()}"  # a backslash of Windows would be an escape in the docstring
    if re.search(r"[^\w=./:~-]", shown):
        shown = f'"{shown}"'
    if path.exists():
        raise ValueError(f"--new={name} is there already; choose another name")
    try:
        path.write_text(TEMPLATE.format(config=shown, name=path.stem), encoding="utf-8", newline="\n")
    except OSError as error:
        raise ValueError(f"--new={name} cannot be written: {error.strerror}; choose another place") from None
    return f"wrote {name}; run it: python -m experiments.run {shown}"
