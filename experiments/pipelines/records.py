"""What a task of the pipeline is: a record in a table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from experiments.command_line.options import Option

Ask = Callable[[Sequence[Any]], list[Any]]  # inputs -> an output for each


class Task(NamedTuple):
    """A task.

    Attributes:
        kinds: what the model's head must do.
        make: (model, options) -> what answers.
        options: name -> what may be asked besides, with defaults.
        reads: what an input is, for messages.
        config: a config of this project whose run serves, and where in its run directory the model is.
        one_each: an answer is a list of one, which stands alone among the answers of several inputs.
    """

    kinds: tuple[str, ...]
    make: Callable[[Any, Mapping[str, Any]], Ask]
    options: Mapping[str, Option]
    reads: str
    config: str
    one_each: bool = False
