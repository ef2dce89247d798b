"""Calls in Python as transformers 4 takes them: other names of tasks and inputs, options with their types."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

from PIL import Image

from experiments.command_line.choices import nearest
from experiments.command_line.options import Option
from experiments.pipelines.records import Task

ALIASES = {"ner": "token-classification", "sentiment-analysis": "text-classification"}
INPUTS = ("inputs", "sequences", "text_inputs", "images")  # names of the first argument
EVERY = 2**31  # more classes than there are
_FOLDER = "it is read from the model's folder; leave it out"
# Options of transformers that are not taken, and what to type.
NOT_TAKEN = {
    **dict.fromkeys(
        ("device", "device_map"), "JAX takes the accelerator it finds; leave it out, or set JAX_PLATFORMS=cpu"
    ),
    **dict.fromkeys(("tokenizer", "config", "feature_extractor", "image_processor", "processor"), _FOLDER),
    "framework": "there is JAX alone; leave it out",
    "torch_dtype": "write dtype='bfloat16'",
    "trust_remote_code": "a folder's code is never run; leave it out",
    "revision": "give the folder of that revision as model",
    **dict.fromkeys(("num_workers", "use_fast", "clean_up_tokenization_spaces", "padding"), "leave it out"),
    "return_all_scores": "write top_k=None",
    "grouped_entities": "write aggregation_strategy='simple'",
    "pad_token_id": "texts of different length need none; leave it out",
}


def check_options(task: str, record: Task, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of a task: as given, or its default. None is the default; top_k=None of classes is all of them.

    Raises:
        ValueError: an option that the task does not have, a value of another type.
    """
    for name in given:
        if name in record.options:
            continue
        if name in NOT_TAKEN:
            raise ValueError(f"{name}= is not taken: {NOT_TAKEN[name]}")
        known = ", ".join(record.options)
        raise ValueError(f"{task} has no option {name!r}{nearest(name, record.options) or ';'} there are: {known}")
    wanted = {
        name: option.default if given.get(name) is None else _typed(name, given[name], option)
        for name, option in record.options.items()
    }
    if ranks_classes(record) and "top_k" in given and given["top_k"] is None:
        wanted["top_k"] = EVERY
    return wanted


def ranks_classes(record: Task) -> bool:
    """Whether top_k counts classes, of which None means all."""
    return bool({"text_class", "image"} & set(record.kinds)) and "top_k" in record.options


def _typed(name: str, value: Any, option: Option) -> Any:
    if option.kind is float and type(value) is int:
        return float(value)
    if option.may_be_list and isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return tuple(value)
    if isinstance(value, option.kind) and isinstance(value, bool) == (option.kind is bool):
        return value
    kinds = {int: "a whole number", float: "a number", bool: "True or False", str: "a text"}
    wanted = kinds[option.kind] + (", or a list of texts" if option.may_be_list else "")
    raise ValueError(f"{name}={value!r} must be {wanted}")


def read_call(task: str, record: Task, args: Sequence[Any], options: dict[str, Any]) -> Any:
    """The inputs of a call; what is no option is taken out of `options`, and a second argument that is one is put in.

    Raises:
        ValueError: no inputs, or several that do not go together.
    """
    values = [*args, *(options.pop(name) for name in INPUTS if name in options)]
    if "question" in options or "context" in options:
        values.append({name: options.pop(name) for name in ("question", "context") if name in options})
    if len(values) == 2 and "candidate_labels" in record.options and "candidate_labels" not in options:
        options["candidate_labels"] = values.pop()
    if record.kinds == ("span",) and len(values) == 2 and all(isinstance(value, str) for value in values):
        values = [{"question": values[0], "context": values[1]}]
    if len(values) != 1:
        what = "none" if not values else str(len(values))
        raise ValueError(f"{task} reads {record.reads}, or a list of them, and {what} are given")
    return questions(values[0]) if record.kinds == ("span",) else values[0]


def questions(value: Any) -> Any:
    """{"question": …, "context": …} with lists as a list of such pairs."""
    if not isinstance(value, Mapping) or not any(isinstance(one, (list, tuple)) for one in value.values()):
        return value
    lengths = {len(one) for one in value.values() if isinstance(one, (list, tuple))}
    if len(lengths) > 1:
        raise ValueError(
            f"there are {' and '.join(map(str, sorted(lengths)))} questions and contexts; give as many of both"
        )
    columns = [one if isinstance(one, (list, tuple)) else repeat(one, max(lengths)) for one in value.values()]
    return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]


def text_of(value: Any) -> str:
    """A text, or the one of an object {"text": …}, whose other fields are not read.

    Raises:
        ValueError: neither.
    """
    text = value.get("text") if isinstance(value, Mapping) else value
    if not isinstance(text, str):
        raise ValueError(f'{str(value)[:60]!r} is not a text; give a text, or {{"text": …}}')
    return text


def is_one(value: Any) -> bool:
    """Whether it is one input and not several: a text, a path, an image, an object, or a conversation."""
    chat = isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) and "role" in one for one in value)
    return chat or isinstance(value, (str, Mapping, Path, Image.Image))
