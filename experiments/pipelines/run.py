"""One call for a task: `pipeline(task, model)` gives a function (F175, F177)."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from experiments.command_line.choices import choose
from experiments.command_line.output import say
from experiments.pipelines.models import Model, find, load_model
from experiments.pipelines.records import Task
from experiments.pipelines.tasks import LANGUAGES, TASKS
from nn_core.pretrained.generation_config import GENERATION
from nn_core.pretrained.tensor_files import PretrainedError

AT_A_TIME = 64  # inputs of a generator that are read before the first output


def task_named(name: str) -> Task:
    """A task of the table; "translation_en_to_fr" is a translation."""
    return choose("translation" if name.startswith(LANGUAGES) else name, TASKS, "task")


def pipeline(
    task: str,
    model: str | Path | Model | None = None,
    *,
    member: int | None = None,
    step: str = "best",
    dtype: str = "float32",
    **options: Any,
) -> Callable[..., Any]:
    """A function that does a task with a model, as transformers 4 had it.

    Args:
        task: a key of TASKS, or translation_xx_to_yy.
        model: a Hugging Face folder, the name of one on the hub, or a run directory.
        member, step: of a run directory.
        dtype: of a folder's parameters: float32, bfloat16 or float16.
        options: of the task, for all calls; a call may give others.
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
    tell_passed_over(loaded)
    made: dict[tuple, Callable] = {}

    def asker(more: Mapping[str, Any]) -> Callable[[Any], list[Any]]:
        given = {**options, **more}
        for name in given:
            choose(name, record.options, f"option of {task}")
        wanted = {name: given.get(name, option.default) for name, option in record.options.items()}
        key = tuple(sorted((name, str(value)) for name, value in wanted.items()))
        if key not in made:  # programs belong to what is made: it is kept
            made[key] = record.make(loaded, {**wanted, "task": task})
        return made[key]

    def run(inputs: Any = None, **more: Any) -> Any:
        named = {name: more.pop(name) for name in ("question", "context") if name in more}
        ask = asker(more)
        value = named if named else inputs
        if isinstance(value, (str, Mapping, Path)) or is_chat(value):
            return ask([value])[0]

        def several(some: list[Any]) -> list[Any]:
            outputs = ask(some)
            return [one[0] if record.one_each and len(one) == 1 else one for one in outputs]

        if isinstance(value, (list, tuple)):
            return several(list(value)) if value else []
        if isinstance(value, Iterable):
            return in_turn(several, value)
        raise ValueError(f"{task} reads {record.reads}, and not {type(value).__name__}")

    asker({})  # what is wrong with the options is told now
    return run


def tell_passed_over(model: Model) -> None:
    """One line where a folder asks for a way of writing that is not computed."""
    if model.decoder is not None and model.writing.passed_over:
        left = ", ".join(model.writing.passed_over)
        say(f"warning: {model.place / GENERATION} asks for {left}, which is not computed here", sys.stderr)


def is_chat(value: Any) -> bool:
    """Whether a list is one conversation and not several inputs."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) and "role" in one for one in value)


def in_turn(ask: Callable[[Any], list[Any]], inputs: Iterable[Any]) -> Iterator[Any]:
    """Outputs of inputs that come one by one, a few of which are read ahead."""
    iterator = iter(inputs)
    while some := list(islice(iterator, AT_A_TIME)):
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
