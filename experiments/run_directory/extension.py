"""Making a run longer: when the result equals, bit for bit, a run that had that length from the start."""

from collections.abc import Mapping
from typing import Any

from experiments.command_line.config_paths import flatten

STEPS = "train.steps"
KNOW_THE_END = ("linear", "cosine")  # schedules whose rate at every step depends on the length of the run
EXACT, RESCHEDULE = "exact", "reschedule"


def is_longer(changed: Mapping[str, tuple[Any, Any]]) -> bool:
    """Whether the number of steps was raised."""
    before, after = changed.get(STEPS, (0, 0))
    return isinstance(before, int) and isinstance(after, int) and before < after


def check_longer(changed: Mapping[str, tuple[Any, Any]], config: Mapping[str, Any]) -> None:
    """Checks that a run may be made longer, if its number of steps was raised.

    Args:
        changed: {"dotted.path": (old, new)}.
        config: the new config of a member.
    Raises:
        ValueError: the longer run would differ from one that had that length from the start, and the config does not allow it.
    """
    flat = flatten(config)
    if not is_longer(changed) or flat.get("checkpoint.extend", EXACT) == RESCHEDULE:
        return
    before, after = changed[STEPS]
    hint = "--config.checkpoint.extend=reschedule goes on all the same, --config.checkpoint.resume=fresh begins again"
    if flat["schedule.name"] in KNOW_THE_END:
        raise ValueError(
            f"{STEPS} {before} -> {after}: schedule {flat['schedule.name']!r} ended at step {before}, and a run of {after} "
            f"steps has another rate from the start; {hint}"
        )
    for every in ("train.eval_every", "train.log_every"):
        if before % flat[every]:
            raise ValueError(
                f"{STEPS} {before} -> {after}: the run evaluated and logged at its end, which is not a multiple of "
                f"{every}={flat[every]}, and a run of {after} steps does not; {hint}"
            )
