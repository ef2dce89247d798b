"""What can be said of a stage before the run that it starts from is there: mistakes in its values, names of its results."""

from collections.abc import Collection

from ml_collections import ConfigDict

from experiments.command_line.choices import choose
from nn_core.alignment.adaptive_kl import MOST
from nn_core.alignment.dpo import DPO_LOSSES
from nn_core.alignment.experience import GRPO, LEARNED, PPO, TRUE
from nn_core.alignment.grpo import WEIGHTS
from nn_core.alignment.heads import POOLINGS
from nn_core.alignment.kl import KL_ESTIMATORS

REWARDS = {LEARNED: "a trained reward model", TRUE: "the hidden rule of the small world"}
# Numbers of the last evaluation, of each split that a task is judged on.
ANSWERS = ("loss", "exact")
PAIRS = ("loss", "accuracy", "chosen_score", "rejected_score")
DIRECT = ("loss", "accuracy", "margin", "chosen", "rejected", "chosen_moved", "rejected_moved")
DRAWN = ("loss", "reward", "kl", "length", "ended", "true_reward", "right")
START = "start_exact"  # what the model that fine-tuning starts from answers right
# Numbers of the end, beside the reference, where the hidden rule is known.
BESIDE = (
    *("true_reward", "right", "kl", "length", "ended", "win_rate"),
    *("reference_true_reward", "reference_right", "reference_length"),
)
BEST = (
    *("best_of_4_true_reward", "best_of_16_true_reward", "reference_reward", "reference_reward_std"),
    *("reference_true_std", "learned_gain", "true_gain", "overstated"),
)


def check_reward_model(config: ConfigDict) -> None:
    """Raises ValueError for an unknown place of the score."""
    choose(config.task.pooling, POOLINGS, "task.pooling")


def check_dpo(config: ConfigDict) -> None:
    """Raises ValueError for an unknown loss."""
    choose(config.task.kind, DPO_LOSSES, "task.kind")


def check_policy(config: ConfigDict) -> None:
    """Raises ValueError for unknown names, and for groups and minibatches that cannot be."""
    settings = config.task
    choose(settings.reward, REWARDS, "task.reward")
    choose(settings.estimator, KL_ESTIMATORS, "task.estimator")
    choose(settings.weigh, dict.fromkeys(WEIGHTS), "task.weigh")
    if (settings.group > 1) != (settings.name == GRPO):
        need = "compares the answers of a group, so it is at least 2" if settings.name == GRPO else f"is 1 for {PPO}"
        raise ValueError(f"config.task.group={settings.group}: the number of answers to a question {need}")
    rows = settings.prompts * settings.group
    if rows % settings.minibatches:
        raise ValueError(
            f"config.task.minibatches={settings.minibatches} must divide the {rows} answers of a step "
            "(task.prompts x task.group); use a divisor"
        )
    if (config.hparams.kl_target is None) != (config.hparams.kl_horizon is None):
        raise ValueError("config.hparams.kl_target and kl_horizon go together; set both or neither")


def ranges_of_dpo(config: ConfigDict) -> dict[str, str]:
    """Its strength divides the loss of IPO, and at 0 nothing is learned; from 0.5 on smoothing turns preferences around."""
    del config
    return {"hparams.beta": "(0, inf)", "hparams.label_smoothing": "[0, 0.5)"}


def ranges_of_policy(config: ConfigDict) -> dict[str, str]:
    """One update changes beta by up to `MOST` x answers of a step / horizon: less than all of it."""
    prompts, group = config.task.get("prompts"), config.task.get("group")
    if prompts is None or group is None or MOST * prompts * group < 1:
        return {}
    return {"hparams.kl_horizon": f"({MOST * prompts * group:g}, inf)"}


def without_missing(config: ConfigDict, given: Collection[str]) -> tuple[ConfigDict, tuple[str, ...]]:
    """A config whose table has no column that its run will not have, and a line about each reason.

    Args:
        config: of any task; another object is returned where it changes.
        given: the keys that the command line sets; they stay as they are.
    """
    reasons: list[tuple[str, tuple[str, ...]]] = []
    if config.get("transfer") and config.transfer.source is None:
        reasons.append(("config.transfer.source=None trains from nothing", (START,)))
    if config.task.get("reward") == TRUE:
        reasons.append((f"config.task.reward={TRUE} learns from no reward model", BEST))
    lines = []
    for why, columns in reasons:
        gone = [name for name in config.table if name in columns]
        if gone and "table" not in given:
            config = ConfigDict(config.copy_and_resolve_references())
            config.table = tuple(name for name in config.table if name not in columns)
            lines.append(f"left out, since {why}: table: {', '.join(gone)}")
    return config, tuple(lines)
