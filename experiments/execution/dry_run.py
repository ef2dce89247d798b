"""--dry_run: what a command would do, and how long it would take, measured on the first chunks; nothing is written."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from experiments.building.memory import Demand, show_bytes
from experiments.command_line.output import say
from experiments.execution.halving import make_rung, survivors_of
from experiments.execution.part import share
from experiments.execution.prepare import Prepared
from experiments.training import plan
from experiments.training.plan import Group
from experiments.training.population import Population, cut, done_rows, make_feed
from experiments.training.progress import clock
from nn_core.training.population import place


class Measured(NamedTuple):
    """What the first chunks of a population took.

    Attributes:
        start: seconds until the first chunk was done, compilation included.
        step: seconds of a step after that.
    """

    start: float
    step: float


def rehearse(prepared: Prepared) -> None:
    """Says what a command that has passed its checks would run."""
    groups, config = prepared.groups, prepared.arguments.config
    if not groups:
        say(f"a study of {config.num_seeds} seeds, in programs of its own; the docstring of its config tells its time")
        return
    say(plan.describe(groups))
    if config.search.rungs:
        total = tell_rungs(prepared)
    else:
        total = tell(groups, share(cut(groups, prepared.directory, config, prepared.generations), prepared.part))
    say(f"about {clock(total)} in all, without evaluations, samples and figures; nothing was written")


def tell_rungs(prepared: Prepared) -> float:
    """Prints the lines of each rung of a search; the seconds. Who goes on is not known: the first ones stand for them."""
    config, total, before = prepared.arguments.config, 0.0, 0
    alive = sorted((m for group in prepared.groups for m in group.members), key=lambda member: member.number)
    for number, steps in enumerate((*config.search.rungs, config.train.steps), 1):
        rung = make_rung(prepared, number, steps, alive)
        say(f"rung {number}: {counted(len(alive), 'member')} from step {before:,} to {steps:,}")
        total += tell(list({id(one.group): one.group for one in rung.populations}.values()), rung.populations, before)
        alive, before = alive[: survivors_of(len(alive), config)], steps
    return total


def tell(groups: Sequence[Group], populations: Sequence[Population], begin: int = 0) -> float:
    """Prints a line for each program.

    Args:
        groups: of the sweep.
        populations: those that the command would run; the finished ones would only be read.
        begin: the step at which they begin.
    Returns:
        The seconds of all.
    """
    total = 0.0
    done = [done_rows(population) is not None for population in populations]
    for number, group in enumerate(groups, 1):
        mine = [
            population
            for population, ready in zip(populations, done, strict=True)
            if population.group is group and not ready
        ]
        name = f"program {number} of {len(groups)}: {counted(len(group.members), 'member')}"
        if not mine:
            say(f"{name}, nothing left to train here")
            continue
        steps = mine[0].members[0].config.train.steps - begin
        measured = measure(mine[0])
        seconds = measured.start + measured.step * steps * len(mine)
        total += seconds
        say(
            f"{name}, {counted(len(mine), 'population')} to train for {steps:,} steps, "
            f"{told(group.traced.needed)}, first chunk after {measured.start:.1f} s, "
            f"{1 / measured.step:{',.0f' if measured.step < 0.1 else '.2g'}} steps/s: about {clock(seconds)}"
        )
    return total


def counted(number: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "member"), counted(2, "member")
    ('1 member', '2 members')
    """
    return f"{number} {what}{'s' * (number > 1)}"


def told(needed: Demand) -> str:
    """The memory of a population, at the least."""
    return f"at least {show_bytes(needed.total)} of memory each"


def measure(population: Population) -> Measured:
    """Runs two chunks of a population: the first with compilation, the second without."""
    experiment, traced = population.group.experiment, population.group.traced
    program, mesh = traced.program, traced.mesh
    began = time.perf_counter()
    keys, hparams = place(population.arrays, mesh, by_member=True)
    data = place(experiment.data, mesh, by_member=False)
    feed = make_feed(experiment, population.arrays)
    own, state = program.prepare(keys, data), program.start(keys, hparams, data)
    chunk = experiment.settings.chunk_steps
    seconds = []
    for start in (0, chunk):
        state, _ = program.advance(state, keys, hparams, own, feed(start, data), np.int32(start + chunk))
        jax.block_until_ready(state)
        seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
    return Measured(seconds[0], seconds[1] / chunk)
