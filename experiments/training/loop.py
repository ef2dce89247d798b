"""The only host loop: calls compiled chunks and, between them, evaluates, logs, and reports.

It knows only populations; a single run is a population of one.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import numpy as np

from experiments.run_directory.results import Row
from nn_core.tasks.base import Data
from nn_core.training.population import Members
from nn_core.training.program import Program
from nn_core.training.state import TrainState, stopped


class Cadence(NamedTuple):
    """How often the loop does what, in steps.

    Attributes:
        steps: updates in all.
        eval_every: between evaluations; the first is at step 0, the last at the end.
        log_every: between logged rows of batch metrics, which need not be at the end of a chunk.
        sample_every: between samples of a language model, the first at step 0; 0: none.
    """

    steps: int
    eval_every: int
    log_every: int
    sample_every: int = 0

    def next_event(self, step: int) -> int:
        """The next step at which something happens."""
        cadences = [every for every in (self.eval_every, self.sample_every) if every]
        return min(self.steps, *(step - step % every + every for every in cadences))


class Hooks(NamedTuple):
    """What the command does with a run while it trains.

    Attributes:
        log: rows of metrics, each with "member" and "step".
        progress: (step, rows logged in this call) after every chunk.
        sample: (step, state) -> what writes that sample, wherever `sample_every` says. It takes what it needs of the state
            at once; what it returns may be called later.
        save: (step, state, at_once) between chunks; it decides whether to save, unless at_once is set.
        stop: whether the run should stop; called between chunks, before the first and after the last.
        feed: (step, data) -> data for the chunk that starts there: a text that stays on disk comes in pieces.
        watch: (step, state) after every evaluation.
    """

    log: Callable[[list[Row]], None] = lambda rows: None
    progress: Callable[[int, list[Row]], None] = lambda step, rows: None
    sample: Callable[[int, TrainState], Callable[[], None]] = lambda step, state: lambda: None
    save: Callable[[int, TrainState, bool], None] = lambda step, state, at_once: None
    stop: Callable[[], bool] = lambda: False
    feed: Callable[[int, Data], Data] = lambda step, data: data
    watch: Callable[[int, TrainState], None] = lambda step, state: None


class Interrupted(Exception):
    """The run was told to stop, and its state is saved."""


def train(
    program: Program,
    data: Data,
    members: Members,
    cadence: Cadence,
    chunk_steps: int,
    hooks: Hooks,
    resumed: tuple[int, TrainState] | None = None,
) -> tuple[TrainState, list[Row]]:
    """Trains a population to its end, from the start or from a saved state.

    The step number alone decides where a chunk ends, so a resumed run makes the same calls as an uninterrupted one.

    Args:
        program: of `populate`.
        data: on the devices.
        members: keys and hparams, (P, …).
        cadence: when what happens.
        chunk_steps: most steps in one call of `advance`.
        hooks: what to do with the rows and the state.
        resumed: step and state to continue from.
    Returns:
        (the last state, a row of final results for each member: metrics, "status", "steps").
    Raises:
        Interrupted: hooks.stop returned True.
    """
    keys, hparams = members
    own = program.prepare(keys, data)
    if resumed is None:
        step = 0
        state = program.start(keys, hparams, data)
        state, rows = evaluate(program, state, members, own, data, step)
        hooks.log(rows)
        hooks.watch(step, state)
    else:
        step, state = resumed
    # The first sample waits for the first logged steps: compiling a sampler takes as long as compiling a training step.
    unwritten = [hooks.sample(step, state)] if step == 0 else []
    hooks.progress(step, [])
    stop_if_asked(hooks, step, state)
    while step < cadence.steps and not all_resting(state):
        until = min(step + chunk_steps, cadence.next_event(step))
        state, metrics = program.advance(state, keys, hparams, own, hooks.feed(step, data), np.int32(until))
        rows = logged_rows(metrics, step, until, cadence)
        step = until
        if step % cadence.eval_every == 0 or step == cadence.steps:
            state, evaluated = evaluate(program, state, members, own, data, step)
            rows = merge(rows, evaluated)
            hooks.watch(step, state)
        hooks.log(rows)
        hooks.progress(step, rows)
        if cadence.sample_every and step % cadence.sample_every == 0:
            unwritten.append(hooks.sample(step, state))
        write_all(unwritten)
        stop_if_asked(hooks, step, state)
        hooks.save(step, state, False)
    write_all(unwritten)
    hooks.save(step, state, True)
    return state, final_rows(program, state, members, own, data, cadence)


def write_all(unwritten: list[Callable[[], None]]) -> None:
    """Writes the samples that wait, and empties their list."""
    for write in unwritten:
        write()
    unwritten.clear()


def stop_if_asked(hooks: Hooks, step: int, state: TrainState) -> None:
    """Saves and raises Interrupted if the run should stop."""
    if hooks.stop():
        hooks.save(step, state, True)
        raise Interrupted


def evaluate(
    program: Program, state: TrainState, members: Members, own: Data, data: Data, step: int
) -> tuple[TrainState, list[Row]]:
    """Evaluates every member; members that stopped at an earlier step get no row."""
    steps_P = np.asarray(state.step)
    state, values = program.evaluate(state, *members, own, data)
    host = to_host(values)
    return state, [
        {"member": index, "step": step} | {name: column[index] for name, column in host.items()}
        for index in range(len(steps_P))
        if steps_P[index] == step
    ]


def logged_rows(metrics: Mapping[str, jax.Array], first: int, last: int, cadence: Cadence) -> list[Row]:
    """Rows of the logged steps in first+1..last, for the members that were still training then."""
    host = to_host(metrics)
    active_PK = host.pop("active")
    due = [s for s in range(first + 1, last + 1) if s % cadence.log_every == 0 or s == cadence.steps]
    return [
        {"member": index, "step": s} | {name: column[index][s - first - 1] for name, column in host.items()}
        for s in due
        for index in range(len(active_PK))
        if active_PK[index][s - first - 1]
    ]


def merge(rows: list[Row], evaluated: list[Row]) -> list[Row]:
    """Merges the rows of the same member and step."""
    by_place = {(row["member"], row["step"]): row for row in rows}
    for row in evaluated:
        by_place.setdefault((row["member"], row["step"]), {}).update(row)
    return list(by_place.values())


def final_rows(
    program: Program, state: TrainState, members: Members, own: Data, data: Data, cadence: Cadence
) -> list[Row]:
    """The results of each member, and how it ended."""
    values = to_host(program.finish(state, *members, own, data))
    ends = to_host(
        {"steps": state.step, "diverged": state.diverged, "stopped": stopped(state), "skipped": state.skipped}
    )
    if state.stopping is not None:
        ends["best_step"] = np.asarray(state.stopping.best_step).tolist()
    rows = []
    for index in range(len(ends["steps"])):
        end = {name: column[index] for name, column in ends.items()}
        diverged, early = end.pop("diverged"), end.pop("stopped")
        status = "diverged" if diverged else "stopped" if early else "finished"
        rows.append({"status": status} | end | {name: column[index] for name, column in values.items()})
    return rows


def all_resting(state: TrainState) -> bool:
    """Whether every member has stopped or diverged."""
    return bool(np.all(np.asarray(state.diverged) | np.asarray(stopped(state))))


def to_host(tree: Mapping[str, jax.Array | np.ndarray]) -> dict[str, list]:
    """Arrays as plain lists, each number as the shortest decimal that gives the same float32; NaN stays NaN."""
    return {name: shortest(np.asarray(value)) for name, value in tree.items()}


def shortest(values: np.ndarray) -> list:
    """Nested lists of Python numbers; a float32 becomes the float of its shortest decimal form."""
    if values.dtype == np.float32:
        flat = [float(str(v)) for v in values.ravel()]
        return np.array(flat, dtype=object).reshape(values.shape).tolist()
    return values.tolist()
