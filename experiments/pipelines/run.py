"""One call for a task: `pipeline(task, model)` gives a function (F175, F177)."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from experiments.command_line.choices import nearest
from experiments.command_line.output import say
from experiments.pipelines.calls import ALIASES, check_options, is_one, ranks_classes, read_call
from experiments.pipelines.models import Model, find, load_model
from experiments.pipelines.records import Task
from experiments.pipelines.tasks import LANGUAGES, TASKS
from nn_core.pretrained.folder import CONFIG
from nn_core.pretrained.generation_config import GENERATION, of_task, read_writing
from nn_core.pretrained.tensor_files import PretrainedError

MASKS = "fill-mask"  # of which transformers 4 takes a list of one out of its list
AT_A_TIME = 64  # inputs of a generator that are read before the first output


def task_named(name: str) -> Task:
    """A task of the table; "translation_en_to_fr" is a translation, "ner" another name of one."""
    own = "translation" if LANGUAGES.fullmatch(name) else ALIASES.get(name, name)
    if own not in TASKS and name.startswith("translation_"):
        raise ValueError(f"the task {name!r} is unknown; a pair of languages is written translation_xx_to_yy")
    if own not in TASKS:
        raise ValueError(f"the task {name!r} is unknown{nearest(name, TASKS) or ';'} there are: {', '.join(TASKS)}")
    return TASKS[own]


def pipeline(
    task: str,
    model: str | Path | Model | None = None,
    *,
    member: int | None = None,
    step: str = "best",
    dtype: str = "float32",
    batch_size: int | None = None,
    **options: Any,
) -> Callable[..., Any]:
    """A function that does a task with a model, as transformers 4 had it.

    Args:
        task: a key of TASKS, or translation_xx_to_yy.
        model: a Hugging Face folder, the name of one on the hub, or a run directory.
        member, step: of a run directory.
        dtype: of a folder's parameters: float32, bfloat16 or float16.
        options: of the task, for all calls; a call may give others. batch_size=N: inputs that are read at a time.
    Returns:
        inputs -> outputs: one for one, a list for a list, a generator for anything else that is iterable.
    Raises:
        ValueError: an unknown task or option, no model, or one that does not do the task; in one line.
    """
    record = task_named(task)
    if model is None:
        raise PretrainedError(f"no model is given; {how_to_get(record)}")
    loaded = model if isinstance(model, Model) else load_model(find(str(model)), member, step, dtype)
    if loaded.kind not in record.kinds:
        raise PretrainedError(
            f"{loaded.place} is a model of kind {loaded.kind!r}, and {task} needs {how_to_get(record)}"
        )
    loaded = made_for(loaded, task)
    made: dict[tuple, Callable] = {}

    def asker(more: Mapping[str, Any]) -> Callable[[Any], list[Any]]:
        wanted = check_options(task, record, {**options, **more})
        key = tuple(sorted((name, str(value)) for name, value in wanted.items()))
        if key not in made:  # programs belong to what is made: it is kept
            made[key] = record.make(loaded, {**wanted, "task": task})
        return made[key]

    def run(*args: Any, **more: Any) -> Any:
        size = check_size(more.pop("batch_size", batch_size))
        value = read_call(task, record, args, more)
        ask = asker(more)
        alone = record.one_each and not (ranks_classes(record) and "top_k" in {**options, **more})
        if is_one(value):
            return as_one(record, value, ask([value])[0], alone, "top_k" in more)

        def several(some: list[Any]) -> list[Any]:
            return [one[0] if alone and len(one) == 1 else one for one in ask(some)]

        if isinstance(value, Iterable) and not isinstance(value, (bytes, np.ndarray)):
            outputs = in_turn(several, value, size or AT_A_TIME)
            if not isinstance(value, (list, tuple)):
                return outputs
            found = several(list(value)) if value and size is None else list(outputs)
            return found[0] if task == MASKS and isinstance(value, list) and len(value) == 1 else found
        raise ValueError(f"{task} reads {record.reads}, and not {type(value).__name__}")

    check_size(batch_size)
    asker({})  # what is wrong with the options is told now
    return run


def as_one(record: Task, value: Any, output: Any, alone: bool, asked: bool) -> Any:
    """The output of one input that is in no list, as transformers 4 nests it: a text's classes stand in a list of their
    own unless this call asks for so many; a pair of texts has its class alone.

    Args:
        record: of the task.
        value: the input.
        output: of it.
        alone: an answer stands alone among the answers of several inputs.
        asked: this call says top_k.
    """
    if not (ranks_classes(record) and record.one_each):
        return output
    if isinstance(value, str):
        return output if alone or asked else [output]
    return output[0] if alone else output


def made_for(model: Model, task: str) -> Model:
    """The model with what its folder says for a task; one line where it asks for a way of writing that is not computed."""
    own = of_task(model.settings, task)
    if own:
        model = model._replace(writing=read_writing(model.place, model.settings, task))
    if model.decoder is not None and model.writing.passed_over:
        file, left = model.place / (CONFIG if own else GENERATION), ", ".join(model.writing.passed_over)
        say(f"warning: {file} asks for {left}, which is not computed here", sys.stderr)
    return model


def check_size(size: Any) -> int | None:
    """A batch size; None: as many as there are."""
    if size is not None and (type(size) is not int or size < 1):
        raise ValueError(f"batch_size={size!r} must be a whole number >= 1")
    return size


def in_turn(ask: Callable[[Any], list[Any]], inputs: Iterable[Any], size: int) -> Iterator[Any]:
    """Outputs of inputs that come one by one, a few of which are read ahead."""
    iterator = iter(inputs)
    while some := list(islice(iterator, size)):
        yield from ask(some)


def how_to_get(record: Task) -> str:
    """Where a model for a task comes from."""
    folder = "a Hugging Face folder with config.json, model.safetensors and tokenizer.json"
    if "image" in record.kinds:
        folder = "a Hugging Face folder of ViT or DeiT"
    name, _, inside = record.config.partition("/")
    own = f"python -m experiments.run --config=configs/{name}.py" + (
        f" (checkpoints/{name}/{inside})" if inside else ""
    )
    return f"{folder} whose head is one of {', '.join(record.kinds)}, or train one: {own}"
