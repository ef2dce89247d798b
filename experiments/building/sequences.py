"""Builds the tasks on sequences: predicting a class, a number, a tag for each token, or another sequence."""

from typing import Any

import jax
from jax import Array
from ml_collections import ConfigDict

from experiments.building.ranges import naming_options
from experiments.building.records import TOKENS, Describe, Registry, Sizes, Use, serving
from experiments.building.supervised import make_sizes, trained
from experiments.command_line.choices import choose
from nn_core.data.sequence_sources import CLASS, SEQUENCE, SEQUENCES, Sequences, load_sequences
from nn_core.data.sequences import ADDITION_TOKENIZER, END_ID, PAD_ID, START_ID
from nn_core.generation.decoder import Decoder
from nn_core.tasks.base import Data, Hparams, Task
from nn_core.tasks.describe import count_parameters
from nn_core.tasks.examples import View
from nn_core.tasks.records import confusion
from nn_core.tasks.sequence_records import decoded, fit_linear, forecasts, word_table
from nn_core.tasks.supervised import MakeModel, Problem, make_supervised

STANDARDIZATION = "none"  # ids have no mean, and a series is forecast in its own unit


def make_run_translator(config: ConfigDict, registry: Registry) -> tuple[Any, Decoder]:
    """The module of a run's translator, without dropout, and its decoder."""
    size = ADDITION_TOKENIZER.vocabulary_size
    use = choose(config.model.name, serving(registry, SEQUENCE), "model.name")
    module = use.make(config, Sizes(size, (size, size), pad_id=PAD_ID, activations=registry.activations))({})
    return module, use.make_decoder(module)


def describe_classes(config: ConfigDict, sequences: Sequences, make_model: MakeModel, use: Use) -> Describe:
    """The confusion matrix: which class is taken for which."""
    return lambda params, data, hparams: confusion(trained(make_model, params, data, hparams, sequences.num_classes))


def describe_forecasts(config: ConfigDict, sequences: Sequences, make_model: MakeModel, use: Use) -> Describe:
    """Forecasts beside naive ones.

    Raises:
        ValueError: a season longer than the window, a horizon longer than the test part, or a random split.
    """
    task, window = config.task, sequences.inputs.shape[1]
    if task.season > window:
        raise ValueError(f"config.task.season={task.season} is longer than the window of {window} values; lower it")
    if task.horizon > config.data.test:
        raise ValueError(f"config.task.horizon={task.horizon} is longer than config.data.test={config.data.test}")
    if config.data.shuffle:
        raise ValueError("config.data.shuffle=True draws windows of the future into the training; use False")
    train = config.data.train
    linear_X = fit_linear(sequences.inputs[:train, :, 0], sequences.targets[:train])
    ahead = {"season": task.season, "horizon": task.horizon, "num_paths": task.paths}
    return lambda params, data, hparams: forecasts(trained(make_model, params, data, hparams, 0), linear_X, **ahead)


def describe_tags(config: ConfigDict, sequences: Sequences, make_model: MakeModel, use: Use) -> Describe:
    """The baseline that ignores a word's neighbours."""
    return lambda params, data, hparams: word_table(data, sequences.vocabulary_sizes[0], sequences.num_classes)


def describe_translations(config: ConfigDict, sequences: Sequences, make_model: MakeModel, use: Use) -> Describe:
    """What the model writes."""
    task = config.task

    def describe(params: Any, data: Data, hparams: Hparams) -> dict[str, Array]:
        model = make_model({name: hparams[name] for name in hparams if name != "dropout_rate"})
        return decoded(
            use.make_decoder(model),
            params,
            data,
            num_examples=task.decoded,
            num_beams=task.num_beams,
            length_penalty=1.0,
            start_id=START_ID,
            end_id=END_ID,
            pad_id=PAD_ID,
        )

    return describe


def build(config: ConfigDict, registry: Registry) -> tuple[Task, Data]:
    """The task and its shared data {"inputs": (N, …) or a pair, "targets": (N, …)}.

    Raises:
        ValueError: an unknown name, data that do not fit the task, impossible splits or batches.
    """
    kind = choose(config.task.name, registry.tasks, "task.name")
    choose(config.data.name, SEQUENCES, "data.name")
    use = choose(config.model.name, serving(registry, kind.form), "model.name")
    with naming_options(config.data):
        sequences = load_sequences(config.data.name, **config.data.options.to_dict())
    if sequences.answer != kind.form:
        fitting = next(name for name, other in registry.tasks.items() if other.form == sequences.answer)
        raise ValueError(
            f"config.task.name={config.task.name!r} does not fit data {config.data.name!r}, whose answer is a "
            f"{sequences.answer}; use the task {fitting!r}"
        )
    if use.reads == TOKENS and not sequences.vocabulary_sizes:
        raise ValueError(
            f"config.model.name={config.model.name!r} reads tokens and data {config.data.name!r} has numbers; use model.name='recurrent'"
        )
    head = kind.head
    num_outputs = head.num_outputs(sequences.num_classes)
    sizes = Sizes(num_outputs, sequences.vocabulary_sizes, 0, sequences.pad_id, registry.activations)
    make_model = use.make(config, sizes)
    view = make_view(config.data, sequences.num_classes if sequences.answer == CLASS else 0, len(sequences.targets))
    example = jax.tree.map(lambda leaf: leaf[0], sequences.inputs)
    task = make_supervised(Problem(make_model, head, view, example, proximal=config.optimizer.proximal))
    describe = kind.describe(config, sequences, make_model, use)

    def tell(params: Any, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
        return {"parameters": count_parameters(params)} | describe(params, data, hparams)

    return task._replace(describe=tell), {"inputs": sequences.inputs, "targets": sequences.targets}


def make_view(section: ConfigDict, num_classes: int, num_sequences: int) -> View:
    """Splits and batches, checked against the number of sequences."""
    sizes, batch_size = make_sizes(section, num_sequences)
    return View(
        sizes=sizes,
        num_classes=num_classes,
        batch_size=batch_size,
        shuffle=section.shuffle,
        standardize=STANDARDIZATION,
        evaluation_batch=section.evaluation_batch,
    )
