"""Successive halving: all members train a little, the best go on together in a smaller population, and so on.

Each rung is a population of its own size, hence a program of its own, in folders of its own under groups/; the members
of a rung start from the state in which the rung before left them. A rung that is finished is only read.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from experiments.command_line.config_paths import apply
from experiments.command_line.output import say
from experiments.execution.prepare import Prepared
from experiments.run_directory import results
from experiments.run_directory.files import entry
from experiments.run_directory.population_store import open_store
from experiments.run_directory.results import Row
from experiments.run_directory.settings import score
from experiments.training import plan
from experiments.training.plan import Group, Member
from experiments.training.population import Population, make_policy
from nn_core.training.state import TrainState

DROPPED = "dropped"  # status of a member that was not among the best of its rung


class Rung(NamedTuple):
    """A stage of the search.

    Attributes:
        number: from 1 on.
        steps: at which it ends.
        populations: its members, by structure.
    """

    number: int
    steps: int
    populations: list[Population]


def search(prepared: Prepared, train: Callable[[Population, Callable | None], list[Row]]) -> list[Row]:
    """Trains rung by rung.

    Args:
        prepared: the command.
        train: (population, where its state comes from) -> the rows of its members.
    Returns:
        A row for each member, of the rung that it reached last.
    """
    config = prepared.arguments.config
    alive = sorted((m for group in prepared.groups for m in group.members), key=lambda member: member.number)
    ends = (*config.search.rungs, config.train.steps)
    final: dict[int, Row] = {}
    before: Rung | None = None
    for number, steps in enumerate(ends, 1):
        rung = make_rung(prepared, number, steps, alive)
        say(f"rung {number} of {len(ends)}: {len(alive)} members to step {steps:,}")
        rows = [row for one in rung.populations for row in train(one, origin_of(before, one))]
        final |= {row["member"]: row | {"rung": number} for row in rows}
        if number < len(ends):
            best = survivors(rows, config)
            final |= {m.number: final[m.number] | {"status": DROPPED} for m in alive if m.number not in best}
            alive = [member for member in alive if member.number in best]
        before = rung
    return [final[number] for number in sorted(final)]


def make_rung(prepared: Prepared, number: int, steps: int, members: Sequence[Member]) -> Rung:
    """The populations of a rung, traced for their size."""
    shortened = [member._replace(config=apply(member.config, {"train.steps": steps})) for member in members]
    groups = plan.group(shortened, prepared.groups[0].experiment.registry)
    pieces: list[tuple[Group, tuple]] = [
        (group, piece)
        for group in groups
        for piece in plan.parts(group, group.members[0].config.train.max_members, len(jax.local_devices()))
    ]
    folder = entry(prepared.directory, results.GROUPS)
    return Rung(
        number,
        steps,
        [
            Population(
                f"rung {number}, {index + 1}/{len(pieces)} ", folder / f"{number:02d}-{index:04d}", group, *piece
            )
            for index, (group, piece) in enumerate(pieces)
        ],
    )


def survivors(rows: Sequence[Row], config: ConfigDict) -> set[int]:
    """The members that go on: the share `search.keep` with the lowest validation loss, at least one."""
    ranked = sorted(rows, key=lambda row: score([row]))
    return {row["member"] for row in ranked[: survivors_of(len(rows), config)]}


def survivors_of(count: int, config: ConfigDict) -> int:
    """How many of so many members go on."""
    return max(round(count * config.search.keep), 1)


def origin_of(before: Rung | None, population: Population) -> Callable[[], tuple[int, TrainState]] | None:
    """Where the state of a population comes from: nowhere in the first rung."""
    return None if before is None else lambda: inherited(before, population)


def inherited(before: Rung, population: Population) -> tuple[int, TrainState]:
    """The state that the rung before left of the members of a population, and its step.

    Raises:
        CheckpointError: it cannot be restored.
    """
    states: dict[int, TrainState] = {}
    for old in before.populations:
        with open_store(old.folder, make_policy(old)) as store:
            resumed, _ = store.resume(old.group.traced.state)
        assert resumed is not None  # the rung is finished
        host = jax.device_get(resumed[1])
        for place, member in enumerate(old.members):
            states[member.number] = jax.tree.map(lambda leaf, place=place: leaf[place], host)
    rows = population.group.traced.state.step.shape[0]
    numbers = [member.number for member in population.members]
    numbers += [numbers[-1]] * (rows - len(numbers))
    return before.steps, jax.tree.map(lambda *leaves: np.stack(leaves), *(states[number] for number in numbers))
