"""Several configs as one command: each stage starts from the run of the one before it, and all end on one page.

A stage is an ordinary run in a folder of its own, so it is resumed, sampled and looked at like any other.
"""

import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from experiments import studies
from experiments.building.experiment import check_values
from experiments.building.ranges import check_name
from experiments.command_line.arguments import CONFIGS, OPTIONS, Arguments, parse
from experiments.command_line.choices import choose
from experiments.command_line.config_paths import flatten
from experiments.command_line.output import say
from experiments.execution.begin import begin
from experiments.execution.execute import execute
from experiments.execution.prepare import RESUME, check_table, expected_columns, prepare
from experiments.figures import FIGURES, draw
from experiments.run_directory import files, results, table
from experiments.run_directory.lock import hold
from experiments.run_directory.results import Row
from experiments.studies import STUDIES
from experiments.trained.side_by_side import answers_text
from experiments.training import plan

CHAIN = "chain"  # config.task.name
ANSWERS = ("answers", "start_answers")  # arrays of a stage's results that the page shows
DRAWN = ("alignment", "frontier", "comparison", "side_by_side")  # figures of several stages
KEYS = {"name", "stages", "changes"}
SHARED = ("task.name", "seed", "num_seeds", "task.stages")  # what every stage of a directory has been begun with


def is_chain(config: ConfigDict) -> bool:
    """Whether a config is a list of other configs."""
    return config.task.name == CHAIN


def run_chain(arguments: Arguments, directory: Path) -> int:
    """Runs the stages in their order; a finished one is only read.

    Args:
        arguments: of the command, which `check_chain` has let pass.
        directory: gets a folder for each stage, and the page.
    Returns:
        The exit code: that of the first stage that did not come to its end, or 0.
    Raises:
        ValueError: the directory holds another chain, or a stage is refused.
    """
    config = arguments.config
    clear(config, directory)
    directory.mkdir(parents=True, exist_ok=True)
    files.write_config(directory, config.to_dict(), overrides=arguments.overrides, sweep=())
    files.write_status(directory, "running")
    for name, *_ in config.task.stages:
        say(f"== {name}")
        try:
            code = run_stage(stage_words(config, directory, name), directory / name)
        except ValueError as error:
            files.write_status(directory, "failed")
            raise ValueError(f"stage {name}: {error}") from None
        if code:
            files.write_status(directory, "failed" if code < 128 else "interrupted")
            print(f"stage {name} did not come to its end; the same command goes on from there", file=sys.stderr)
            return code
    rows = stage_rows(config, directory)
    results.write_rows(directory / results.RESULTS, rows)
    say(table.report(rows, config.table))
    say(write_answers(directory))
    for path in draw(directory, config.figures):
        say(f"figure: {path}")
    files.write_status(directory, "finished")
    say(f"results: {directory}")
    return 0


def clear(config: ConfigDict, directory: Path) -> None:
    """Lets a chain begin or go on in a directory; what it holds of another kind is put aside where a fresh start is wanted.

    Changes of single stages are left to the stages: a finished one refuses them, and one that a mistake has stopped goes
    on when it is mended.

    Raises:
        ValueError: the directory holds another run.
    """
    held = files.read_config(directory)
    if held is None:
        return
    fresh, before = config.checkpoint.resume == "fresh", flatten(held["config"])
    if fresh and before.get("task.name") != CHAIN:
        files.set_aside(directory)
    after = flatten(files.decode(files.encode(config.to_dict())))
    for key in () if fresh else SHARED:
        if before.get(key) != after[key]:
            raise ValueError(
                f"{directory} holds a run with another config.{key}, {files.show(before.get(key))} and not "
                f"{files.show(after[key])}; choose another --workdir, or --config.checkpoint.resume=fresh"
            )


def run_stage(words: Sequence[str], directory: Path) -> int:
    """Runs one stage, or reads it where it is finished; its exit code."""
    started = time.perf_counter()
    arguments = parse(words, OPTIONS)
    assert arguments is not None
    with contextlib.ExitStack() as stack:
        known = directory.is_dir()
        if known:
            stack.enter_context(hold(directory))
        prepared = prepare(arguments, directory)
        if not known:  # a stage that is refused leaves no folder behind
            stack.enter_context(hold(directory))
        code = begin(prepared)
        return execute(prepared, started) if code is None else code


