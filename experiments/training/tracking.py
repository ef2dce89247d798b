"""Runs where people look: event files of TensorBoard, and Weights & Biases; both are extras.

A single run is followed while it trains. The members of a sweep are written when it has ended, one after the other, each
as a run of its own with its hparams.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from experiments.command_line.config_paths import flatten
from experiments.command_line.output import say
from experiments.run_directory import results
from experiments.run_directory.files import entry
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import values

EVENTS, WANDB = "tensorboard", "wandb"  # folders in the run directory, and keys of config.log
SAMPLES, FIGURES = "samples", "figures"
OFFLINE = ("offline", "disabled", "dryrun")  # values of WANDB_MODE
LOGIN = "type `wandb login`, set WANDB_API_KEY, or set WANDB_MODE=offline to write it here alone"
IDENTITY = ("member", "step")  # of a logged row: no metrics
Log = Callable[[list[Row]], None]


def check(config: ConfigDict) -> None:
    """Raises ValueError where a tracker is asked for that is not installed, or that nobody has logged in to."""
    if config.log.tensorboard:
        summary_writer()
    if config.log.wandb:
        check_login(weights_and_biases())


def check_login(wandb: Any) -> None:
    """Raises ValueError where Weights & Biases would ask for a key, which a sweep would find out at its end."""
    if os.environ.get("WANDB_MODE") in OFFLINE:
        return
    try:
        known = bool(wandb.login(prompt=False))
    except TypeError:  # a version that knows no `prompt`
        known = wandb.api.api_key is not None
    except wandb.Error as error:
        raise ValueError(f"config.log.wandb: {error}; {LOGIN}") from None
    if not known:
        raise ValueError(f"config.log.wandb needs a login at Weights & Biases; {LOGIN}")


def refused(error: Exception) -> None:
    """Says that Weights & Biases failed; the run and its results stay what they are."""
    told = " ".join(str(error).split())
    say(f"warning: Weights & Biases refused ({told}); the run directory holds everything without it", sys.stderr)


def summary_writer() -> Any:
    """The class that writes event files. Raises ValueError where it is not installed."""
    try:
        from tensorboardX import SummaryWriter
    except ModuleNotFoundError:
        raise missing("tensorboard", "tensorboardX") from None
    return SummaryWriter


def weights_and_biases() -> Any:
    """The module wandb. Raises ValueError where it is not installed."""
    try:
        import wandb
    except ModuleNotFoundError:
        raise missing("wandb", "wandb") from None
    return wandb


def missing(extra: str, package: str) -> ValueError:
    """The error for an extra that is not installed."""
    return ValueError(f"config.log.{extra} needs the package {package}; pip install -e '.[{extra}]' brings it")


@contextmanager
def follow(config: ConfigDict, folder: Path, step: int) -> Iterator[Log]:
    """Follows a single run while it trains: what to call with each batch of logged rows.

    Args:
        config: of the run.
        folder: the run directory.
        step: where the run begins or goes on; what was written after it is not shown any more.
    """
    with ExitStack() as stack:
        writers = [stack.enter_context(event_writer(folder, "", step))] if config.log.tensorboard else []
        open_runs = [stack.enter_context(followed(config, folder))] if config.log.wandb else []

        def log(rows: list[Row]) -> None:
            for writer in writers:
                for row in rows:
                    write_row(writer, row)
                writer.flush()
            for tracked in filter(None, open_runs):
                for row in rows:
                    log_row(tracked, row)

        yield log


@contextmanager
def followed(config: ConfigDict, folder: Path) -> Iterator[Any]:
    """The run of a run directory at Weights & Biases, None where it refuses; one that goes on is the same run there.

    It stays open when the training has ended, because figures and the table come later: see `upload`.
    """
    before = sorted(path.name for path in entry(folder, "wandb").glob("*run-*"))  # by the time of their beginning
    known = {"id": before[-1].rpartition("-")[2], "resume": "allow"} if before else {}
    tracked = None
    try:
        tracked = opened(config, folder, config.name, {}, **known)
    except weights_and_biases().Error as error:
        refused(error)
    try:
        yield tracked
    except BaseException:
        if tracked is not None:
            tracked.finish(exit_code=1)
        raise


def opened(config: ConfigDict, folder: Path, name: str, overrides: Mapping[str, Any], **known: str) -> Any:
    """A run at Weights & Biases, in the project of the config and the group of the run directory."""
    about = {path: plain(value) for path, value in (flatten(config) | dict(overrides)).items()}
    return weights_and_biases().init(
        project=config.name, group=folder.name, name=name, dir=str(folder), config=about, **known
    )


def log_row(tracked: Any, row: Row) -> None:
    """The numbers of a logged row."""
    tracked.log({name: value for name, value in row.items() if name not in IDENTITY}, step=row["step"])


@contextmanager
def event_writer(folder: Path, name: str, step: int | None = None) -> Iterator[Any]:
    """An open writer of event files; the files lie in the folder "tensorboard" of the run directory."""
    place = entry(folder, EVENTS) / name
    # Files are named by the second: without a number of its own a writer would overwrite the one before it.
    suffix = f".{len(list(place.glob('events.*'))):04d}"
    writer = summary_writer()(str(place), purge_step=step or None, filename_suffix=suffix)
    try:
        yield writer
    finally:
        writer.close()


def write_row(writer: Any, row: Row) -> None:
    """The numbers of a logged row."""
    for name, value in row.items():
        if name not in IDENTITY and isinstance(value, (int, float)) and not isinstance(value, bool):
            writer.add_scalar(name, value, row["step"])


def write_end(run: Results, config: ConfigDict, figures: Sequence[Path], known: Sequence[str] = ()) -> None:
    """Writes what is known at the end: members of a sweep with their hparams, figures, samples.

    Args:
        run: as its directory holds it.
        config: of the run.
        figures: PNG files.
        known: the trackers, EVENTS and WANDB, that have it already.
    """
    if config.log.tensorboard and EVENTS not in known:
        write_events(run, figures)
    if config.log.wandb and WANDB not in known:
        try:
            upload(run, config, figures)
        except weights_and_biases().Error as error:
            refused(error)


def write_late(directory: Path, config: ConfigDict) -> None:
    """Writes a run that has ended for the trackers that are asked for only now."""
    known = [name for name in (EVENTS, WANDB) if entry(directory, name).is_dir()]
    if config.log.tensorboard and EVENTS not in known or config.log.wandb and WANDB not in known:
        write_end(results.read(directory), config, sorted((directory / FIGURES).glob("*.png")), known)


def write_events(run: Results, figures: Sequence[Path]) -> None:
    """The end of a run as event files; of a single run also what it logged, unless it was followed."""
    alone = len(run.rows) == 1
    late = alone and not entry(run.directory, EVENTS).is_dir()
    for row in () if alone else run.rows:
        for path in (entry(run.directory, EVENTS) / member_name(row)).glob("events.*"):
            path.unlink()  # of a sweep that has got longer or larger since
        with event_writer(run.directory, member_name(row)) as writer:
            for logged in logged_of(run, row):
                write_row(writer, logged)
            write_hparams(writer, hparams_of(row), results_of(row))
    with event_writer(run.directory, "") as writer:
        for logged in run.metrics if late else ():
            write_row(writer, logged)
        last = max((row["step"] for row in run.metrics), default=0)
        for path in figures:
            writer.add_image(f"figures/{path.stem}", image_of(path), last, dataformats="HWC")
        for step, text in samples_of(run.directory):
            writer.add_text("sample", f"```\n{text}\n```", step)


def member_name(row: Row) -> str:
    """The folder of a member of a sweep."""
    return f"member_{row['member']:04d}"


def write_hparams(writer: Any, hparams: dict[str, Any], ended: Mapping[str, float]) -> None:
    """The hparams of a run and what it ended with, for TensorBoard's hparams page.

    `add_hparams` of the library opens a second file, which in the same folder and second is the same file twice.
    """
    from tensorboardX.summary import hparams as summaries

    for summary in summaries(hparams, dict(ended)):
        writer.file_writer.add_summary(summary)
    for name, value in ended.items():
        writer.add_scalar(name, value)


def upload(run: Results, config: ConfigDict, figures: Sequence[Path]) -> None:
    """The end of a run, or the members of a sweep, to Weights & Biases, offline where WANDB_MODE=offline says so."""
    wandb = weights_and_biases()
    for row in run.rows:
        with wandb.run or begun(run, config, row) as tracked:
            tracked.summary.update(results_of(row))
            if row is run.rows[0]:
                tracked.log({f"figures/{path.stem}": wandb.Image(str(path)) for path in figures})
                for step, text in samples_of(run.directory):
                    tracked.log({"sample": wandb.Html(f"<pre>{text}</pre>", inject=False), "sample_step": step})


def begun(run: Results, config: ConfigDict, row: Row) -> Any:
    """A member of a sweep as a run of its own, with what it has logged."""
    name = config.name if len(run.rows) == 1 else f"{config.name} {row['member']}"
    tracked = opened(config, run.directory, name, row["overrides"])
    for logged in logged_of(run, row):
        log_row(tracked, logged)
    return tracked


def logged_of(run: Results, row: Row) -> list[Row]:
    """The logged rows of a member, step by step."""
    return sorted((one for one in run.metrics if one["member"] == row["member"]), key=lambda one: one["step"])


def hparams_of(row: Row) -> dict[str, Any]:
    """What a member changes, its seed and its label."""
    named = {"label": row["label"]} if row.get("label") else {}
    return {path: plain(value) for path, value in (values(row) | {"seed": row.get("seed", 0)} | named).items()}


def results_of(row: Row) -> Mapping[str, float]:
    """The numbers that a member ended with."""
    skip = ("member", "seed")
    return {
        f"final/{name}": float(value)
        for name, value in row.items()
        if name not in skip and isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def plain(value: Any) -> Any:
    """A config's value as trackers take it."""
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def image_of(path: Path) -> np.ndarray:
    """A picture as (H, W, 3) bytes."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def samples_of(directory: Path) -> list[tuple[int, str]]:
    """(step, text) of the samples that a run wrote."""
    paths = sorted((directory / SAMPLES).glob("*.txt"))
    return [(int(path.stem), path.read_text(encoding="utf-8")) for path in paths if path.stem.isdecimal()]
