"""Overrides -> members -> groups with one structure -> populations. Each group is one compiled program."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep
from experiments.building.experiment import Experiment, Traced, build, members_of, set_hparams, trace
from experiments.building.fused_attention import check_fused_attention
from experiments.building.mesh import run_mesh
from experiments.building.ranges import check_ranges, ranges_of
from experiments.building.records import Registry
from experiments.building.registry import REGISTRY
from experiments.building.sources import check_seed
from experiments.caching import traced_programs
from experiments.caching.traced_programs import Store
from experiments.command_line import config_paths as dotted
from experiments.run_directory.places import held_places
from nn_core.training.population import Members

# Values that name or describe things and do not change the program.
NOT_STRUCTURE = ("name", "label", "seed", "num_seeds", "table", "figures", "log.tensorboard", "log.wandb")


SEEDS = "num_seeds"  # of a config: how many its sweep has


class Member(NamedTuple):
    """One run of a sweep.

    Attributes:
        number: its place in the sweep.
        overrides: what it changes.
        config: the resolved config.
    """

    number: int
    overrides: dict[str, Any]
    config: ConfigDict


class Group(NamedTuple):
    """Members that share a structure, and the experiment they share.

    Attributes:
        members: in the order of the sweep.
        experiment: built and traced, not compiled.
        traced: the functions of its populations, and the names of its results.
    """

    members: list[Member]
    experiment: Experiment
    traced: Traced


def check_one_source(config: ConfigDict, overrides: Mapping[str, Any]) -> None:
    """Raises ValueError where a member would read other data of one's own: the config is fitted to one file."""
    flat = dotted.flatten(config)
    other = next((place for place in held_places(flat) if overrides.get(place, flat[place]) != flat[place]), None)
    if other is not None:
        raise ValueError(
            f"config.{other} is one for all members, because the config is fitted to it; give each file a run of its own, "
            "and compare them by experiments.compare"
        )


GetSweep = Callable[[ConfigDict], Sweep]


def expand(
    config: ConfigDict, get_sweep: GetSweep | None, given: Mapping[str, str] = MappingProxyType({})
) -> list[Member]:
    """The members of a sweep; a single one without overrides if there is no sweep.

    Args:
        config: with what the command line sets.
        get_sweep: config -> overrides of each member.
        given: what the command line sets: "dotted.path" -> text.
    Raises:
        ValueError: an empty sweep, an override that does not fit the config, or a given key that the sweep sets for all.
    """
    check_ranges(
        ConfigDict({SEEDS: config.num_seeds}), {SEEDS: base.RUN[SEEDS].range}
    )  # before so many members are made
    sweep = [{}] if get_sweep is None else get_sweep(config)
    if not sweep:
        raise ValueError("get_sweep(config) returned no members")
    if not isinstance(sweep, Sequence) or not all(isinstance(overrides, Mapping) for overrides in sweep):
        raise ValueError("get_sweep(config) returned no list of dicts; return one, such as axis('seed', range(3))")
    check_seeds(config, get_sweep, sweep, given)
    if get_sweep is not None:
        check_swept(config, get_sweep, sweep, given)
    members = []
    for index, overrides in enumerate(sweep):
        try:
            check_one_source(config, overrides)
            members.append(Member(index, overrides, dotted.apply(config, overrides)))
        except ValueError as error:
            raise ValueError(f"sweep member {index} {overrides}: {error}") from error
    return members


def check_swept(config: ConfigDict, get_sweep: GetSweep, sweep: Sweep, given: Mapping[str, str]) -> None:
    """Raises ValueError for a given key that every member overrides, unless the sweep is made from it."""
    for key, text in given.items():
        if all(key in overrides for overrides in sweep) and not is_read(key, config, get_sweep, sweep):
            read = [f"--config.{other}" for other in dotted.flatten(config) if is_read(other, config, get_sweep, sweep)]
            fix = f", or change what it is made from: {', '.join(read)}" if read else ", or leave it out"
            raise ValueError(
                f"--config.{key}={text} has no effect, since the sweep sets {key} for every member; add --sweep=false for "
                f"one run with it{fix}"
            )


def check_seeds(config: ConfigDict, get_sweep: GetSweep | None, sweep: Sweep, given: Mapping[str, str]) -> None:
    """Raises ValueError where several seeds are asked for and there is one run, or a sweep that is not made from them."""
    if SEEDS not in given or config.num_seeds == 1 or get_sweep and is_read(SEEDS, config, get_sweep, sweep):
        return
    raise ValueError(
        f"--config.{SEEDS}={given[SEEDS]} has no effect, since {'the sweep does not read it' if get_sweep else 'this is one run'}; "
        f"leave it out, or let get_sweep of the config return axis('seed', range(config.{SEEDS}))"
    )


def is_read(key: str, config: ConfigDict, get_sweep: GetSweep, sweep: Sweep) -> bool:
    """Whether a sweep is made from a key: without the key it is another one, or none."""
    lacking = copy.deepcopy(config)
    with lacking.unlocked():
        section, name = dotted.section_of(lacking, key)
        del section[name]
        try:
            return get_sweep(lacking) != sweep
        except (AttributeError, KeyError):
            return True