def check_chain(arguments: Arguments, directory: Path) -> None:
    """Checks every stage before the first one is trained.

    Raises:
        ValueError: options that a chain does not read, a stage that is not a config or starts from one that comes later,
            changes of a stage that is not there, or any value of any stage.
    """
    config, defaults = arguments.config, {name: option.default for name, option in OPTIONS.items()}
    if arguments.options["plan"] or arguments.options["dry_run"]:
        raise ValueError("--plan and --dry_run tell of one run; give them with the config of a stage")
    for name, value in arguments.options.items():
        if name in defaults and name != "workdir" and value != defaults[name]:
            raise ValueError(
                f"--{name}={value} has no effect on {config.name}, whose stages are runs one after the other; leave it "
                "out, or give it with the config of a stage"
            )
    check_order(config)
    choose(config.checkpoint.resume, dict.fromkeys(RESUME), "checkpoint.resume")
    for figure in config.figures:
        choose(figure, dict.fromkeys(DRAWN), "figures")
    columns = []
    for name, *_ in config.task.stages:
        try:
            columns.append(check_stage(parse(stage_words(config, directory, name), OPTIONS)))
        except ValueError as error:
            raise ValueError(f"stage {name}: {error}") from None
    if all(columns):
        check_table(config.table, set().union(*columns))


def check_stage(arguments: Arguments | None) -> set[str]:
    """The columns that a stage will have; none where they are not known.

    Raises:
        ValueError: what can be judged before the run that it starts from is there.
    """
    assert arguments is not None
    config = arguments.config
    if config.task.name in STUDIES:
        studies.check(config)
        return set(STUDIES[config.task.name].columns)
    if "train" not in config:
        raise ValueError(f"task {config.task.name!r} cannot be a stage; name the config of a training run or a study")
    for member in plan.expand(config, arguments.get_sweep, arguments.overrides):
        kind, _ = check_values(member.config)
    for figure in config.figures:
        choose(figure, FIGURES, "figures")
    if columns := expected_columns(kind):
        check_table(config.table, columns)
    return columns


def check_order(config: ConfigDict) -> None:
    """Raises ValueError for stages that cannot be run in their order."""
    check_name(config.name)
    if set(config.task) != KEYS:
        raise ValueError(
            f"config.task of a chain has the keys {', '.join(sorted(KEYS))}; this one has {list(config.task)}"
        )
    known: list[str] = []
    for name, *keys in config.task.stages:
        if not (CONFIGS / f"{name}.py").is_file():
            raise ValueError(f"config.task.stages names {name!r}, and there is no configs/{name}.py")
        for key in keys:
            _, _, before = key.partition("=")
            if before not in known:
                raise ValueError(f"config.task.stages: {name} needs {before!r} ({key}), which does not come before it")
        known.append(name)
    for change in config.task.changes:
        if change.partition(".")[0] not in known:
            raise ValueError(f"config.task.changes holds {change!r}; begin it with a stage: {', '.join(known)}")


def stage_words(config: ConfigDict, directory: Path, name: str) -> list[str]:
    """The command line of a stage; one run has a seed, a sweep a number of them."""
    keys = next(keys for stage, *keys in config.task.stages if stage == name)
    words = [f"--config={CONFIGS / name}.py", f"--workdir={directory / name}"]
    words += [f"--config.{key.partition('=')[0]}={directory / key.partition('=')[2]}" for key in keys]
    alone = parse(words[:1], OPTIONS)
    key = "seed" if alone is None or alone.get_sweep is None else "num_seeds"
    words.append(f"--config.{key}={config[key]}")
    words.append(f"--config.checkpoint.resume={config.checkpoint.resume}")
    return words + [
        f"--config.{rest}"
        for stage, _, rest in (change.partition(".") for change in config.task.changes)
        if stage == name
    ]


def stage_rows(config: ConfigDict, directory: Path) -> list[Row]:
    """The results of all stages, each labelled "STAGE: setting"."""
    rows: list[Row] = []
    for name, *_ in config.task.stages:
        for row in results.read(directory / name).rows:
            label = f"{name}: {row['label']}" if row["label"] else name
            kept: dict[str, Any] = {
                key: value for key, value in row.items() if not results.is_array(value) or key in ANSWERS
            }
            rows.append(kept | {"member": len(rows), "label": label})
    return rows


def write_answers(directory: Path) -> str:
    """answers.txt: the same questions and what each stage answers, side by side; returns its text."""
    text = answers_text(results.read(directory))
    (directory / "answers.txt").write_text(text + "\n", encoding="utf-8", newline="\n")
    return text
