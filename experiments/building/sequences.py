"""Builds the tasks that learn from sequences: a class, a number, a tag for each token, or another sequence."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.building.supervised import make_sizes, trained
from experiments.command_line.choices import choose
from nn_core.data.sequence_sources import CLASS, NUMBER, SEQUENCE, SEQUENCES, TAG, Sequences, load_sequences
from nn_core.data.sequences import ADDITION_TOKENIZER, PAD_ID
from nn_core.models.bag import BagOfTokens
from nn_core.models.embeddings import Embedding
from nn_core.models.recurrent.cells import CELLS
from nn_core.models.recurrent.layers import Recurrent
from nn_core.models.recurrent.networks import SequenceTagger, SequenceToOne, SequenceToSequence
from nn_core.tasks.base import Data, Hparams, Task
from nn_core.tasks.records import confusion
from nn_core.tasks.sequence_records import decoded, fit_linear, forecasts, word_table
from nn_core.tasks.supervised import HEADS, MakeModel, Problem, View, make_supervised

TRANSLATION = "translation"  # a task that writes
STANDARDIZATION = "none"  # ids have no mean, and a series is forecast in its own unit
# What makes the record of a task: (config, sequences, make_model) -> (params, data, hparams) -> results.
Describe = Callable[[Any, Data, Hparams], dict[str, Array]]
MakeDescribe = Callable[[ConfigDict, Sequences, MakeModel], Describe]


class Kind(NamedTuple):
    """A kind of task.

    Attributes:
        answer: what its data must say of each sequence.
        head: an entry of HEADS.
        models: config.model.name -> (config, sequences) -> (hparams -> module).
        describe: what its results tell beside losses and accuracies.
    """

    answer: str
    head: str
    models: dict[str, Callable[[ConfigDict, Sequences], MakeModel]]
    describe: MakeDescribe


def stack_factory(section: ConfigDict) -> Callable[[Hparams], Recurrent]:
    """hparams -> the recurrent layers of a model section; each call makes layers of their own.

    Raises:
        ValueError: an unknown cell.
    """
    choose(section.cell, CELLS, "model.cell")

    def make(hparams: Hparams) -> Recurrent:
        return Recurrent(
            section.cell,
            section.features,
            section.num_layers,
            bidirectional=section.bidirectional,
            dropout_rate=hparams["dropout_rate"] if "dropout_rate" in hparams else None,
            forget_bias=section.forget_bias,
        )

    return make


def make_reader(module: Callable[..., nn.Module]) -> Callable[[ConfigDict, Sequences], MakeModel]:
    """Builder of a module that reads a sequence: `SequenceToOne` or `SequenceTagger`."""

    def make(config: ConfigDict, sequences: Sequences) -> MakeModel:
        make_stack, sizes = stack_factory(config.model), sequences.vocabulary_sizes

        def make_model(hparams: Hparams) -> nn.Module:
            embedding = Embedding(sizes[0], config.model.embedding_size) if sizes else None
            return module(sequences.num_classes or 1, make_stack(hparams), embedding, sequences.pad_id)

        return make_model

    return make


def make_bag(config: ConfigDict, sequences: Sequences) -> MakeModel:
    """hparams -> the linear model of which tokens a sequence holds."""
    return lambda hparams: BagOfTokens(sequences.num_classes, sequences.vocabulary_sizes[0], sequences.pad_id)


def make_translator(config: ConfigDict, sequences: Sequences) -> MakeModel:
    """hparams -> encoder and decoder."""
    make_stack, width = stack_factory(config.model), config.model.embedding_size

    def make_model(hparams: Hparams) -> SequenceToSequence:
        source_size, target_size = sequences.vocabulary_sizes
        return SequenceToSequence(
            make_stack(hparams),
            make_stack(hparams),
            Embedding(source_size, width),
            Embedding(target_size, width),
            reverse_source=config.task.reverse_source,
            source_pad_id=sequences.pad_id,
        )

    return make_model


def make_run_translator(config: ConfigDict) -> Any:
    """The structure of a run's translator, without its data; dropout is off."""
    size = ADDITION_TOKENIZER.vocabulary_size
    return make_translator(config, Sequences(SEQUENCE, None, np.zeros(0), (size, size), size, PAD_ID))({})


def describe_classes(config: ConfigDict, sequences: Sequences, make_model: MakeModel) -> Describe:
    """Who is taken for whom."""
    return lambda params, data, hparams: confusion(trained(make_model, params, data, hparams, sequences.num_classes))


def describe_forecasts(config: ConfigDict, sequences: Sequences, make_model: MakeModel) -> Describe:
    """Forecasts beside naive ones.

    Raises:
        ValueError: a season longer than the window, a horizon longer than the test part, or a split by chance.
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


def describe_tags(config: ConfigDict, sequences: Sequences, make_model: MakeModel) -> Describe:
    """The baseline that looks at no neighbours."""
    return lambda params, data, hparams: word_table(data, sequences.vocabulary_sizes[0], sequences.num_classes)


def describe_translations(config: ConfigDict, sequences: Sequences, make_model: MakeModel) -> Describe:
    """What the model writes."""
    task = config.task

    def describe(params: Any, data: Data, hparams: Hparams) -> dict[str, Array]:
        model: Any = make_model({name: hparams[name] for name in hparams if name != "dropout_rate"})
        return decoded(model, params, data, num_examples=task.decoded, num_beams=task.num_beams)

    return describe


# config.task.name -> what is built.
KINDS: dict[str, Kind] = {
    "sequence_classification": Kind(
        CLASS, "classification", {"recurrent": make_reader(SequenceToOne), "bag": make_bag}, describe_classes
    ),
    "forecasting": Kind(NUMBER, "regression", {"recurrent": make_reader(SequenceToOne)}, describe_forecasts),
    "tagging": Kind(TAG, "tokens", {"recurrent": make_reader(SequenceTagger)}, describe_tags),
    TRANSLATION: Kind(SEQUENCE, "tokens", {"recurrent": make_translator}, describe_translations),
}


def build(config: ConfigDict) -> tuple[Task, Data]:
    """The task and its shared data {"inputs": (N, …) or a pair, "targets": (N, …)}.

    Raises:
        ValueError: an unknown name, data that the task does not fit, splits or batches that cannot be.
    """
    kind = choose(config.task.name, KINDS, "task.name")
    choose(config.data.name, SEQUENCES, "data.name")
    make = choose(config.model.name, kind.models, "model.name")
    sequences = load_sequences(config.data.name, **config.data.options.to_dict())
    if sequences.answer != kind.answer:
        fitting = next(name for name, other in KINDS.items() if other.answer == sequences.answer)
        raise ValueError(
            f"config.task.name={config.task.name!r} does not fit data {config.data.name!r}, whose answer is a "
            f"{sequences.answer}; use the task {fitting!r}"
        )
    make_model, head = make(config, sequences), HEADS[kind.head]
    view = make_view(config.data, sequences.num_classes if sequences.answer == CLASS else 0, len(sequences.targets))
    example = jax.tree.map(lambda leaf: leaf[0], sequences.inputs)
    task = make_supervised(Problem(make_model, head, view, example, proximal=config.optimizer.proximal))
    describe = kind.describe(config, sequences, make_model)

    def tell(params: Any, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
        parameters = sum(leaf.size for leaf in jax.tree.leaves(params))
        return {"parameters": jnp.float32(parameters)} | describe(params, data, hparams)

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
