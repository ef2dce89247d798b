"""Checks everything that a command needs before anything is compiled or written."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from experiments import studies
from experiments.building import own_data
from experiments.building.corpus import BITS
from experiments.building.mesh import plan_table
from experiments.building.ranges import check_name
from experiments.building.records import Kind, Registry
from experiments.building.registry import REGISTRY
from experiments.building.stage_checks import without_missing
from experiments.building.text_to_text import judged
from experiments.caching.traced_programs import Store
from experiments.command_line.arguments import Arguments
from experiments.command_line.choices import choose, nearest
from experiments.command_line.executors import requested
from experiments.execution.continuing import (
    check_directory,
    number_members,
    split_generations,
    sweep_of,
)
from experiments.execution.part import WHOLE, parse_part, share
from experiments.execution.rungs import check_search
from experiments.figures import FIGURES
from experiments.run_directory import files
from experiments.run_directory.extension import EXACT, RESCHEDULE
from experiments.studies import STUDIES
from experiments.studies.base import Study
from experiments.training import plan, tracking
from experiments.training.population import cut

# What result rows hold beside the final metrics.
OTHER_COLUMNS = {"steps", "best_step", "skipped", "gap", "gradients", "state_megabytes"}
RESUME = ("auto", "fresh", "never")


class Prepared(NamedTuple):
    """A command that has passed every check.

    Attributes:
        arguments: the command line.
        directory: where the run lives.
        groups: the members by structure, those of each command on their own; none for a study.
        generations: how many members came with each command.
        resume: what to do with a run that the directory holds: "auto" or "fresh".
        summary: what was read of data of one's own, a line each.
        part: which share of how many is to be trained.
        registry: models, tasks and the rest by name.
    """

    arguments: Arguments
    directory: Path
    groups: list[plan.Group]
    generations: tuple[int, ...]
    resume: str
    summary: tuple[str, ...] = ()
    part: tuple[int, int] = WHOLE
    registry: Registry = REGISTRY


def prepare(
    arguments: Arguments, directory: Path, registry: Registry = REGISTRY, store: Store | None = None
) -> Prepared:
    """Expands the sweep, builds and traces every group: all mistakes surface here, before any compilation.

    Args:
        arguments: the command line.
        directory: where the run lives, or will.
        registry: models and tasks by name.
        store: of traced programs; None: none are kept.
    Raises:
        ValueError: in one line, what is wrong and how to fix it.
    """
    arguments, summary = fitted(arguments, registry)
    config = arguments.config
    check_name(config.name)
    part = parse_part(arguments.options["part"])
    check_own_names(registry)
    known = {**STUDIES, **registry.studies} if registry.studies else STUDIES
    if part != WHOLE and config.task.name in known:
        raise ValueError(
            f"--part={arguments.options['part']} has no effect on a study, which is one program; leave it out"
        )
    if part != WHOLE and config.checkpoint.resume == "fresh":
        raise ValueError(
            f"--part={arguments.options['part']} and config.checkpoint.resume=fresh do not go together: it would put "
            "aside what the other parts have written; name a new --workdir"
        )
    if config.task.name in known:
        studies.check(config, known)
    elif "train" not in config:
        choose(config.task.name, known, "task.name")
    for name in config.figures:
        drawable = studies.drawable(config.task.name, FIGURES, known)
        choose(name, dict.fromkeys((*drawable, *registry.figures)), "figures")
    choose(config.checkpoint.resume, dict.fromkeys(RESUME), "checkpoint.resume")
    groups: list[plan.Group] = []
    generations: tuple[int, ...] = ()
    if config.task.name not in known:
        tracking.check(config)
        choose(config.checkpoint.extend, dict.fromkeys((EXACT, RESCHEDULE)), "checkpoint.extend")
        held = None if config.checkpoint.resume == "fresh" else files.read_config(directory)
        members, generations = number_members(plan.expand(config, arguments.get_sweep, arguments.overrides), held)
        if part != WHOLE and len(members) < 2:
            raise ValueError(f"--part={arguments.options['part']} is for a sweep, and this is one run; leave it out")
        check_adapters(members, arguments.overrides)
        groups = [
            group for part in split_generations(members, generations) for group in plan.group(part, registry, store)
        ]
        check_columns(config, groups)
        check_search(config, part, generations)
        share(cut(groups, directory, config, generations), part)
    check_jobs(arguments, groups)
    check_directory(arguments, directory, groups)
    return Prepared(arguments, directory, groups, generations, config.checkpoint.resume, summary, part, registry)


def check_own_names(registry: Registry) -> None:
    """Raises ValueError for a figure or study of one's own whose name is taken, or that is none."""
    for kind, own, known in (("figures", registry.figures, FIGURES), ("studies", registry.studies, STUDIES)):
        for name in own:
            if kind == "studies" and not isinstance(own[name], Study):
                raise ValueError(
                    f"{name!r} of studies is {type(own[name]).__name__}; give a Study of experiments.studies.base"
                )
            if name in known:
                raise ValueError(f"{name!r} is already the name of one of the {kind}; give yours another name")


