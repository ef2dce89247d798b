"""python -m experiments.figures --checkpoint=DIR [--prompt=TEXT] [NAME …]

Draws figures of a run into its figures/ folder: of what its model does with a prompt, and again those of its record.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.options import Option, parse_options, usage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.restored import LanguageModel

OPTIONS = {
    "checkpoint": Option(str, "run directory"),
    "member": Option(int, "which run of a sweep (column member of results.csv)"),
    "step": Option(str, "best on validation, latest, or a step", "best"),
    "prompt": Option(str, "what the model reads (default: ROMEO: and a line, or the run's own prompt)"),
}
# What each figure of a model shows; the functions stand in experiments/figures/generation.py.
OF_A_MODEL = {
    "attention": "where each token looks, a heat map for each layer and head",
    "temperature": "the next token's distribution at three temperatures",
    "top_k_top_p": "what top-k and top-p keep of it",
    "multinomial": "draws beside their probabilities",
    "beam": "the hypotheses of a beam search",
}
PROMPTS = ("ROMEO:\nO, she doth teach", "The name of the ")  # the first one that the vocabulary can spell


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake of the caller, told in one line."""
    try:
        words = sys.argv[1:] if argv is None else argv
        names = {*OF_A_MODEL, *recorded()} if any(not word.startswith("--") for word in words) else set(OF_A_MODEL)
        options = parse_options(words, OPTIONS, positional=sorted(names))
        if options["help"] or not words:
            print(usage("python -m experiments.figures --checkpoint=DIR [--prompt=TEXT] [NAME …]", listing(), OPTIONS))
            return 0
        if options["checkpoint"] is None:
            raise ValueError("--checkpoint is missing; give a run directory")
        for path in draw_all(options):
            print(f"figure: {path}")
    except (ValueError, RuntimeError) as error:
        from nn_core.training.manifest import CheckpointError

        if not isinstance(error, (ValueError, CheckpointError)):
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def recorded() -> Sequence[str]:
    """Names of the figures that need no model, only what the run recorded."""
    from experiments.figures import FIGURES

    return tuple(FIGURES)


def listing() -> str:
    """The figures of a model, one line each."""
    width = max(map(len, OF_A_MODEL))
    lines = [f"  {name.ljust(width)}  {what}" for name, what in OF_A_MODEL.items()]
    return "\n".join(["figures of a language model (all of them unless named):", *lines])


def draw_all(options: dict) -> list[Path]:
    """Draws what is asked for; returns the PNG files."""
    from experiments.run import set_up_devices

    set_up_devices()
    from experiments import restored
    from experiments.figures import FIGURES, draw
    from experiments.overrides import choose
    from experiments.studies import drawable

    named = options["positional"] or tuple(OF_A_MODEL)
    of_record = [name for name in named if name not in OF_A_MODEL]
    directory = Path(options["checkpoint"]).expanduser().absolute()
    task = restored.read_run(directory)["config"]["task"]["name"]
    for name in of_record:
        choose(name, dict.fromkeys(drawable(task, FIGURES)), "figures")
    paths = draw(directory, of_record) if of_record else []
    if len(of_record) < len(named):
        stored = restored.load(directory, restored.parse_step(options["step"]), options["member"])
        for note in stored.notes:
            print(f"warning: {note}", file=sys.stderr)
        model = restored.language_model(stored)
        prompt = options["prompt"] if options["prompt"] is not None else default_prompt(model)
        suffix = "" if options["member"] is None else f"_member_{stored.member}"
        for name in named:
            if name in OF_A_MODEL:
                paths.append(save(functions()[name](model, prompt), directory / "figures" / f"{name}{suffix}.png"))
    return paths


def functions() -> dict[str, "Callable[[LanguageModel, str], Figure]"]:
    """The code of OF_A_MODEL."""
    from experiments.figures import generation

    return {
        "attention": generation.attention,
        "temperature": generation.temperature,
        "top_k_top_p": generation.top_k_top_p,
        "multinomial": generation.multinomial,
        "beam": generation.beam,
    }


def default_prompt(model: "LanguageModel") -> str:
    """The first prompt that the vocabulary can spell, or the run's own."""
    from experiments.texts import encode_prompt

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
    sys.exit(main())
