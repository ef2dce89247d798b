"""The four cases of transfer learning, where they fit and where they do not (F071-F077, claim C12).

The demonstration network is pre-trained on half of the pairs of a shape and a texture, and on handwritten digits; it is
then transferred to the other half of the pairs, with few or many examples. Every case is one program over rates, sizes,
sources and seeds: a composition of the same pure functions with which a command continues from a checkpoint.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from ml_collections import ConfigDict

from configs.base import SIZES
from experiments.run_directory.results import Row
from experiments.studies.base import Cell, Cells, Outcome, Study, adam, check_whole, keys_of, make_rows, seeds_of
from nn_core.data.dataset import Dataset, keep_classes, make_dataset
from nn_core.data.sampling import replacement_plan
from nn_core.data.sources import load_dataset
from nn_core.data.splits import SplitSizes, check_sizes
from nn_core.models.cnn import CNN
from nn_core.tasks.base import Data, Plan, Task
from nn_core.tasks.examples import View
from nn_core.tasks.heads import HEADS
from nn_core.tasks.supervised import Problem, make_supervised
from nn_core.training.population import train_all
from nn_core.training.program import Program, Settings, make_program
from nn_core.training.step import MakeOptimizer
from nn_core.transfer.cases import CASES, Case, apply_case
from nn_core.transfer.fine_tuning import fine_tune, start_from
from nn_core.transfer.surgery import drop_end

KINDS = ("similar", "different")  # what the network was pre-trained on, beside the new data
SIDE = 16  # pixels of an image
CURVE = 10  # evaluations of a drawn curve, besides the one at the start


class Network(NamedTuple):
    """The sizes of a demonstration network, block by block."""

    channels: tuple[int, ...]
    hidden_sizes: tuple[int, ...]

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names from input to output; the last one is the head."""
        convolutions = tuple(f"conv_{index}" for index in range(len(self.channels)))
        return convolutions + tuple(f"dense_{index}" for index in range(len(self.hidden_sizes) + 1))

    def first(self, count: int) -> "Network":
        """The network of the first blocks, before its head."""
        return Network(self.channels[:count], self.hidden_sizes[: max(count - len(self.channels), 0)])


def combined(num_examples: int, noise: float) -> Dataset:
    """Images of every shape with every texture; a class is a pair of both, such as "circle stripes"."""
    options = {"num_examples": num_examples, "size": SIDE, "noise": noise}
    shape, texture = (load_dataset("shapes", target=target, **options) for target in ("shape", "texture"))
    names = [f"{one} {other}" for one in shape.target_names for other in texture.target_names]
    classes = shape.targets * len(texture.target_names) + texture.targets
    return make_dataset(shape.inputs, classes, target_names=names)


def domains(task: ConfigDict) -> tuple[Data, Data, Data]:
    """The data of the similar and the different pre-training and of the transfer, images of SIDE x SIDE."""
    images = combined(task.examples, task.noise)
    old, new = (keep_classes(images, classes) for classes in (task.old_classes, task.new_classes))
    digits = load_dataset("digits")
    factor = SIDE // digits.inputs.shape[1]
    enlarged = digits._replace(inputs=digits.inputs.repeat(factor, axis=1).repeat(factor, axis=2))
    similar, different, target = ({"inputs": one.inputs, "targets": one.targets} for one in (old, enlarged, new))
    return similar, different, target


def make_task(task: ConfigDict, network: Network, data: Data, sizes: SplitSizes) -> Task:
    """The task of classifying some data; a step sees `batch_size` of the first data["size"] examples."""
    num_classes = int(data["targets"].max()) + 1
    view = View(sizes, num_classes, task.batch_size, standardize="all")
    problem = Problem(
        lambda hparams: CNN(num_classes, network.channels, network.hidden_sizes),
        HEADS["classification"],
        view,
        data["inputs"][0],
    )

    def plan(member: Data, key: Array, first_step: Array, num_steps: int) -> Plan:
        return replacement_plan(key, first_step, num_steps, member["size"], task.batch_size)

    return make_supervised(problem)._replace(plan=plan)


