"""Whether a command may continue the run in its directory: the same run, a longer one, or a sweep with more members."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.building.digests import digest_of
from experiments.command_line.arguments import Arguments
from experiments.run_directory import files
from experiments.run_directory.extension import STEPS, check_longer, is_longer
from experiments.run_directory.files import HELD
from experiments.training.plan import Group, Member
from nn_core.transfer.lora import BASE

SWEEP, GENERATIONS = "sweep", "generations"  # of config.json: overrides of all members; how many came with each command


def number_members(members: list[Member], held: Mapping[str, Any] | None) -> tuple[list[Member], tuple[int, ...]]:
    """Numbers members as the directory does: members that it holds keep their numbers, new ones come after them.

    Args:
        members: in the order of the sweep.
        held: config.json of the directory, or None.
    Returns:
        (the members by number, how many came with each command). If the directory holds a member that the sweep lacks,
        the numbers stay as they are, and the check of the directory refuses it.
    """
    if held is None:
        return members, (len(members),)
    before = [name_of(overrides) for overrides in held[SWEEP]]
    named = {name_of(files.decode(files.encode(member.overrides, SWEEP))): member for member in members}
    if len(named) < len(members) or not set(before) <= set(named):
        return members, (len(members),)
    new = [name for name in named if name not in set(before)]
    numbered = [named[name]._replace(number=number) for number, name in enumerate([*before, *new])]
    generations = tuple(held.get(GENERATIONS, (len(before),)))
    return numbered, (*generations, len(new)) if new else generations


def name_of(overrides: Mapping[str, Any]) -> str:
    """The overrides of a member as one text that does not depend on their order."""
    return json.dumps(overrides, sort_keys=True)


def split_generations(members: Sequence[Member], generations: Sequence[int]) -> list[list[Member]]:
    """The members that came with each command."""
    parts, start = [], 0
    for size in generations:
        parts.append(list(members[start : start + size]))
        start += size
    return parts


def check_directory(arguments: Arguments, directory: Path, groups: list[Group]) -> None:
    """Raises ValueError if the directory holds another run, or one that must not be continued."""
    config = arguments.config
    held = None if config.checkpoint.resume == "fresh" else files.read_config(directory)
    if held is None:
        return
    if config.checkpoint.resume == "never":
        raise ValueError(
            f"{directory} holds a run and config.checkpoint.resume is 'never'; choose another --workdir, or resume=auto"
        )
    changes = files.compare(held["config"], files.decode(files.encode(config.to_dict())))
    changed = changes.structure | changes.values
    before, after = held[SWEEP], files.decode(files.encode(sweep_of(groups), SWEEP))
    if len(before) > len(after):
        changed["sweep members"] = (len(before), len(after))
    different = [number for number, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]]
    if different:
        changed[f"sweep member {different[0]}"] = (before[different[0]], after[different[0]])
    grows = bool(groups) and is_longer(changed)
    if changed and not (grows and set(changed) == {STEPS}):  # what another config is, no way to go on can mend
        raise ValueError(files.refusal(directory, changed))
    for group in groups if grows else ():
        if STEPS not in group.members[0].overrides:
            check_longer(changed, group.members[0].config.to_dict())
    check_held(directory, held.get(HELD, {}), held_models(groups))


def held_models(groups: list[Group]) -> dict[str, str]:
    """Digests of the trained models that the runs hold as data: "GROUP NAME" -> sha256."""
    found: dict[str, str] = {}
    for place, group in enumerate(groups):
        corpus, data = group.experiment.corpus, group.experiment.data
        held = {} if corpus is None else dict(corpus.held)
        if BASE in data:  # what adapters are learned over
            held[BASE] = digest_of(data[BASE])
        found |= {f"{place} {name}": digest for name, digest in held.items()}
    return found


def check_held(directory: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raises ValueError where a model that a run holds beside its own, such as its reference, has changed on the disk."""
    for name, digest in now.items():
        if before.get(name, digest) != digest:
            raise ValueError(
                f"{directory} was begun with another {name.split()[1].removesuffix('_params')} model: the run that it "
                f"holds was trained again (sha256 {before[name][:12]}…, now {digest[:12]}…); restore it, or begin anew "
                "with --config.checkpoint.resume=fresh"
            )


def sweep_of(groups: list[Group]) -> tuple:
    """The overrides of every member in the order of their numbers."""
    members = sorted((member for group in groups for member in group.members), key=lambda member: member.number)
    return tuple(member.overrides for member in members)
