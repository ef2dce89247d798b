"""python -m experiments.pipeline TASK --model=DIR [INPUT …] [--input=FILE] [--output=FILE] [--name=value …]

Does a task with a model: a Hugging Face folder, or a run directory of this project. In Python:

    from experiments.pipeline import pipeline
    pipeline("text-generation", "checkpoints/gpt_quick")("ROMEO:", max_new_tokens=20, num_return_sequences=3)
"""

import json
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import refuse
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command
from experiments.command_line.written_file import check_not_read, check_not_within, written_file

OPTIONS = {
    "model": Option(str, "a Hugging Face folder, its name on the hub, or a run directory"),
    "member": Option(int, "of a run directory: which run of a sweep"),
    "step": Option(str, "of a run directory: best on validation, latest, or a step", "best"),
    "dtype": Option(str, "of a folder's parameters: float32, bfloat16, float16", "float32"),
    "input": Option(str, "a file with an input on each line; JSON values where it ends in .jsonl"),
    "output": Option(str, "a file for the outputs (default: the terminal)"),
}
ABOUT = """Does a task with a model, offline. Prints one JSON value for each input, in their order.

tasks: {tasks}"""
EXAMPLES = (
    'python -m experiments.pipeline text-generation --model=checkpoints/gpt_quick "ROMEO:" --max_new_tokens=40',
    "python -m experiments.pipeline text-classification --model=FOLDER --input=reviews.txt --output=labels.jsonl",
    """python -m experiments.pipeline question-answering --model=FOLDER '{"question": "Who?", "context": "…"}'""",
)


def pipeline(task: str, model: str | Path | None = None, **options: Any) -> Callable[..., Any]:
    """A function that does a task with a model; see `experiments.pipelines.run.pipeline`."""
    from experiments.pipelines import run  # --help needs no JAX

    return run.pipeline(task, model, **options)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake of the caller, told in one line."""
    words = list(sys.argv[1:] if argv is None else argv)
    options: dict[str, Option] = OPTIONS
    try:
        set_up_devices()
        from experiments.pipelines.calls import ALIASES
        from experiments.pipelines.run import task_named
        from experiments.pipelines.tasks import TASKS

        name = taken_task(words, {*TASKS, *ALIASES})
        options = OPTIONS if name is None else {**OPTIONS, **task_named(name).options}
        asked = parse_options(words, options, positional=True)
        if asked.pop("help"):
            command = f"python -m experiments.pipeline {name or 'TASK'} --model=DIR [INPUT …] [--name=value …]"
            print(usage(command, ABOUT.format(tasks=", ".join(TASKS)), options, EXAMPLES))
            return 0
        if name is None:
            raise ValueError(f"no task is given; name one first: {', '.join(TASKS)}")
        own = {key: asked[key] for key in task_named(name).options if asked[key] is not None}
        about = {key: asked[key] for key in ("member", "step", "dtype")}
        values = list(read_inputs(asked["positional"], asked["input"]))
        check_output(asked["output"], asked["input"], asked["model"])
        run = pipeline(name, asked["model"], **about, **own)
        write_outputs(run(iter(values)), len(values), asked["output"])
    except (ValueError, RuntimeError) as error:
        return refuse(error, options)
    return 0


def taken_task(words: list[str], known: Collection[str]) -> str | None:
    """The name of the task, taken out of the words: the first one, or the first that is a task behind options."""
    if words and not words[0].startswith("-"):
        return words.pop(0)
    place = next((i for i, word in enumerate(words) if word in known), None)
    return None if place is None else words.pop(place)


def check_output(output: str | None, given: str | None, model: str | None) -> None:
    """Raises ValueError where the file to write is the one that is read, or one of the model's."""
    if output is not None and given is not None:
        check_not_read("--output", output, given, "the file of the inputs")
    if output is not None and model is not None:
        check_not_within("--output", output, model, "the model")


def read_inputs(words: Sequence[str], file: str | None) -> Iterator[Any]:
    """Inputs from the command line, or the lines of a file.

    Raises:
        ValueError: none or both, a file that cannot be read, a line that is not JSON.
    """
    from nn_core.data.text_files import JSON_LINES
    from nn_core.files import user_path

    if (file is None) == (not words):
        raise ValueError("give inputs as arguments, or a file with --input=FILE" + (", not both" if words else ""))
    if file is None:
        yield from (as_value(word) for word in words)
        return
    path = user_path(file)
    for number, line in enumerate(lines_of(path), start=1):
        if path.suffix.lower() not in JSON_LINES:
            yield line
        elif line.strip():
            yield from_json(line, path, number)


def lines_of(path: Path) -> list[str]:
    """The lines of a file of text; not cut at U+2028, which may stand within a line of JSON.

    Raises:
        ValueError: it cannot be read, is empty, or is no text.
    """
    from nn_core.data.text import read_text

    try:
        return read_text(path).removesuffix("\n").split("\n")
    except ValueError as error:
        raise ValueError(f"--input: {error}") from None


def from_json(line: str, path: Path, number: int) -> Any:
    """The value of a line of JSON; a ValueError names the line."""
    try:
        return json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path}, line {number}: no JSON ({error})") from None


def as_value(word: str) -> Any:
    """A word of the command line; objects and lists are written as JSON."""
    if word[:1] in ("{", "[") and word[-1:] in ("}", "]"):
        try:
            return json.loads(word)
        except json.JSONDecodeError:
            return word
    return word


def write_outputs(outputs: Iterator[Any], count: int, file: str | None) -> None:
    """One JSON value a line; a bar on the error stream where they go to a file."""
    from tqdm import tqdm

    if file is None:
        for output in outputs:
            print(json.dumps(output, ensure_ascii=False), flush=True)
        return
    with written_file("--output", file) as part, part.open("w", encoding="utf-8", newline="\n") as stream:
        write_lines(tqdm(outputs, total=count, unit=" inputs", disable=not sys.stderr.isatty()), stream)


def write_lines(outputs: Iterator[Any], stream: TextIO) -> None:
    """JSON lines."""
    for output in outputs:
        stream.write(json.dumps(output, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    run_command(main)