def check_jobs(arguments: Arguments, groups: list[plan.Group]) -> None:
    """Raises ValueError where there is no sweep to make jobs of, or its members depend on each other."""
    if requested(arguments.options) is None:
        return
    given = f"--executor={arguments.options['executor']}"
    if len(sweep_of(groups)) < 2:
        raise ValueError(f"{given} is for a sweep, and this is a study or one run; leave it out")
    if arguments.config.search.rungs:
        raise ValueError(f"{given} makes jobs of shares, and a search by rungs compares all members; leave it out")


def fitted(arguments: Arguments, registry: Registry) -> tuple[Arguments, tuple[str, ...]]:
    """The command line with its config fitted to what it reads and starts from, and what the user should know of it."""
    config, lines = own_data.resolve(arguments.config, arguments.overrides, registry)
    config, more = without_missing(config, arguments.overrides)
    return arguments._replace(config=config), (*lines, *more)


def plan_text(prepared: Prepared) -> str:
    """Says where each array of a run lies or, for a sweep, how its members are spread."""
    if not prepared.groups:
        return "a study makes no use of config.mesh"
    layouts = [(group.traced.state, group.experiment.layout) for group in prepared.groups]
    tables = [plan_table(state, layout) for state, layout in layouts if layout is not None]
    whole = f"{plan.describe(prepared.groups)}; config.mesh splits nothing: every array lies whole on its device"
    return "\n\n".join(tables) or whole


def check_adapters(members: list[plan.Member], given: Collection[str]) -> None:
    """Raises ValueError for keys of config.lora that are given and that no member reads: all of the network would learn."""
    configs = [member.config for member in members]
    if any(key.startswith("lora.") for key in given) and all(config.hparams.lora_alpha is None for config in configs):
        rank = configs[0].lora.rank
        raise ValueError(
            "config.lora has no effect without config.hparams.lora_alpha: all of the network would learn; "
            f"set --config.hparams.lora_alpha={2 * rank}, or use a config without the section"
        )


def check_columns(config: ConfigDict, groups: list[plan.Group]) -> None:
    """Raises ValueError for a table column that no member has."""
    known = {name for group in groups for name in group.traced.results} | OTHER_COLUMNS
    corpora = [group.experiment.corpus for group in groups if group.experiment.corpus is not None]
    known |= {name for corpus in corpora for name in (*corpus.figures, BITS) if corpus.figures}
    known |= set(judged(config)) if "measures" in config.task else set()
    check_table(config.table, known)


def check_table(table: Collection[str], known: Collection[str]) -> None:
    """Raises ValueError for a column that is none of the known ones."""
    for column in table:
        if column not in known:
            hint = nearest(column, sorted(known)) or ";"
            raise ValueError(f"config.table names {column!r}{hint} there are: {', '.join(sorted(known))}")


def expected_columns(kind: Kind) -> set[str]:
    """The columns of a task that are known before the run that it starts from is there; none where that is unknown."""
    if not kind.measures:
        return set()
    return {f"{split}_{name}" for split in kind.splits for name in kind.measures} | {*kind.told, *OTHER_COLUMNS}
