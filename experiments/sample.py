"""python -m experiments.sample --checkpoint=DIR [--prompt=TEXT] [--max_new_tokens=200] [--temperature=0.8] …

Writes text with a trained language model; everything that it needs is in the run directory.
"""

import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import refuse
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command
from experiments.command_line.written_file import check_place

OPTIONS = {
    "checkpoint": Option(str, "run directory of a language model, or of a translator such as configs/addition.py"),
    "member": Option(int, "which run of a sweep (column member of results.csv)"),
    "step": Option(str, "best on validation, latest, or a step", "best"),
    "prompt": Option(
        str, "what to continue, or to answer; several are worked on at once (default: the run's)", (), True, True
    ),
    "input": Option(str, "translators: a file of sources, one a line, instead of prompts; needs output"),
    "output": Option(str, "the file that gets an answer a line, by beam search"),
    "trace": Option(bool, "translators: show each step of greedy decoding with its five best candidates", False),
    "chat": Option(bool, "prompts are questions to an assistant; without any, lines of the terminal are", False),
    "max_new_tokens": Option(int, "most tokens after the prompt, >= 1 (default: the run's)"),
    "max_length": Option(int, "most tokens, the prompt counted; instead of max_new_tokens"),
    "temperature": Option(float, "logits are divided by it; 0: greedy; >= 0 (default: 1)"),
    "top_k": Option(int, "draw from the k most probable tokens, >= 1"),
    "top_p": Option(float, "draw from the fewest tokens with this mass, in (0, 1]"),
    "min_p": Option(float, "drop tokens below this share of the highest probability, in [0, 1]"),
    "repetition_penalty": Option(float, "divides the scores of tokens that the text holds; 1: none; > 0"),
    "greedy": Option(bool, "take the most probable token each time", False),
    "num_beams": Option(int, "beam search with this many hypotheses, >= 1 (default: 1, for a file of sources 5)"),
    "length_penalty": Option(float, "beam search: exponent of the length in the score (default: 1)"),
    "early_stopping": Option(bool, "beam search: stop as soon as enough texts have ended"),
    "num_return_sequences": Option(int, "texts for each prompt, >= 1", 1),
    "eos": Option(str, "the token at which a text ends (default: none)", may_be_empty=True),
    "keep": Option(int, "tokens that are read again when the context window is full (default: half of it)"),
    "seed": Option(int, "of the draws, in [0, 4294967295] (default: 0)"),
}
ABOUT = "Writes text with a trained language model. Without temperature, greedy or num_beams it draws from the model."
EXAMPLES = (
    "python -m experiments.sample --checkpoint=checkpoints/gpt_quick --prompt='ROMEO:' --temperature=0.8 --top_k=50",
    "python -m experiments.sample --checkpoint=checkpoints/gpt_quick --prompt='ROMEO:' --num_beams=4 --max_new_tokens=80",
    "python -m experiments.sample --checkpoint=checkpoints/addition --prompt=12+5",
    "python -m experiments.sample --checkpoint=checkpoints/multi30k --input=english.txt --output=french.txt",
    "python -m experiments.sample --checkpoint=checkpoints/multi30k --prompt='A girl plays in the snow.' --trace",
    "python -m experiments.sample --checkpoint=checkpoints/assistant_sft --member=0 --chat --greedy",
)
LIMITS = {"max_new_tokens": 10**6, "max_length": 10**6, "top_k": 2**31 - 1, "num_beams": 4096}
LIMITS |= {"num_return_sequences": 4096, "keep": 2**31 - 1}
BEAMS = 5  # of a file of sources
DRAWING = ("temperature", "top_k", "top_p", "min_p", "seed")
OF_PROMPTS = dict.fromkeys(DRAWING, "which draws nothing") | {"eos": "whose translator has an end token of its own"}
OF_PROMPTS |= {"keep": "whose translator has no context window"}
# What a file of sources, and the trace of one, make no use of, and why.
UNUSED: dict[str, dict[str, str]] = {
    "input": OF_PROMPTS
    | dict.fromkeys(("prompt", "chat"), "whose lines are the sources")
    | {"repetition_penalty": "which searches with beams", "num_return_sequences": "which gets one answer a line"},
    "trace": OF_PROMPTS
    | dict.fromkeys(
        ("num_beams", "num_return_sequences", "length_penalty", "early_stopping"),
        "which shows greedy decoding of one text",
    )
    | {"repetition_penalty": "which shows the model's own shares", "chat": "which answers one source"},
}


class Job(NamedTuple):
    """The request, checked as far as possible without the model.

    Attributes:
        options: by name, as given.
        sampling: strengths of the filters by name, those that were given.
        strategy: "draw", "greedy" or "beam".
    """

    options: dict[str, Any]
    sampling: dict[str, Any]
    strategy: str


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake by the caller, with one line."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, OPTIONS, lone="prompt")
        if options["help"]:
            print(usage("python -m experiments.sample --checkpoint=DIR [--name=value …]", ABOUT, OPTIONS, EXAMPLES))
            return 0
        return write(check(options))
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except (ValueError, RuntimeError) as error:
        return refuse(error, OPTIONS)


