"""Turns of a training as the command runs it: its compiled chunk, called again and again."""

from collections.abc import Callable

import jax
import numpy as np

from experiments.training import plan
from nn_core.training.population import place


def chunk_turns(group: plan.Group, steps: int) -> tuple[Callable[[], None], int]:
    """The training of a group, some steps a turn.

    Args:
        group: members of one program, which all train at once.
        steps: updates in a turn.
    Returns:
        A function that makes the next steps and waits for them, and the number of parameters of one member.
    """
    num_members = len(group.members)
    ((_, arrays),) = plan.parts(group, num_members, len(jax.local_devices()))
    program, mesh = group.traced.program, group.traced.mesh
    data = place(group.experiment.data, mesh, by_member=False)
    keys, hparams = place(arrays, mesh, by_member=True)
    state, own = program.start(keys, hparams, data), program.prepare(keys, data)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(state.params)) // len(arrays.keys)

    def turn() -> None:
        nonlocal state
        until = np.int32(int(state.step[0]) + steps)
        state, metrics = program.advance(state, keys, hparams, own, data, until)
        jax.block_until_ready(metrics)

    return turn, parameters
