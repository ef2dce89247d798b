"""python -m experiments.predict --checkpoint=DIR IMAGE… [--top_k=3] [--fit] [--member=0] [--step=best]

Classifies PNG and JPEG images with a trained classifier; all that it needs to know stands in the run directory. In Python:

    predict("checkpoints/digits_cnn", ["seven.png"], member=0)  ->  [[{"label": "7", "score": 0.998}, …]]
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import refuse
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command

OPTIONS = {
    "checkpoint": Option(str, "run directory of an image classifier"),
    "member": Option(int, "which run of a sweep (column member of results.csv)"),
    "step": Option(str, "best on validation, latest, or a step", "best"),
    "top_k": Option(int, "how many classes of each image, >= 1 (default: all)"),
    "fit": Option(bool, "resize and convert images of another size or number of channels", False),
}
ABOUT = "Classifies images: a line for each, with its path and the list of {label, score}, most probable first."
EXAMPLES = (
    "python -m experiments.predict --checkpoint=checkpoints/digits_cnn --member=0 digit.png",
    "python -m experiments.predict --checkpoint=checkpoints/digits_cnn --member=0 --top_k=3 --fit photo.jpg",
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake of the caller, told in one line."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, OPTIONS, positional=True)
        if options.pop("help"):
            print(
                usage(
                    "python -m experiments.predict --checkpoint=DIR IMAGE… [--name=value …]", ABOUT, OPTIONS, EXAMPLES
                )
            )
            return 0
        images, checkpoint = options.pop("positional"), options.pop("checkpoint")
        if checkpoint is None:
            raise ValueError("--checkpoint is missing; give the run directory of an image classifier")
        set_up_devices()
        for path, found in zip(images, predict(checkpoint, images, **options), strict=True):
            print(f"{path}: {json.dumps([one | {'score': round(one['score'], 6)} for one in found])}")
    except (ValueError, RuntimeError) as error:
        return refuse(error, OPTIONS)
    return 0


def predict(
    checkpoint: str | Path,
    images: Sequence[str | Path],
    *,
    member: int | None = None,
    step: str = "best",
    top_k: int | None = None,
    fit: bool = False,
) -> list[list[dict[str, Any]]]:
    """The classes of some image files, most probable first; all files are read before anything is predicted.

    Args:
        checkpoint: run directory of an image classifier.
        images: PNG or JPEG files, at least one.
        member: its number in a sweep; None for a run that is none.
        step: "best" on validation, "latest", or the number of a step.
        top_k: how many classes of each image, >= 1; None: all.
        fit: resize and convert images of another size or number of channels, instead of refusing them.
    Returns:
        For each image [{"label": name, "score": share}, …].
    Raises:
        ValueError: no such run, a run of another kind, no image, one of another size or number of channels.
        CheckpointError: no such step, or none that is sound.
    """
    if not images:
        raise ValueError("no image is given; name one or more PNG or JPEG files")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} is below 1; use 1 or more, or leave it out")
    import numpy as np

    from experiments.trained.image_classifier import classify, load_classifier, read_for

    classifier = load_classifier(checkpoint, step, member)
    for note in classifier.stored.notes:
        print(f"warning: {note}", file=sys.stderr)
    return classify(classifier, np.stack([read_for(classifier, path, fit) for path in images]), top_k)


if __name__ == "__main__":
    run_command(main)