def chunked(task: Task, optimizer: MakeOptimizer, steps: int) -> Program:
    """The pure functions of a run whose curve has CURVE pieces."""
    return make_program(task, optimizer, Settings(steps // CURVE, splits=("validation", "test")))


def train(program: Program, steps: int, key: Array, rate: Array, data: Data) -> tuple[Any, dict[str, Array]]:
    """A complete run: its last parameters, its results, and its curve of validation accuracy, (CURVE + 1,)."""
    hparams = {"learning_rate": rate}

    def piece(state: Any, until: Array) -> tuple[Any, Array]:
        state, values = program.evaluate(state, key, hparams, own, data)
        state, _ = program.advance(state, key, hparams, own, data, until)
        return state, values["validation_accuracy"]

    start, own = program.start(key, hparams, data), program.prepare(key, data)
    state, curve = lax.scan(piece, start, steps // CURVE * jnp.arange(1, CURVE + 1))
    found = program.finish(state, key, hparams, own, data)
    return state.params, found | {"curve": jnp.append(curve, found["validation_accuracy"])}


def pretrain(task: ConfigDict, data: Data, keys: Array) -> Any:
    """A network for every seed, without its head; its keys differ from those of the transfer."""
    network = Network(task.channels, task.hidden_sizes)
    sizes = SplitSizes(len(data["targets"]) - task.validation, task.validation, 0)
    learner = make_task(task, network, data, sizes)
    program = make_program(learner, adam, Settings(task.pretrain_steps // CURVE, splits=("validation",)))
    shared = jax.tree.map(jnp.asarray, data) | {"size": np.int32(sizes.train)}

    def one(key: Array) -> Any:
        own = jax.random.fold_in(key, 1)
        return train(program, task.pretrain_steps, own, jnp.float32(task.pretrain_rate), shared)[0]

    return drop_end(train_all(one, keys), network.blocks)


def transfer(task: ConfigDict, case: Case, data: Data, members: dict[str, Any]) -> dict[str, np.ndarray]:
    """One case for all members: one program.

    Args:
        task: settings of the study.
        case: an entry of CASES.
        data: of the transfer.
        members: "key", "rate", "size", "source", each with a leading axis; the source has no leaves if none is used.
    Returns:
        Results and curves with the same leading axis.
    """
    whole = Network(task.channels, task.hidden_sizes)
    kept = len(whole.blocks) - 1 if case.whole else task.early
    network = whole.first(kept)
    setting = apply_case(case, whole.blocks, network.blocks[-1], task.early)
    sizes = SplitSizes(max(task.sizes), task.validation, task.test)
    learner = make_task(task, network, data, sizes)
    shared = jax.tree.map(jnp.asarray, data)

    def one(member: dict[str, Any]) -> dict[str, Array]:
        started = start_from(learner, member["source"], setting.load)
        program = chunked(*fine_tune(started, adam, setting.train), task.steps)
        _, found = train(program, task.steps, member["key"], member["rate"], shared | {"size": member["size"]})
        return found

    return train_all(one, members)


def grid(task: ConfigDict, keys: Array, sources: Any, num_kinds: int) -> dict[str, Any]:
    """The members of a case: every rate, size, kind of source and seed, in this order."""
    shape = (len(task.learning_rates), len(task.sizes), num_kinds, len(keys))
    rate, size, kind, seed = (index.ravel() for index in np.indices(shape))
    return {
        "key": keys[seed],
        "rate": np.asarray(task.learning_rates, np.float32)[rate],
        "size": np.asarray(task.sizes, np.int32)[size],
        "source": jax.tree.map(lambda leaf: leaf[kind, seed], sources),
    }


def run(config: ConfigDict) -> Cells:
    """Two pre-trainings, then the four cases."""
    task, keys = config.task, keys_of(config)
    near, far, new = domains(task)
    known = []
    for name, data in (("near", near), ("far", far)):
        known.append((yield Cell(f"pre-training, {name}", partial(pretrain, task, data, keys))))
    sources = jax.tree.map(lambda *leaves: np.stack(leaves), *known)
    steps = task.steps // CURVE * np.arange(CURVE + 1)
    rows: list[Row] = []
    arrays: dict[str, np.ndarray] = {"steps": steps}
    shape = (len(task.learning_rates), len(task.sizes), len(KINDS), config.num_seeds)
    for number, case in CASES.items():
        num_kinds = len(KINDS) if case.load else 1
        members = grid(task, keys, sources if case.load else {}, num_kinds)
        found = yield Cell(f"case {number}", partial(transfer, task, case, new, members))
        # Without a source, both kinds are the same run.
        spread = {
            name: np.broadcast_to(
                value.reshape(*shape[:2], num_kinds, shape[3], *value.shape[1:]), (*shape, *value.shape[1:])
            )
            for name, value in found.items()
        }
        arrays[f"case_{number}"] = spread.pop("curve")
        rows += case_rows(config, number, spread, updates_to(arrays[f"case_{number}"], task.target_accuracy, steps))
    rows.sort(key=lambda row: list(labels(task)).index(row["label"]))
    return Outcome(rows, arrays)


def case_rows(config: ConfigDict, number: int, found: dict[str, np.ndarray], updates: np.ndarray) -> list[Row]:
    """The rows of a case."""
    rows: list[Row] = []
    for label, (case, *place) in labels(config.task).items():
        if case == number:
            columns = {name: value[tuple(place)] for name, value in found.items()}
            rows += make_rows(label, seeds_of(config), **columns, updates=updates[tuple(place)])
    return rows


def labels(task: ConfigDict) -> dict[str, tuple[int, int, int, int]]:
    """The name of each setting in the table: {label: (case, place of the rate, of the size, of the kind)}."""
    return {
        f"{size} {kind}: case {number}, {case.says} | rate {rate:g}": (number, j, z, k)
        for z, size in enumerate(task.sizes)
        for k, kind in enumerate(KINDS)
        for number, case in CASES.items()
        for j, rate in enumerate(task.learning_rates)
    }


def updates_to(curves: np.ndarray, accuracy: float, steps: Sequence[int] | np.ndarray) -> np.ndarray:
    """First evaluated update at which a curve reaches an accuracy; infinite if it never does.

    >>> updates_to(np.array([[0.2, 0.8, 0.9], [0.1, 0.1, 0.1]]), 0.8, np.array([0, 10, 20])).tolist()
    [10.0, inf]
    """
    reached = curves >= accuracy
    return np.where(reached.any(axis=-1), np.asarray(steps)[reached.argmax(axis=-1)], np.inf)


def check(config: ConfigDict) -> None:
    """Raises ValueError for settings that do not fit together."""
    task = config.task
    check_whole(config, "sizes", "old_classes", "new_classes", "channels", "hidden_sizes")
    images = combined(task.examples, task.noise)
    for name in ("old_classes", "new_classes"):
        available = len(keep_classes(images, task[name]).targets)
        taken = (max(task.sizes), task.validation, task.test) if name == "new_classes" else (1, task.validation, 0)
        check_sizes(SplitSizes(*taken), available)
    apply_case(CASES[2], Network(task.channels, task.hidden_sizes).blocks, "", task.early)
    for name in ("steps", "pretrain_steps"):
        if task[name] % CURVE:
            raise ValueError(f"config.task.{name}={task[name]} must be a multiple of {CURVE}, the points of a curve")


STUDY = Study(
    run,
    settings={
        "examples": "[16, 10000000]",
        "noise": "[0, 100]",
        "old_classes": "",
        "new_classes": "",
        "channels": "[1, 65536]",
        "hidden_sizes": SIZES,
        "early": "[1, inf)",
        "sizes": "[1, 100000]",
        "validation": "[1, inf)",
        "test": "[1, inf)",
        "pretrain_steps": "[10, 100000]",
        "pretrain_rate": "(0, inf)",
        "steps": "[1, 100000]",
        "learning_rates": "(0, inf)",
        "batch_size": "[1, inf)",
        "target_accuracy": "(0, 1)",
    },
    columns=("test_accuracy", "test_loss", "validation_accuracy", "validation_loss", "updates"),
    figures=("transfer", "quadrants"),
    check=check,
)
