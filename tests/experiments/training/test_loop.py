"""The host loop leaves the device alone: what a step needs is there, and a chunk is given one number."""

import jax
import numpy as np
import pytest
from jax.sharding import Mesh

from experiments.training.loop import Cadence, Hooks, train
from nn_core.training.population import place, put, sharding_on
from nn_core.training.program import Program
from tests.training.problems import make_data, make_tiny_program, members_with, populated_once

STEPS, CHUNK = 12, 4


def given_until(program: Program, mesh: Mesh) -> Program:
    """A chunk is told where to end, explicitly: the one transfer of a call."""
    everywhere = sharding_on(mesh, by_member=False)
    return program._replace(advance=lambda *given: program.advance(*given[:-1], put(given[-1], everywhere)))


def test_no_step_brings_anything_to_the_device_unasked():
    """F202: within `transfer_guard("disallow")` an implicit transfer is an error, be it a Python number's."""
    populated = populated_once(make_tiny_program(), 2)
    mesh = jax.make_mesh((2,), ("member",))
    members = place(members_with((3, 5), learning_rate=(0.01, 0.03)), mesh, by_member=True)
    data = place(make_data(), mesh, by_member=False)
    with jax.transfer_guard("disallow"):
        state, rows = train(given_until(populated, mesh), data, members, Cadence(STEPS, CHUNK, 1), CHUNK, Hooks())
        with pytest.raises(jax.errors.JaxRuntimeError, match="Disallowed host-to-device transfer"):
            populated.advance(state, *members, populated.prepare(members.keys, data), data, np.int32(STEPS))
    assert state.step.tolist() == [STEPS] * 2 and all(row["status"] == "finished" for row in rows)
