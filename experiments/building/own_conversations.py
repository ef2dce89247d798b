"""Conversations or preferences of one's own, a JSONL file: the config is fitted to them, and unknown words are told."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from ml_collections import ConfigDict

from experiments.building.assistant_data import cut, world_tokenizer
from experiments.building.digests import check_digest, digest_of_file
from experiments.building.kept_tokenizer import tokenizer_of_start
from experiments.building.stage_checks import BESIDE, BEST
from experiments.building.unknown_words import tell_unknown
from nn_core.data.conversation_files import (
    Conversation,
    Preference,
    Turns,
    conversation_of,
    preference_of,
    prompt_of,
    read_records,
)
from nn_core.files import user_path
from nn_core.text.interface import Tokenizer

Record = Conversation | Preference | Turns
# config.task.name -> what it makes of a line.
MAKERS: dict[str, Callable[[dict[str, Any]], Record]] = {
    "answers": conversation_of,
    "reward_model": preference_of,
    "dpo": preference_of,
    "ppo": prompt_of,
    "grpo": prompt_of,
}
POLICIES = ("ppo", "grpo")
# Columns and figures that only the small world's hidden rule has, and what stands for them where it is not known.
OF_RULE = (*BESIDE, *BEST, "frontier")
INSTEAD = {name: {"overstated": "test_reward", "kl": "test_kl", "length": "test_length"} for name in POLICIES}


def resolve_conversations(config: ConfigDict, given: Collection[str]) -> tuple[ConfigDict, tuple[str, ...]]:
    """The config fitted to a file of conversations, and lines about it; arguments as of `own_data.resolve`.

    Raises:
        ValueError: the file cannot be read, or has changed; what is wrong with a line.
    """
    section = config.data
    section.digest = check_digest(section, digest_of_file(user_path(section.path)), section.path)
    if config.task.name not in MAKERS:
        return config, ()
    records = read_records(section.path, MAKERS[config.task.name])
    lines = [f"{section.path}: {len(records):,} records"]
    if len(records) > 2:  # else it is told where they are read to train on
        lines += fit(config, given, len(cut(records, section.held_out)["train"]))
    tokenizer = start_tokenizer(config.transfer.source)
    return config, (*lines, *([] if tokenizer is None else tell_unknown(tokenizer, texts_of(records))))


def fit(config: ConfigDict, given: Collection[str], train: int) -> list[str]:
    """Takes back what only the small world has, and lowers batches to the training records; returns lines about it."""
    instead, left_out = INSTEAD.get(config.task.name, {}), []
    for key in ("table", "figures"):
        kept = tuple(instead.get(name, name) for name in config[key] if name not in OF_RULE or name in instead)
        if key not in given and kept != tuple(config[key]):
            left_out += [f"{key}: {name}" for name in config[key] if name not in kept]
            config[key] = kept
    lines = [f"left out, since only the small world has it: {', '.join(left_out)}"] if left_out else []
    if config.task.name in POLICIES:
        step = config.task.minibatches if config.task.group == 1 else 1
        fitting = max(train // max(step, 1) * step, 1)
        key, section = "task.prompts", config.task
    else:
        key, section, fitting = "data.batch_size", config.data, train
    name = key.rpartition(".")[2]
    if key not in given and section[name] is not None and section[name] > fitting and not config.data.packed:
        section[name] = fitting
        lines.append(f"config.{key}={fitting}, since {train} records train")
    return lines


def start_tokenizer(source: str | None) -> Tokenizer | None:
    """The tokenizer of the model that a run starts from; None where it is told later that there is none."""
    if source is None:
        return world_tokenizer()
    return tokenizer_of_start(source)


def texts_of(records: Collection[Record]) -> Iterator[str]:
    """Every text of some records."""
    for record in records:
        more: tuple[str, ...] = ()
        if isinstance(record, Preference):
            turns, more = record.asked, (record.chosen, record.rejected)
        else:
            turns = record.turns if isinstance(record, Conversation) else record
        yield from (text for _, text in turns)
        yield from more
