"""Trained models that runs start from or hold beside them: a run, for each seed the run of that seed, or a folder."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from experiments.building.backbones import load_whole
from experiments.building.digests import digest_of
from experiments.run_directory.no_run import recipe
from experiments.run_directory.stored_run import parse_step, read_run
from nn_core.alignment.by_seed import Stack
from nn_core.alignment.conversations import encode_turns
from nn_core.alignment.templates import ASSISTANT, SYSTEM, USER, Turns, make_template
from nn_core.files import user_path
from nn_core.models.transformer.gpt import GPT
from nn_core.pretrained.folder import is_folder
from nn_core.pretrained.load import load as load_folder
from nn_core.pretrained.tokenizer_files import as_folder_tokenizer
from nn_core.text.interface import Tokenizer
from nn_core.training.manifest import CheckpointError

_TURN = ((USER, "what is it ?"), (ASSISTANT, "it is a word ."))
PROBES: tuple[Turns, ...] = (_TURN, (*_TURN, _TURN[0]), ((SYSTEM, "be polite ."), *_TURN))  # by which templates differ


class Source(NamedTuple):
    """Parameters of one run or Hugging Face folder, or of several runs of one structure.

    Attributes:
        stack: with a leading axis.
        folder: holds its tokenizer.
        config: of the first of the runs; None for a Hugging Face folder.
        key: the config key that names it, for messages.
        path: what it says.
    """

    stack: Stack
    folder: Path
    config: ConfigDict | None
    key: str
    path: str

    def digest(self) -> str:
        """What a run that holds these parameters as data was begun with."""
        return digest_of(self.stack.params)


def load_source(path: str, key: str, *, step: str = "best", member: int | None = None, by_seed: bool = False) -> Source:
    """The run, or runs, of a directory, or the language model of a Hugging Face folder.

    Args:
        path: run directory, or folder, which serves every seed.
        key: the config key that names it.
        step: of its checkpoints.
        member: of a sweep.
        by_seed: of a sweep, the first run of each seed.
    Raises:
        ValueError: there is no such run, member or step, or none that is sound.
    """
    place = user_path(path)
    try:
        if is_folder(place):
            return Source(alone(_of_folder(place)), place, None, key, path)
        if not by_seed:
            stored = load_whole(path, parse_step(step), member)
            return Source(alone(stored.params), stored.folder, stored.config, key, path)
        runs = [load_whole(path, parse_step(step), number) for number in first_of_each_seed(path).values()]
    except (ValueError, CheckpointError) as error:
        section = key.rsplit(".", 1)[0]
        message = str(error).replace("--member=", f"config.{section}.member=")
        message = message.replace("--step=", f"config.{section}.step=")
        raise ValueError(f"config.{key}={path!r}: {message}{recipe(path)}") from None
    params = jax.tree.map(
        lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *(run.params for run in runs)
    )
    seeds_S = np.asarray([run.config.seed for run in runs], np.uint32)
    return Source(Stack(params, seeds_S), runs[0].folder, runs[0].config, key, path)


def alone(params: Any) -> Stack:
    """One run that serves every seed."""
    return Stack(jax.tree.map(lambda leaf: leaf[None], params), None)


def _of_folder(place: Path) -> Any:
    found = load_folder(place)
    if not isinstance(found.module, GPT):
        raise ValueError(f"holds a {type(found.module).__name__}, which writes no text; use a GPT-2 or a Llama")
    return found.params


def first_of_each_seed(path: str) -> dict[int, int]:
    """{seed: number of the first member that has it} of a run directory."""
    held = read_run(user_path(path).resolve())
    found: dict[int, int] = {}
    for number, overrides in enumerate(held["sweep"]):
        found.setdefault(int(overrides.get("seed", held["config"]["seed"])), number)
    return found


def check_seed(config: ConfigDict) -> None:
    """Raises ValueError where a run is to start from the one of its seed, and there is none."""
    section = config.get("transfer")
    if section is None or not section.by_seed or section.source is None or is_folder(user_path(section.source)):
        return
    try:
        seeds = first_of_each_seed(section.source)
    except ValueError as error:
        raise ValueError(f"config.transfer.source={section.source!r}: {error}{recipe(section.source)}") from None
    if config.seed not in seeds:
        raise ValueError(
            f"config.transfer.by_seed=True and {section.source} has no run of seed {config.seed}, only of "
            f"{', '.join(map(str, sorted(seeds)))}; lower config.num_seeds, or name one run by config.transfer.member"
        )


def same_vocabulary(one: Tokenizer, other: Tokenizer, source: Source) -> None:
    """Raises ValueError where two models that read each other's tokens spell them differently.

    A run and the folder that it was exported to keep the same tokens in two kinds of file.
    """
    if one != other and as_folder_tokenizer(one).backend.to_str() != as_folder_tokenizer(other).backend.to_str():
        raise ValueError(
            f"config.{source.key}={source.path!r} has another vocabulary ({other.vocabulary_size} tokens, not "
            f"{one.vocabulary_size} of the same spelling); take one that was trained with the same tokenizer"
        )


def same_template(one: Tokenizer, other: Tokenizer, source: Source) -> None:
    """Raises ValueError where a model judges conversations of another one that it would have read in another form.

    Compared is what the templates write, as tokens: a run and the folder that it was exported to have two templates.
    """
    if [_tokens(one, turns) for turns in PROBES] != [_tokens(other, turns) for turns in PROBES]:
        raise ValueError(
            f"config.{source.key}={source.path!r} was trained with another chat template than that of the policy, whose "
            "answers it would misread; train it on the same folder or run as the policy"
        )


def _tokens(tokenizer: Tokenizer, turns: Turns) -> Any:
    """A conversation as ids and mask; None where the template has no place for it."""
    try:
        return encode_turns(tokenizer, make_template(tokenizer), turns)
    except ValueError:
        return None
