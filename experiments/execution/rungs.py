"""Whether a search by rungs (successive halving) can be run."""

from collections.abc import Sequence

from ml_collections import ConfigDict


def check_search(config: ConfigDict, part: tuple[int, int], generations: Sequence[int]) -> None:
    """Raises ValueError for a search that cannot be run."""
    rungs, steps = config.search.rungs, config.train.steps
    if not rungs:
        return
    if list(rungs) != sorted(set(rungs)) or not all(isinstance(one, int) and 0 < one < steps for one in rungs):
        raise ValueError(f"config.search.rungs={rungs} must be rising whole numbers between 0 and train.steps={steps}")
    for one in rungs:
        if one % config.train.eval_every or one % config.train.log_every:
            raise ValueError(
                f"config.search.rungs={rungs}: {one} is not a multiple of train.eval_every={config.train.eval_every} and "
                f"train.log_every={config.train.log_every}; choose steps at which members are evaluated"
            )
    if config.schedule.name in ("linear", "cosine"):
        raise ValueError(f"config.search.rungs does not go with schedule {config.schedule.name!r}, which knows the end")
    if part != (1, 1) or len(generations) > 1:
        raise ValueError("a search by rungs compares all members; run it whole, without --part and without new members")
