"""From a config to an experiment: the only place where a name becomes code, by literal dicts, one per kind."""

from collections import UserDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from experiments import build_language, build_sequences, build_supervised
from experiments.build_transfer import transferred
from experiments.loop import chunk_steps
from experiments.overrides import choose
from experiments.texts import Corpus
from experiments.validation import check_ranges
from nn_core.data.splits import SPLITS
from nn_core.optimizers import OPTIMIZERS, make_optimizer
from nn_core.schedules import SCHEDULES, make_schedule
from nn_core.tasks.base import Data, Task
from nn_core.training.population import Members, make_members
from nn_core.training.program import Program, Settings, make_program
from nn_core.training.step import MakeOptimizer

# config -> (task, data), and for a text its corpus.
TASKS: dict[str, Callable[[ConfigDict], tuple[Task, Data] | tuple[Task, Data, Corpus]]] = {
    "classification": build_supervised.build,
    "binary": build_supervised.build,
    "one_vs_rest": build_supervised.build,
    "regression": build_supervised.build,
    "language": build_language.build,
    "sequence_classification": build_sequences.build,
    "forecasting": build_sequences.build,
    "tagging": build_sequences.build,
    "translation": build_sequences.build,
}
# The splits that the end of a run is judged on, where they are not train, validation and test.
FINAL_SPLITS = {"language": ("train", "validation", "validation_full")}


class Experiment(NamedTuple):
    """A config as code: the pure functions of one run and the data they share.

    Attributes:
        task: what is learned.
        program: start, advance, evaluate, finish of one run.
        data: host arrays, shared by every member.
        settings: the structure of the loop.
        corpus: tokenizer and source of the batches, where a text is learned.
    """

    task: Task
    program: Program
    data: Data
    settings: Settings
    corpus: Corpus | None = None


def build(config: ConfigDict) -> Experiment:
    """Builds what a config's structure describes (its hparams and seed are arguments of the result).

    Args:
        config: one run's config.
    Returns:
        The experiment; nothing is compiled yet.
    Raises:
        ValueError: a name that is not there, a value out of range, sizes that cannot be.
    """
    check_ranges(config)
    task, data, *corpus = choose(config.task.name, TASKS, "task.name")(config)
    task, make_optimizer = transferred(config, task, optimizer_factory(config))
    train = config.train
    settings = Settings(
        chunk_steps=chunk_steps(train.chunk_steps, train.eval_every),
        keep_best=train.keep_best,
        evaluate_train=train.evaluate_train,
        max_skips=train.max_skips,
        divergence_factor=train.divergence_factor,
        accumulate=train.accumulate,
        splits=FINAL_SPLITS.get(config.task.name, SPLITS),
    )
    return Experiment(task, make_program(task, make_optimizer, settings), data, settings, *corpus)


def optimizer_factory(config: ConfigDict) -> MakeOptimizer:
    """hparams -> optimizer, for the names in the config."""
    choose(config.optimizer.name, OPTIMIZERS, "optimizer.name")
    choose(config.schedule.name, SCHEDULES, "schedule.name")
    options = {key: config.schedule[key] for key in config.schedule if key != "name"}
    schedule = make_schedule(config.schedule.name, total_steps=max(config.train.steps, 1), **options)
    return lambda hparams: make_optimizer(config.optimizer.name, hparams, schedule, config.optimizer.proximal)


def set_hparams(config: ConfigDict) -> dict[str, float]:
    """The hparams that the config sets: presence is structure, the values are arguments."""
    return {name: float(value) for name, value in config.hparams.items() if value is not None}


class Recorder(UserDict):
    """Hparams that remember which of them were read."""

    def __init__(self, values: Mapping[str, Any]):
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if name not in self.data:
            raise ValueError(f"hparams.{name} is read and not set; add --config.hparams.{name}=VALUE")
        self.read.add(name)
        return self.data[name]


class Traced(NamedTuple):
    """What tracing a run tells.

    Attributes:
        state: shapes of its state (for memory estimates).
        batch: shapes of one step's batch.
        results: names of its final metrics.
    """

    state: Any
    batch: Any
    results: tuple[str, ...]


def check_hparams(experiment: Experiment, hparams: Mapping[str, float]) -> Traced:
    """Traces the run without compiling: every hparam that is set must be read, and every one that is read, set.

    Args:
        experiment: the built config.
        hparams: what the config sets.
    Returns:
        What the trace told.
    Raises:
        ValueError: an hparam that nothing reads, or one that is missing; any other misfit that tracing finds.
    """
    read: set[str] = set()

    def trace(key: jax.Array, values: dict[str, jax.Array], data: Data) -> Any:
        recorder = Recorder(values)
        program, task = experiment.program, experiment.task
        state, own = program.start(key, recorder, data), program.prepare(key, data)
        state, _ = program.advance(state, key, recorder, own, data, np.int32(1))
        state, _ = program.evaluate(state, key, recorder, own, data)
        read.update(recorder.read)
        member_data = data | own
        plan = task.plan(member_data, key, state.step, 1)
        batch = task.batch(member_data, jax.tree.map(lambda leaf: leaf[0], plan))
        return state, batch, program.finish(state, key, recorder, own, data)

    values = {name: jax.ShapeDtypeStruct((), np.float32) for name in hparams}
    key = jax.eval_shape(lambda: jax.random.key(0))
    state, batch, results = jax.eval_shape(trace, key, values, experiment.data)
    for name in hparams:
        if name not in read:
            value = f"config.hparams.{name}={hparams[name]:g}"
            raise ValueError(f"{value} is read by nothing in this config; what it reads: {', '.join(sorted(read))}")
    return Traced(state, batch, tuple(results))


def members_of(configs: list[ConfigDict]) -> Members:
    """The members of one program."""
    return make_members([config.seed for config in configs], [set_hparams(config) for config in configs])