def check(options: dict[str, Any]) -> Job:
    """The strategy that the options describe.

    Raises:
        ValueError: values out of range, options that conflict or have no effect.
    """
    from nn_core.generation.options import check_options

    if options["checkpoint"] is None:
        raise ValueError("--checkpoint is missing; give the run directory of a language model")
    for name, most in LIMITS.items():
        if options[name] is not None and options[name] > most:
            raise ValueError(f"{name}={options[name]} is more than {most}; lower it")
    if options["greedy"] and options["temperature"] not in (None, 0):
        raise ValueError(f"temperature={options['temperature']} has no effect with greedy; leave one of them out")
    if options["num_beams"] is None:
        options = options | {"num_beams": BEAMS if options["input"] is not None and not options["greedy"] else 1}
    if options["greedy"] and options["num_beams"] > 1:
        raise ValueError(f"greedy conflicts with num_beams={options['num_beams']}; leave one of them out")
    check_files(options)
    greedy = options["greedy"] or options["temperature"] == 0
    names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
    sampling = {name: options[name] for name in names if options[name] is not None}
    others = ("num_beams", "length_penalty", "early_stopping", "num_return_sequences", "max_new_tokens", "max_length")
    asked = {name: options[name] for name in (*others, "seed")}
    check_options(**asked, **(sampling | {"temperature": 0} if options["greedy"] else sampling))
    if greedy:
        sampling.pop("temperature", None)
    return Job(options, sampling, "beam" if options["num_beams"] > 1 else "greedy" if greedy else "draw")


def check_files(options: dict[str, Any]) -> None:
    """Raises ValueError where input, output and trace do not go with each other or with the rest."""
    if (options["input"] is None) != (options["output"] is None):
        one, other = ("input", "output") if options["output"] is None else ("output", "input")
        raise ValueError(f"{one}={options[one]!r} needs {other} too: a file of sources, and the file of their answers")
    if options["input"] is None and not options["trace"]:
        return
    what = "input" if options["input"] is not None else "trace"
    if options["trace"] and options["input"] is not None:
        raise ValueError("trace shows one source, input is a file of many; leave one of them out")
    for name, why in UNUSED[what].items():
        value = options[name]
        if value != (1 if name == "num_beams" else OPTIONS[name].default):
            shown = value[0] if isinstance(value, tuple) else value
            raise ValueError(f"{name}={shown} has no effect with {what}, {why}; leave it out")
    if len(options["prompt"]) > 1:
        raise ValueError(f"trace shows one source, and {len(options['prompt'])} prompts are given; give one")
    if what == "input":
        check_place("--output", options["output"], options["input"], "answers.txt", options["checkpoint"])


def write(job: Job) -> int:
    """Restores the model and writes; text to stdout, everything else to stderr."""
    set_up_devices()
    from experiments.building.backbones import load_whole
    from experiments.building.own_code import change_of, registry_of_run
    from experiments.run_directory.stored_run import parse_step
    from experiments.trained import chat, language_model, translator, writer
    from nn_core.data.sequence_sources import SEQUENCE

    stored = load_whole(job.options["checkpoint"], parse_step(job.options["step"]), job.options["member"])
    registry, changed = registry_of_run(stored.held), change_of(stored.held)
    for note in (*stored.notes, *([changed] if changed else [])):
        print(f"warning: {note}", file=sys.stderr)
    prompts = job.options["prompt"] or (stored.config.sample.prompt,)
    kind = registry.tasks.get(stored.config.task.name)
    writes_answers = kind is not None and kind.form == SEQUENCE
    if job.options["input"] is not None or job.options["trace"]:
        if not writes_answers:
            raise ValueError(
                f"{stored.directory} holds a run of task {stored.config.task.name!r}; input and trace are for "
                "translators, such as configs/toy_translation.py"
            )
        print(answer(job, stored, registry), file=sys.stderr)
        return 0
    if writes_answers:
        model, request = translator.prepare(stored, prompts, job.options, registry)
    elif job.options["chat"]:
        return chat.talk(language_model.language_model(stored, registry), job.options, job.sampling, job.strategy)
    else:
        model = language_model.language_model(stored, registry)
        request = writer.prepare(model, prompts, job.options)
    for note in writer.notes(model, request):
        print(f"note: {note}", file=sys.stderr)
    start = time.perf_counter()
    if job.strategy == "beam":
        told = writer.search(model, request, job.options, sys.stdout)
    else:
        told = writer.stream(model, request, job.sampling, job.strategy == "greedy", job.options, sys.stdout)
    seconds = time.perf_counter() - start
    print(f"{told} in {seconds:.1f} s, from step {stored.step} of {stored.directory}", file=sys.stderr)
    return 0


def answer(job: Job, stored: Any, registry: Any) -> str:
    """Answers a file, or shows how one source is answered; a line about what was written."""
    from experiments.trained import text_file, trace, translator

    model, marks, _ = translator.translator(stored, registry)
    lengths = translator.lengths_of(stored, job.options)
    if job.options["trace"]:
        source = (job.options["prompt"] or (stored.config.sample.prompt,))[0]
        return trace.trace(translator.ask(model, [source], marks), marks, source, lengths, sys.stdout)
    return text_file.translate_file(model, marks, lengths, job.options)


if __name__ == "__main__":
    run_command(main)
