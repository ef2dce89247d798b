"""python -m experiments.predict --checkpoint=DIR FILE… [--top_k=3] [--fit] [--out=FILE] [--member=0] [--step=best]

Applies a trained run to new examples: PNG and JPEG images, a folder of them, the rows of a table, or, with a reward model,
pairs of answers or answers. Everything that it needs is in the run directory. In Python:

    predict("checkpoints/digits_cnn", ["seven.png"], member=0)  ->  [[{"label": "7", "score": 0.998}, …]]
    predict_table("checkpoints/houses", "rows.csv")  ->  a prediction for each row
    predict_rewards("checkpoints/reward_model", "pairs.jsonl", member=0)  ->  the scores of each line
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import refuse
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command
from experiments.command_line.written_file import check_one, write_table
from nn_core.files import user_path

if TYPE_CHECKING:  # which imports JAX
    from experiments.trained.reward_model import Scores

OPTIONS = {
    "checkpoint": Option(str, "run directory of an image classifier, of a run on a table, or of a reward model"),
    "member": Option(int, "which run of a sweep (column member of results.csv)"),
    "step": Option(str, "best on validation, latest, or a step", "best"),
    "top_k": Option(int, "how many classes of each image, >= 1 (default: all)"),
    "fit": Option(bool, "resize and convert images of another size or number of channels", False),
    "out": Option(str, "of a table or a reward model: the CSV file to write (default: the terminal)"),
    "separator": Option(str, "of a table that is written otherwise than the run's: between fields"),
    "encoding": Option(str, "likewise: of the text, such as cp1252"),
    "decimal": Option(str, "likewise: of numbers, . or ,"),
}
READING = ("separator", "encoding", "decimal")
ABOUT = """Classifies images (a line for each, with its path and the list of {label, score}, most probable first), all those of a
folder, or the rows of a CSV, TSV, Parquet or NPZ file: a CSV with the line, the prediction and the score of each class.
With a reward model it scores the lines of a JSONL file: of pairs (prompt, chosen, rejected) a CSV with the line, both scores,
their margin and the probability that the chosen answer is preferred; of answers (prompt and response, or messages, whose
last answer is judged) a CSV with the line and the score."""
EXAMPLES = (
    "python -m experiments.predict --checkpoint=checkpoints/digits_cnn --member=0 digit.png",
    "python -m experiments.predict --checkpoint=checkpoints/digits_cnn --member=0 --top_k=3 --fit photo.jpg",
    "python -m experiments.predict --checkpoint=checkpoints/houses --out=scores.csv new_houses.csv",
    "python -m experiments.predict --checkpoint=checkpoints/reward_model --member=0 --out=scores.csv pairs.jsonl",
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake by the caller, with one line."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, OPTIONS, positional=True)
        if options.pop("help"):
            print(
                usage("python -m experiments.predict --checkpoint=DIR FILE… [--name=value …]", ABOUT, OPTIONS, EXAMPLES)
            )
            return 0
        files, checkpoint, out = options.pop("positional"), options.pop("checkpoint"), options.pop("out")
        if checkpoint is None:
            raise ValueError(
                "--checkpoint is missing; give the run directory of an image classifier, of a table or of a reward model"
            )
        if not files:
            raise ValueError(
                "no file is given; name images, a folder of them, for a run on a table a CSV of new rows, or for a reward "
                "model a JSONL file"
            )
        check_top_k(options["top_k"])  # before the run is looked at
        set_up_devices()
        reading = {name: options.pop(name) for name in READING}
        if is_reward_model(checkpoint):
            write_rewards(checkpoint, files, out, options, reading)
            return 0
        if any(is_table(file) for file in files):
            write_scores(checkpoint, files, out, options, reading)
            return 0
        for name, value in {"out": out, **reading}.items():
            if value is not None:
                raise ValueError(f"--{name}={value} is for a table; leave it out for images")
        images = [image for file in files for image in expand(file)]
        for path, found in zip(images, predict(checkpoint, images, **options), strict=True):
            print(
                f"{path}: {json.dumps([one | {'score': round(one['score'], 6)} for one in found], ensure_ascii=False)}"
            )
    except (ValueError, RuntimeError, OSError) as error:
        return refuse(error, OPTIONS)
    return 0


def check_top_k(top_k: int | None) -> None:
    """Raises ValueError for a number of classes below 1."""
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} is below 1; use 1 or more, or leave it out")


def is_table(path: str) -> bool:
    """Whether a file is a table, judged by its suffix: one that is read, or one that is told how to become such."""
    from nn_core.data.table_file import INSTEAD, KINDS

    return path.lower().endswith((*KINDS, *INSTEAD))


def is_reward_model(checkpoint: str) -> bool:
    """Whether a run directory is that of a reward model.

    Raises:
        ValueError: it is none.
    """
    from experiments.run_directory.no_run import REWARDS
    from experiments.run_directory.stored_run import read_run

    return read_run(user_path(checkpoint).resolve())["config"]["task"]["name"] == REWARDS


def expand(path: str) -> list[str]:
    """The file itself, or the images of a folder and its sub-folders, in order.

    Raises:
        ValueError: a folder without images.
    """
    from nn_core.data.images import is_image_name

    folder = user_path(path)
    if not folder.is_dir():
        return [path]
    found = sorted(str(file) for file in folder.rglob("*") if file.is_file() and is_image_name(file.name))
    if not found:
        raise ValueError(f"the folder {path} has no PNG or JPEG image; give one that has")
    return found


def write_scores(
    checkpoint: str, files: Sequence[str], out: str | None, options: Mapping[str, Any], reading: Mapping[str, Any]
) -> None:
    """Writes a run's predictions for the rows of a table as CSV.

    Raises:
        ValueError: not exactly one file, options for images, a place that cannot be written, or whatever `predict_table`
            refuses.
    """
    check_one(files, "table", out, {name: options[name] for name in ("top_k", "fit")}, "images", checkpoint)
    told = predict_table(checkpoint, files[0], member=options["member"], step=options["step"], **reading)
    rows = []
    for place, (line, label) in enumerate(zip(told.lines, told.labels, strict=True)):
        scores = [] if told.scores is None else [f"{score:.6f}" for score in told.scores[place]]
        rows.append([line, label if told.classes else f"{label:.9g}", *scores])
    write_table(["line", "prediction", *(f"score {name}" for name in told.classes)], rows, out, "predictions")


def write_rewards(
    checkpoint: str, files: Sequence[str], out: str | None, options: Mapping[str, Any], reading: Mapping[str, Any]
) -> None:
    """Writes a reward model's scores of the lines of a JSONL file as CSV.

    Raises:
        ValueError: not exactly one file, options for others, a place that cannot be written, or whatever
            `predict_rewards` refuses.
    """
    others = {name: options[name] for name in ("top_k", "fit")} | dict(reading)
    check_one(files, "JSONL file", out, others, "images and tables", checkpoint)
    told = predict_rewards(checkpoint, files[0], member=options["member"], step=options["step"])
    if told.rejected_N is None:
        rows = [[line, f"{score:.6f}"] for line, score in zip(told.lines, told.chosen_N.tolist(), strict=True)]
        write_table(["line", "score"], rows, out, "scores")
        return
    header = ["line", "score chosen", "score rejected", "margin", "probability"]
    numbers = zip(told.chosen_N, told.rejected_N, told.margin_N, told.probability_N, strict=True)
    rows = [[line, *(f"{number:.6f}" for number in of)] for line, of in zip(told.lines, numbers, strict=True)]
    right = sum(float(margin > 0) + 0.5 * float(margin == 0) for margin in told.margin_N)
    write_table(header, rows, out, f"pairs, {right / len(rows):.1%} of them ordered as in the file")


class Told(NamedTuple):
    """What a run says of the rows of a table.

    Attributes:
        lines: line of each row in the file.
        labels: its most probable class, or its number.
        scores: (N, C) probability of each class; None for numbers.
        classes: their names; () for numbers.
    """

    lines: list[int]
    labels: list[Any]
    scores: Any
    classes: tuple[str, ...]


def predict_table(
    checkpoint: str | Path,
    path: str | Path,
    *,
    member: int | None = None,
    step: str = "best",
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> Told:
    """Predicts the target of a table's rows with a run that was trained on a similar table.

    Args:
        checkpoint: run directory.
        path: CSV, TSV, Parquet or NPZ file; its columns are found by their names, others are left out.
        member: its number in a sweep; None for a run that is none.
        step: "best" on validation, "latest", or the number of a step.
        separator, encoding, decimal: of a file that is written otherwise than the run's; None: as that one.
    Raises:
        ValueError: no such run, a run of another kind, or a row that cannot be read, in one line with row and column.
        CheckpointError: no such step, or none that is sound.
    """
    from experiments.building.memory import host_bytes
    from experiments.trained.table_model import load_table_model, predict_rows
    from nn_core.data.checks import check_choice
    from nn_core.data.table_file import read_table

    model = load_table_model(checkpoint, step, member)
    settings = model.stored.config.data.table
    separator, encoding = separator or settings.separator, encoding or settings.encoding
    try:
        if decimal is not None:
            check_choice("decimal", decimal, (".", ","))
            model = model._replace(scheme=model.scheme._replace(decimal=decimal))
        frame = read_table(path, separator=separator, encoding=encoding, memory=host_bytes(), columns=1)
        found = predict_rows(model, frame)
    except ValueError as error:  # what a run is told by its config is an option here
        raise ValueError(re.sub(rf"--config\.data\.table\.({'|'.join(READING)})", r"--\1", str(error))) from None
    for note in (*model.stored.notes, *found.warnings):
        print(f"warning: {note}", file=sys.stderr)
    return Told(frame.lines_N.tolist(), found.labels_N, found.scores_NC, found.classes)


def predict_rewards(
    checkpoint: str | Path, path: str | Path, *, member: int | None = None, step: str = "best"
) -> "Scores":
    """Scores the lines of a JSONL file with a reward model.

    Args:
        checkpoint: run directory.
        path: of pairs (prompt, chosen, rejected), or of answers (prompt and response, or messages).
        member: its number in a sweep; None for a run that is none.
        step: "best" on validation, "latest", or the number of a step.
    Raises:
        ValueError: no such run, a run of another kind, or what is wrong with which line.
        CheckpointError: no such step, or none that is sound.
    """
    from experiments.trained.reward_model import load_reward_model, score_file

    model = load_reward_model(checkpoint, step, member)
    found = score_file(model, path)
    for note in (*model.stored.notes, *found.warnings):
        print(f"warning: {note}", file=sys.stderr)
    return found


def predict(
    checkpoint: str | Path,
    images: Sequence[str | Path],
    *,
    member: int | None = None,
    step: str = "best",
    top_k: int | None = None,
    fit: bool = False,
) -> list[list[dict[str, Any]]]:
    """The classes of image files, most probable first. All files are read before anything is predicted.

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
    check_top_k(top_k)
    import numpy as np

    from experiments.trained.image_classifier import classify, load_classifier, read_for

    classifier = load_classifier(checkpoint, step, member)
    for note in classifier.stored.notes:
        print(f"warning: {note}", file=sys.stderr)
    return classify(classifier, np.stack([read_for(classifier, path, fit) for path in images]), top_k)


if __name__ == "__main__":
    run_command(main)
