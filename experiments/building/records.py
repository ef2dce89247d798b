"""Models and tasks as records, in tables in which a config's names are looked up.

The tables are values, which a command hands down to whatever builds. Nothing enters them by being imported.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from jax import Array
from ml_collections import ConfigDict

from configs import base
from configs.base import Key
from nn_core import optimizers
from nn_core.activations import ACTIVATIONS
from nn_core.data.dataset import Dataset
from nn_core.data.sequence_sources import Sequences
from nn_core.data.splits import SPLITS
from nn_core.generation.decoder import Decoder
from nn_core.tasks.base import Data, Hparams, Params
from nn_core.tasks.heads import Head
from nn_core.tasks.language import DescribeText, TokenLosses
from nn_core.tasks.supervised import MakeModel
from nn_core.training.sharding import DENSE, Rule
from nn_core.training.step import MakeOptimizer

PRETRAINED = base.PRETRAINED["name"].default  # model.name where the structure is that of config.transfer.source

# Forms of a problem: what a model reads and what it answers. Those of sequences are the answers of their data
# (nn_core/data/sequence_sources.py): CLASS, NUMBER, TAG, SEQUENCE.
EXAMPLES = "examples"  # an array for each example; a class or a number
TEXT = "text"  # the tokens so far; the next one
SCORES = "scores"  # a text; what it is worth: a language model with a head
TEXT_CLASS = "text_class"  # the tokens of a text; its class

# What a model reads of each example.
ROWS = "rows"  # (D,): an image becomes a row of pixels
IMAGES = "images"  # (H, W, C)
TOKENS = "tokens"  # (T,) ids
STEPS = "steps"  # (T,) ids or (T, D) numbers


class Sizes(NamedTuple):
    """What the data, and the tables of the command, determine of a model.

    Attributes:
        num_outputs: number of outputs, for an example or for each token.
        vocabulary_sizes: V of each array of ids that it reads; () for numbers.
        context_size: tokens of a training window; 0 if there is no such limit.
        pad_id: id of the padding at the end; None: there is none.
        activations: those that config.model.activation may name.
    """

    num_outputs: int
    vocabulary_sizes: tuple[int, ...] = ()
    context_size: int = 0
    pad_id: int | None = None
    activations: Mapping[str, Callable[..., Array]] = ACTIVATIONS


Make = Callable[[ConfigDict, Sizes], MakeModel]


def writes_nothing(*arguments: Any) -> Any:
    """Stands in for a decoder or token losses that a model does not have."""
    raise ValueError("this model writes nothing; give one of a language model or a translator")


class Use(NamedTuple):
    """How a model serves one form of problem.

    Attributes:
        make: (the run's config, sizes) -> (hparams -> Linen module). The module is called as (inputs, deterministic).
        reads: ROWS, IMAGES, TOKENS or STEPS.
        make_decoder: for models that write: module -> its decoder, the same object for equal modules, because compiled
            programs are looked up by it.
        token_losses: for TEXT: computes the losses.
        describe_text: for TEXT: what the results say of a trained model besides its losses; None: its size.
    """

    make: Make
    reads: str
    make_decoder: Callable[[Any], Decoder] = writes_nothing
    token_losses: TokenLosses = writes_nothing
    describe_text: DescribeText | None = None


class Model(NamedTuple):
    """A family of models: everything that `config.model.name` stands for.

    Attributes:
        keys: of config.model, with defaults and ranges.
        serves: form of problem -> how.
        rules: how its parameters are split over a mesh.
    """

    keys: Mapping[str, Key]
    serves: Mapping[str, Use]
    rules: tuple[Rule, ...] = DENSE


NO_HEAD = Head(lambda num_classes: 0, writes_nothing, None)

# Describes a trained sequence model further: (config, sequences, make_model, use) -> the function.
Describe = Callable[[Params, Data, Hparams], dict[str, Array]]
MakeDescribe = Callable[[ConfigDict, Sequences, MakeModel, Use], Describe]


class Kind(NamedTuple):
    """A kind of task: everything that `config.task.name` stands for.

    Attributes:
        keys: of config.task, with defaults and ranges.
        form: the form of its problem, which a model must serve.
        build: (config, registry) -> (task, data), or for a text (task, data, corpus); in that case a third argument is the
            tokenizer of the run to continue.
        head: how outputs become a loss and a decision; NO_HEAD if the model computes its own losses (TEXT).
        describe: for sequences: what the results contain besides losses and accuracies.
        splits: those that the end of a run is judged on.
        optimizer: what is made of the config's optimizer: for a task whose steps remember more.
        ranges: config -> ranges of other sections' values that are narrower for this task, by dotted path.
        check: raises ValueError for values that do not fit together, before any data or other run is read.
        measures: numbers of each of the splits, and `told`: those of the end, where they are known before the run that
            this one starts from is there; (): what tracing tells.
    """

    keys: Mapping[str, Key]
    form: str
    build: Callable[..., tuple]
    head: Head = NO_HEAD
    describe: MakeDescribe | None = None
    splits: tuple[str, ...] = SPLITS
    optimizer: Callable[[MakeOptimizer], MakeOptimizer] = lambda make: make
    ranges: Callable[[ConfigDict], Mapping[str, str]] = lambda config: {}
    check: Callable[[ConfigDict], None] = lambda config: None
    measures: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


MakeRule = Callable[[optimizers.Hparams], optimizers.Rule]
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Registry(NamedTuple):
    """The tables of a command, or the records that a config file of one's own brings (`get_extensions`).

    Attributes:
        models: config.model.name -> model.
        tasks: config.task.name -> kind of task; a loss of one's own is a task with its head.
        activations: config.model.activation -> function of x.
        optimizers: config.optimizer.name -> (hparams -> nn_core.optimizers.Rule).
        sources: config.data.name -> loader of labelled examples; config.data.options are its arguments.
        figures: of a config file of one's own: name -> (results of the run -> Matplotlib figure).
        studies: of a config file of one's own: config.task.name -> experiments.studies.base.Study.
    """

    models: Mapping[str, Model] = NOTHING
    tasks: Mapping[str, Kind] = NOTHING
    activations: Mapping[str, Callable[..., Array]] = NOTHING
    optimizers: Mapping[str, MakeRule] = NOTHING
    sources: Mapping[str, Callable[..., Dataset]] = NOTHING
    figures: Mapping[str, Callable[[Any], Any]] = NOTHING
    studies: Mapping[str, Any] = NOTHING


def serving(registry: Registry, form: str) -> dict[str, Use]:
    """The models that serve a form of problem, by name, and how they do it."""
    return {name: model.serves[form] for name, model in registry.models.items() if form in model.serves}


def extended(registry: Registry, own: Registry) -> Registry:
    """A registry with more records; the given one is not changed.

    Raises:
        ValueError: a name that is taken, or something else than a record.
    """
    records = {"models": Model, "tasks": Kind}
    for table, known, more in zip(Registry._fields, registry, own, strict=True):
        if not isinstance(more, Mapping):
            raise ValueError(f"{table} of get_extensions() is {type(more).__name__}; give a dict of records by name")
        for name, record in more.items():
            kind = records.get(table)
            if table != "studies" and not (callable(record) if kind is None else isinstance(record, kind)):
                wanted = "a function" if kind is None else f"a {kind.__name__} of experiments.building.records"
                raise ValueError(f"{name!r} of {table} is {type(record).__name__}; give {wanted}")
            if name in known:
                raise ValueError(f"{name!r} is already the name of one of the {table}; give yours another name")
    return Registry(*({**known, **more} for known, more in zip(registry, own, strict=True)))
