"""What a model and a task are: a record each, in tables that a config's names are looked up in.

The tables are values. They are handed down from a command to whatever builds; nothing enters them by being imported.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jax import Array
from ml_collections import ConfigDict

from configs.base import Key
from nn_core.data.sequence_sources import Sequences
from nn_core.data.splits import SPLITS
from nn_core.generation.decoder import Decoder
from nn_core.tasks.base import Data, Hparams, Params
from nn_core.tasks.heads import Head
from nn_core.tasks.language import TokenLosses
from nn_core.tasks.supervised import MakeModel
from nn_core.training.sharding import DENSE, Rule

# Forms of a problem: what a model reads and what it answers. Those of sequences are the answers of their data
# (nn_core/data/sequence_sources.py): CLASS, NUMBER, TAG, SEQUENCE.
EXAMPLES = "examples"  # an array for each example; a class or a number
TEXT = "text"  # the tokens so far; the next one

# What a model reads of each example.
ROWS = "rows"  # (D,): an image becomes a row of pixels
IMAGES = "images"  # (H, W, C)
TOKENS = "tokens"  # (T,) ids
STEPS = "steps"  # (T,) ids or (T, D) numbers


class Sizes(NamedTuple):
    """What the data decide about a model.

    Attributes:
        num_outputs: numbers that it answers with: of an example, or of each token.
        vocabulary_sizes: V of each array of ids that it reads; () for numbers.
        context_size: tokens of a training window; 0 where sequences have the length that they have.
        pad_id: of the padding at the end of the ids; None: there is none.
    """

    num_outputs: int
    vocabulary_sizes: tuple[int, ...] = ()
    context_size: int = 0
    pad_id: int | None = None


Make = Callable[[ConfigDict, Sizes], MakeModel]


def writes_nothing(*arguments: Any) -> Any:
    """Stands where a model has no decoder and no losses of tokens."""
    raise ValueError("this model writes nothing; give one of a language model or a translator")


class Use(NamedTuple):
    """How a model serves one form of problem.

    Attributes:
        make: (the run's config, sizes) -> (hparams -> Linen module). The module is called as (inputs, deterministic).
        reads: ROWS, IMAGES, TOKENS or STEPS.
        make_decoder: for what writes: module -> what generates from it, one and the same for equal modules, because
            programs are remembered by it.
        token_losses: for TEXT: how its losses are computed.
    """

    make: Make
    reads: str
    make_decoder: Callable[[Any], Decoder] = writes_nothing
    token_losses: TokenLosses = writes_nothing


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

# What tells more of a trained sequence model than losses: (config, sequences, make_model) -> the function.
Describe = Callable[[Params, Data, Hparams], dict[str, Array]]
MakeDescribe = Callable[[ConfigDict, Sequences, MakeModel], Describe]


class Kind(NamedTuple):
    """A kind of task: everything that `config.task.name` stands for.

    Attributes:
        keys: of config.task, with defaults and ranges.
        form: of its problem, which a model must serve.
        build: (config, registry) -> (task, data), and for a text its corpus; then a third argument is the tokenizer of a
            run that goes on.
        head: how outputs become a loss and a decision; NO_HEAD where the model's own losses say it (TEXT).
        describe: for sequences: what the results tell beside losses and accuracies.
        splits: those that the end of a run is judged on.
    """

    keys: Mapping[str, Key]
    form: str
    build: Callable[..., tuple]
    head: Head = NO_HEAD
    describe: MakeDescribe | None = None
    splits: tuple[str, ...] = SPLITS


class Registry(NamedTuple):
    """The tables of a command.

    Attributes:
        models: config.model.name -> model.
        tasks: config.task.name -> kind of task.
    """

    models: Mapping[str, Model]
    tasks: Mapping[str, Kind]


def serving(registry: Registry, form: str) -> dict[str, Use]:
    """The models that serve a form of problem, by name, and how they do it."""
    return {name: model.serves[form] for name, model in registry.models.items() if form in model.serves}


def extended(registry: Registry, own: Registry) -> Registry:
    """The registry with more records; the given one stays as it is.

    Raises:
        ValueError: a name that is taken.
    """
    for table, known, more in zip(Registry._fields, registry, own, strict=True):
        for name in more:
            if name in known:
                raise ValueError(f"{name!r} is already the name of one of the {table}; give yours another name")
    return Registry({**registry.models, **own.models}, {**registry.tasks, **own.tasks})
