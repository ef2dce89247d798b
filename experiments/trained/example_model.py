"""What prediction on images and on tables shares: a run with its own records, and its network if the parameters fit."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from experiments.building.backbones import load_whole
from experiments.building.language import evaluation_hparams
from experiments.building.own_code import change_of, registry_of_run
from experiments.building.records import Registry, Sizes, Use
from experiments.run_directory.stored_run import Stored, parse_step
from nn_core.training.manifest import describe, mismatch, named_leaves


def open_run(path: str | Path, step: str, member: int | None, registry: Registry | None) -> tuple[Stored, Registry]:
    """A member's checkpoint, with a note if its config file has changed, and the records that it was built with.

    Args:
        path: the run directory.
        step: "best" on validation, "latest", or the number of a step.
        member: its number in a sweep; None for a single run.
        registry: models and tasks by name; None: those of the run.

    Raises:
        ValueError: no such run or member.
        CheckpointError: no such step, or none that is sound.
    """
    stored = load_whole(path, parse_step(step), member)
    changed = change_of(stored.held)
    stored = stored._replace(notes=(*stored.notes, *([changed] if changed else [])))
    return stored, registry_of_run(stored.held) if registry is None else registry


def network(stored: Stored, use: Use, sizes: Sizes, input_shape: tuple[int, ...]) -> Any:
    """The Linen module of a run that learned from examples, without dropout.

    Args:
        stored: its checkpoint.
        use: how its model serves examples.
        sizes: what the data decide about the model.
        input_shape: of one example.

    Raises:
        ValueError: a config of another version, or parameters that do not fit it.
    """
    try:
        module = use.make(stored.config, sizes)(evaluation_hparams(stored.config))
        wanted = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, *input_shape)))["params"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{stored.directory} was written by another version ({error}); train it again") from None
    difference = mismatch(describe(named_leaves(stored.params)), describe(named_leaves(wanted)))
    if difference:
        raise ValueError(f"{stored.directory}: checkpoint and config differ (- checkpoint, + config): {difference}")
    return module
