"""Knowledge distillation: small networks that learn from a large one's soft answers, and alone (F147).

The teacher of each seed learns the seed's training digits. Its students see the same digits and, besides the labels, the
teacher's answers. All students are one program over temperature, share of the soft targets, and seed.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from configs.base import SIZES
from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, adam, check_whole, keys_of, make_rows, seeds_of
from nn_core.data.sampling import check_batch_size
from nn_core.data.sources import load_dataset
from nn_core.data.splits import SplitSizes, check_sizes
from nn_core.models.mlp import MLP
from nn_core.tasks.base import Data, Hparams, Task
from nn_core.tasks.examples import View, look_up
from nn_core.tasks.heads import HEADS
from nn_core.tasks.supervised import Problem, make_supervised
from nn_core.training.population import train_all
from nn_core.training.program import Settings, make_program
from nn_core.training.state import run_keys
from nn_core.transfer.distillation import ALPHA, TEACHER, TEMPERATURE, make_student

CLASSES = 10
ALONE = "student alone"


def make_problem(task: ConfigDict, hidden_sizes: tuple[int, ...], example: np.ndarray) -> Problem:
    """Digits by a network with these hidden layers."""
    sizes = SplitSizes(task.train_examples, task.validation_examples, task.test_examples)
    view = View(sizes, CLASSES, task.batch_size, standardize="all")
    return Problem(lambda hparams: MLP(hidden_sizes, CLASSES), HEADS["classification"], view, example)


def train(learner: Task, steps: int, key: Array, hparams: Hparams, data: Data) -> tuple[Any, dict[str, Array]]:
    """A complete run: its last parameters and its results."""
    program = make_program(learner, adam, Settings(steps))
    state, own = program.start(key, hparams, data), program.prepare(key, data)
    state, _ = program.advance(state, key, hparams, own, data, steps)
    return state.params, program.finish(state, key, hparams, own, data)


def teach(task: ConfigDict, data: Data, keys: Array) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The answers of each seed's teacher to every digit, (S, N, C), and its results."""
    problem = make_problem(task, task.teacher_sizes, data["inputs"][0])
    learner = make_supervised(problem)

    def one(key: Array) -> tuple[Array, dict[str, Array]]:
        params, found = train(learner, task.steps, key, {"learning_rate": jnp.float32(task.learning_rate)}, data)
        seen = data | learner.prepare(data, run_keys(key).split)
        inputs = look_up(seen, jnp.arange(len(data["targets"])))
        return jnp.asarray(problem.make_model({}).apply({"params": params}, inputs)), found

    return train_all(one, keys)


def learn(task: ConfigDict, data: Data, members: dict[str, Any]) -> dict[str, np.ndarray]:
    """All students: members have "key", "temperature", "alpha" and the "logits" of their teacher."""
    learner = make_student(make_problem(task, task.student_sizes, data["inputs"][0]))

    def one(member: dict[str, Any]) -> dict[str, Array]:
        hparams = {
            "learning_rate": jnp.float32(task.learning_rate),
            TEMPERATURE: member["temperature"],
            ALPHA: member["alpha"],
        }
        _, found = train(learner, task.steps, member["key"], hparams, data | {TEACHER: member["logits"]})
        return found

    return train_all(one, members)


def run(config: ConfigDict) -> Outcome:
    """A teacher a seed, then every student."""
    task, keys = config.task, keys_of(config)
    dataset = load_dataset("digits", flatten=True)
    data = {"inputs": jnp.asarray(dataset.inputs), "targets": jnp.asarray(dataset.targets)}
    logits_SNC, taught = teach(task, data, keys)
    settings = settings_of(task)
    values = np.array(list(settings.values()), np.float32)
    place, seed = (index.ravel() for index in np.indices((len(settings), config.num_seeds)))
    members = {
        "key": keys[seed],
        "temperature": jnp.asarray(values[place, 0]),
        "alpha": jnp.asarray(values[place, 1]),
        "logits": logits_SNC[seed],
    }
    found = learn(task, data, members)
    work = task.steps * task.batch_size  # of each network; a student that is taught needs its teacher's too
    cost = {"parameters": size(task.teacher_sizes, data), "gradients": work}
    rows: list[Row] = make_rows("teacher", seeds_of(config), **taught, **cost)
    for index, (name, (_, alpha)) in enumerate(settings.items()):
        cost = {"parameters": size(task.student_sizes, data), "gradients": work * (1 + (alpha > 0))}
        rows += make_rows(
            name, seeds_of(config), **{key: value[place == index] for key, value in found.items()}, **cost
        )
    return Outcome(rows, {})


def size(hidden_sizes: tuple[int, ...], data: Data) -> int:
    """The number of parameters of a network with these hidden layers."""
    network = MLP(hidden_sizes, CLASSES)
    shapes = jax.eval_shape(network.init, jax.random.key(0), data["inputs"][:1])
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def settings_of(task: ConfigDict) -> dict[str, tuple[float, float]]:
    """The name of each student in the table: {label: (temperature, share of the soft targets)}."""
    taught = {
        f"taught: T {temperature:g}, α {alpha:g}": (temperature, alpha)
        for alpha in task.alphas
        for temperature in task.temperatures
    }
    return {ALONE: (1.0, 0.0)} | taught


def check(config: ConfigDict) -> None:
    """Raises ValueError for settings that do not fit together."""
    task = config.task
    check_whole(config, "teacher_sizes", "student_sizes")
    sizes = SplitSizes(task.train_examples, task.validation_examples, task.test_examples)
    check_sizes(sizes, len(load_dataset("digits").targets))
    check_batch_size(task.batch_size, task.train_examples)


STUDY = Study(
    run,
    settings={
        "teacher_sizes": SIZES,
        "student_sizes": SIZES,
        "temperatures": "(0, inf)",
        "alphas": "[0, 1]",
        "learning_rate": "(0, inf)",
        "steps": "[1, 100000]",
        "batch_size": "[1, inf)",
        "train_examples": "[1, inf)",
        "validation_examples": "[1, inf)",
        "test_examples": "[1, inf)",
    },
    columns=(
        *("train_loss", "validation_loss", "test_loss", "train_accuracy", "validation_accuracy", "test_accuracy"),
        *("parameters", "gradients"),
    ),
    figures=("distillation",),
    check=check,
)
