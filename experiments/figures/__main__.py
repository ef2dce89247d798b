"""python -m experiments.figures [--workdir=DIR] [NAME …]
python -m experiments.figures --checkpoint=DIR [--prompt=TEXT] [NAME …]

Draws the pictures that the notes refer to into DIR (checkpoints/figures by default). With --checkpoint it draws figures of
a run into its figures/ folder: what its model does with a prompt, or again the figures of its results. PNG and PDF.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.command_line.arguments import CHECKPOINTS
from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import refuse
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command
from nn_core.files import user_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.trained.language_model import LanguageModel

OPTIONS = {
    "checkpoint": Option(str, "run directory"),
    "member": Option(int, "which run of a sweep (column member of results.csv)"),
    "step": Option(str, "best on validation, latest, or a step", "best"),
    "workdir": Option(str, "where the pictures of the notes go, without --checkpoint (default: checkpoints/figures)"),
    "prompt": Option(str, "what the model reads (default: ROMEO: and a line, or the run's own prompt)"),
}
EXAMPLES = (
    "python -m experiments.figures --workdir=/tmp/pictures",
    "python -m experiments.figures --checkpoint=checkpoints/gpt_quick --prompt='ROMEO:' attention beam",
)
# What each figure of a model shows; the functions stand in experiments/figures/language_model.py.
OF_A_MODEL = {
    "attention": "where each token looks, a heat map for each layer and head",
    "temperature": "the next token's distribution at three temperatures",
    "top_k_top_p": "what top-k and top-p keep of it",
    "multinomial": "draws beside their probabilities",
    "beam": "the hypotheses of a beam search",
}
PROMPTS = ("ROMEO:\nO, she doth teach", "The name of the ")  # the first one that the vocabulary can spell


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake by the caller, with one line."""
    try:
        words = sys.argv[1:] if argv is None else argv
        of_a_run = any(word.startswith("--checkpoint") for word in words)
        named = any(not word.startswith("--") for word in words)
        names = (
            {*OF_A_MODEL, *recorded(), *own(words)}
            if named and of_a_run
            else set(OF_A_MODEL)
            if of_a_run
            else set(pictures())
        )
        of_models = [word for word in words if word in OF_A_MODEL]
        if of_models and not of_a_run:
            raise ValueError(f"{of_models[0]!r} is a figure of a language model; add --checkpoint=DIR")
        options = parse_options(words, OPTIONS, positional=sorted(names))
        if options["help"]:
            about = f"{(__doc__ or '').partition(chr(10) * 2)[2]}\n{listing()}"
            print(usage("python -m experiments.figures [--checkpoint=DIR] [NAME …]", about, OPTIONS, EXAMPLES))
            return 0
        for path in draw_pictures(options) if options["checkpoint"] is None else draw_all(options):
            print(f"figure: {path}")
    except (ValueError, RuntimeError) as error:
        return refuse(error, OPTIONS)
    return 0


def recorded() -> Sequence[str]:
    """Names of the figures that need no model, only what the run recorded."""
    from experiments.figures import FIGURES

    return tuple(FIGURES)


def own(words: Sequence[str]) -> Sequence[str]:
    """Names of the figures that the config file of the run brought; what is wrong with the run is told later."""
    from experiments.building.own_code import registry_of_run
    from experiments.run_directory.files import read_config

    given = next((word.partition("=")[2] for word in words if word.startswith("--checkpoint=")), "")
    held = read_config(user_path(given)) if given else None
    return () if held is None else tuple(registry_of_run(held).figures)


def pictures() -> dict[str, str]:
    """The pictures of the notes, with what they show."""
    from experiments.figures.course import PICTURES

    return {name: picture.what for name, picture in PICTURES.items()}


def listing() -> str:
    """Lists what can be drawn, one line each."""
    both = {"pictures of the notes": pictures(), "figures of a language model, with --checkpoint": OF_A_MODEL}
    width = max(len(name) for table in both.values() for name in table)
    lines = []
    for title, table in both.items():
        lines += [f"{title} (all of them unless named):"]
        lines += [f"  {name.ljust(width)}  {what}" for name, what in table.items()]
    return "\n".join(lines)


def draw_pictures(options: dict) -> list[Path]:
    """Draws pictures of the notes; returns the PNG files."""
    from experiments.figures.course import PICTURES

    for name in ("member", "prompt", "step"):
        if options[name] != OPTIONS[name].default:
            raise ValueError(f"--{name} has no effect without --checkpoint; give a run directory, or leave it out")
    chosen = options["workdir"]
    folder = user_path(chosen).resolve() if chosen else CHECKPOINTS / "figures"
    if folder.is_file():
        raise ValueError(f"--workdir={folder} is a file; name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise ValueError(f"--workdir={folder} cannot be written ({error.strerror}); choose another folder") from None
    return [save(PICTURES[name].draw(), folder / f"{name}.png") for name in options["positional"] or tuple(PICTURES)]


def draw_all(options: dict) -> list[Path]:
    """Draws the named figures; returns the PNG files."""
    if options["workdir"] is not None:
        raise ValueError("--workdir has no effect with --checkpoint: the figures go into the run's own folder")
    set_up_devices()
    from experiments.building.backbones import load_whole
    from experiments.building.own_code import registry_of_run
    from experiments.command_line.choices import choose
    from experiments.figures import FIGURES, draw
    from experiments.run_directory import stored_run
    from experiments.run_directory.files import entry
    from experiments.studies import drawable
    from experiments.trained import language_model

    named = options["positional"] or tuple(OF_A_MODEL)
    of_record = [name for name in named if name not in OF_A_MODEL]
    directory = user_path(options["checkpoint"]).resolve()
    held = stored_run.read_run(directory)
    task, registry = held["config"]["task"]["name"], registry_of_run(held)
    for name in of_record:
        choose(name, dict.fromkeys((*drawable(task, FIGURES), *registry.figures)), "figures")
    paths = draw(directory, of_record, registry.figures) if of_record else []
    if len(of_record) < len(named):
        stored = load_whole(directory, stored_run.parse_step(options["step"]), options["member"])
        for note in stored.notes:
            print(f"warning: {note}", file=sys.stderr)
        model = language_model.language_model(stored, registry)
        prompt = options["prompt"] if options["prompt"] is not None else default_prompt(model)
        suffix = "" if options["member"] is None else f"_member_{stored.member}"
        for name in named:
            if name in OF_A_MODEL:
                paths.append(
                    save(functions()[name](model, prompt), entry(directory, "figures") / f"{name}{suffix}.png")
                )
    return paths


def functions() -> dict[str, "Callable[[LanguageModel, str], Figure]"]:
    """The code of OF_A_MODEL."""
    from experiments.figures import language_model

    return {
        "attention": language_model.attention,
        "temperature": language_model.temperature,
        "top_k_top_p": language_model.top_k_top_p,
        "multinomial": language_model.multinomial,
        "beam": language_model.beam,
    }


def default_prompt(model: "LanguageModel") -> str:
    """The first prompt that the vocabulary can spell, or the run's own."""
    from experiments.building.prompts import encode_prompt

    for prompt in PROMPTS:
        try:
            encode_prompt(model.tokenizer, prompt)
        except ValueError:
            continue
        return prompt
    return model.stored.config.sample.prompt


def save(figure: "Figure", path: Path) -> Path:
    """Writes PNG and vector PDF."""
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150)
    figure.savefig(path.with_suffix(".pdf"))
    return path


if __name__ == "__main__":
    run_command(main)