def structure(config: ConfigDict) -> str:
    """What determines the program, as canonical JSON: everything but names and the values of hparams."""
    flat = dotted.flatten(config)
    key = {
        path: (value is not None) if path.startswith("hparams.") else value
        for path, value in flat.items()
        if path not in NOT_STRUCTURE
    }
    return json.dumps(key, sort_keys=True)


def group(members: list[Member], registry: Registry = REGISTRY, store: Store | None = None) -> list[Group]:
    """Groups members by structure and checks every one of them before anything is compiled.

    Args:
        members: of a sweep.
        registry: models and tasks by name.
        store: of traced programs; None: none are kept.
    Raises:
        ValueError: a member that cannot be built; the message names it.
    """
    by_structure: dict[str, list[Member]] = {}
    for member in members:
        by_structure.setdefault(structure(member.config), []).append(member)
    groups = []
    for same in by_structure.values():
        for member in same:
            with naming(member):
                check_ranges(member.config, ranges_of(member.config, registry))
                check_seed(member.config)
        with naming(same[0]):
            if len(same) > 1:
                check_no_mesh(same[0].config)
            check_fused_attention(same[0].config, len(same), jax.devices()[0].platform)
            mesh = run_mesh(same[0].config) if len(same) == 1 else None
            experiment = build(same[0].config, registry, mesh)
            _, rows = sizes(len(same), same[0].config.train.max_members, len(jax.local_devices()))
            traced = trace(
                experiment, set_hparams(same[0].config), rows, place_of(store, same[0].config, experiment, rows)
            )
            check_stream(experiment, len(same))
        groups.append(Group(same, experiment, traced))
    return groups


def place_of(store: Store | None, config: ConfigDict, experiment: Experiment, num_members: int) -> Path | None:
    """Where a structure's traced programs are kept; None if they depend on more than the config and the data."""
    streamed = experiment.corpus is not None and experiment.corpus.feed is not None
    loaded = config.transfer.source is not None
    if store is None or streamed or loaded or experiment.layout is not None:
        return None
    return traced_programs.place(store, structure(config), experiment.data, num_members)


def check_no_mesh(config: ConfigDict) -> None:
    """Raises ValueError if a population has a mesh for a single run: a population is split by its members."""
    section = config.mesh
    if section.data not in (None, 1) or section.fsdp != 1 or section.tensor != 1:
        raise ValueError(
            f"config.mesh ({show_mesh(section)}) splits one run, and a sweep is split by its members; "
            "leave it out, or run one member with --sweep=false"
        )


def show_mesh(section: ConfigDict) -> str:
    """`data=4, fsdp=2, tensor=1`."""
    return ", ".join(f"{axis}={section[axis]}" for axis in ("data", "fsdp", "tensor"))


def check_stream(experiment: Experiment, num_members: int) -> None:
    """Raises ValueError for a sweep over a text that is read from disk batch by batch, which serves only one run."""
    if num_members > 1 and experiment.corpus is not None and experiment.corpus.feed is not None:
        raise ValueError(
            f"config.data.name='token_file' feeds one run and these are {num_members}; "
            "start them one by one, or use a text that fits on the device (data.name='file')"
        )


@contextmanager
def naming(member: Member) -> Iterator[None]:
    """Prefixes errors raised inside the block with the member's overrides."""
    try:
        yield
    except ValueError as error:
        place = f"sweep member {member.number} {member.overrides}: " if member.overrides else ""
        raise ValueError(f"{place}{error}") from error


def parts(group: Group, max_members: int, num_devices: int) -> list[tuple[list[Member], Members]]:
    """Cuts a group into populations of one size that suits the devices; copies of the last member fill them up.

    Which members are together does not depend on the devices, so a sweep can continue with more or fewer of them.

    Args:
        group: the members.
        max_members: most members of one population.
        num_devices: the size is a multiple of this (or 1).
    Returns:
        [(the members, the population's keys and hparams)]; rows past the members are padding.
    """
    size, rows = sizes(len(group.members), max_members, num_devices)
    cut = []
    for start in range(0, len(group.members), size):
        members = group.members[start : start + size]
        padded = members + [members[-1]] * (rows - len(members))
        cut.append((members, members_of([member.config for member in padded])))
    return cut


def sizes(total: int, max_members: int, num_devices: int) -> tuple[int, int]:
    """Members of each population of a group, and rows of its arrays, padding included.

    >>> sizes(1, 100, 2), sizes(7, 100, 2), sizes(7, 3, 2)
    ((1, 1), (7, 8), (3, 4))
    """
    if total == 1:
        return 1, 1
    size = -(-total // -(-total // max_members))
    return size, -(-size // num_devices) * num_devices


def describe(groups: list[Group]) -> str:
    """One line: how many runs in how many programs on how many devices, and what these are."""
    runs = sum(len(group.members) for group in groups)
    sizes = sorted({len(group.members) for group in groups})
    each = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    each += " member" if sizes[-1] == 1 else " members"
    on = describe_devices(groups[0].traced.mesh.size if runs == 1 else len(jax.local_devices()))
    if runs == 1:
        return f"run: {on}"
    plural = "" if len(groups) == 1 else "s"
    return f"sweep: {runs} runs in {len(groups)} program{plural} ({each}{' each' if plural else ''}), {on}"


def describe_devices(count: int) -> str:
    """How many devices, and what they are.

    >>> describe_devices(1)
    '1 device (cpu)'
    """
    return f"{count} device{'' if count == 1 else 's'} ({jax.local_devices()[0].device_kind})"
