"""A trained reward model from the path of its run alone, and its scores of pairs and answers of a JSONL file."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.building.kept_tokenizer import stored_tokenizer
from experiments.building.language import evaluation_hparams, make_language_module
from experiments.building.records import Registry
from experiments.building.unknown_words import tell_unknown
from experiments.run_directory.no_run import REWARDS
from experiments.run_directory.stored_run import Stored
from experiments.trained.example_model import open_run
from nn_core.alignment.conversations import encode_turns, only_last, pad_rows
from nn_core.alignment.heads import SCORE, scores, without_heads
from nn_core.alignment.templates import ASSISTANT, Template, make_template
from nn_core.data.conversation_files import Turns, conversation_of, preference_of, read_lines
from nn_core.text.interface import Tokenizer
from nn_core.training.manifest import describe, mismatch, named_leaves

SIDES = ("chosen", "rejected")
Row = tuple[list[int], list[int]]


class RewardModel(NamedTuple):
    """A model that scores answers.

    Attributes:
        stored: where it comes from.
        tokenizer, template: of its texts.
        score: (ids (B, T), answers' mask (B, T)) -> (B,).
    """

    stored: Stored
    tokenizer: Tokenizer
    template: Template
    score: Callable[[Any, Any], Any]


class Scores(NamedTuple):
    """Scores of the lines of a file.

    Attributes:
        lines: number of each line in the file.
        chosen_N: score of its preferred answer, or of its only one.
        rejected_N: score of the other answer; None for a file of answers.
        warnings: for the user, a line each.
    """

    lines: list[int]
    chosen_N: np.ndarray
    rejected_N: np.ndarray | None
    warnings: tuple[str, ...] = ()

    @property
    def margin_N(self) -> np.ndarray:
        """How much higher the preferred answer scores."""
        assert self.rejected_N is not None
        return self.chosen_N - self.rejected_N

    @property
    def probability_N(self) -> np.ndarray:
        """sigma(margin): the probability that people prefer it, as the model sees it (Bradley & Terry 1952)."""
        return np.asarray(jax.nn.sigmoid(self.margin_N))


def load_reward_model(
    path: str | Path, step: str = "best", member: int | None = None, registry: Registry | None = None
) -> RewardModel:
    """The reward model of a run; one of adapters is merged into its base.

    Args:
        path: the run directory.
        step: "best" on validation, "latest", or the number of a step.
        member: its number in a sweep; None for a run that is none.
        registry: models and tasks by name; None: those that the run was built with.
    Raises:
        ValueError: no such run or member, a run of another kind, or parameters that do not fit its config.
        CheckpointError: no such step, or none that is sound.
    """
    stored, registry = open_run(path, step, member, registry)
    config = stored.config
    if config.task.name != REWARDS:
        raise ValueError(
            f"{stored.directory} holds a run of task {config.task.name!r}, which scores no answers; give one of "
            "configs/reward_model.py"
        )
    tokenizer = stored_tokenizer(stored.folder)
    model = make_language_module(config, tokenizer.vocabulary_size, registry)(evaluation_hparams(config))
    wanted = jax.eval_shape(lambda: model.init(jax.random.key(0), np.zeros((1, 2), np.int32))["params"])
    difference = mismatch(describe(named_leaves(without_heads(stored.params))), describe(named_leaves(wanted)))
    if difference or SCORE not in stored.params:
        raise ValueError(
            f"{stored.directory}: checkpoint and config differ (- checkpoint, + config): {difference or SCORE}"
        )
    score = jax.jit(partial(scores, model, stored.params, pooling=config.task.pooling))
    return RewardModel(stored, tokenizer, make_template(tokenizer), score)


def score_file(model: RewardModel, path: str | Path) -> Scores:
    """The scores of all lines of a file: pairs (prompt, chosen, rejected), or answers (prompt and response, or messages,
    whose last one is judged).

    Raises:
        ValueError: what is wrong with which line; pairs and answers in one file; a conversation that is too long.
    """
    lines, texts, rows, is_pairs = list[int](), list[str](), list[Row](), None
    for number, record in read_lines(path):
        try:
            is_pair = any(side in record for side in SIDES)
            is_pairs = is_pair if is_pairs is None else is_pairs
            if is_pair != is_pairs:
                here, before = ("a pair", "answers") if is_pair else ("an answer", "pairs")
                raise ValueError(f"{here} among {before}; give each kind a file of its own")
            conversations = conversations_of(record, is_pair)
            rows += [encoded(model, turns) for turns in conversations]
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
        lines.append(number)
        texts += dict.fromkeys(text for turns in conversations for _, text in turns)
    found_N = score_rows(model, rows)
    unknown = tell_unknown(model.tokenizer, texts, "the reward model")
    warnings = tuple(line.removeprefix("warning: ") for line in unknown)
    if is_pairs:
        return Scores(lines, found_N[0::2], found_N[1::2], warnings)
    return Scores(lines, found_N, None, warnings)


def conversations_of(record: dict[str, Any], is_pair: bool) -> list[Turns]:
    """A question with its answer, or with each of its two answers."""
    if not is_pair:
        return [conversation_of(record).turns]
    pair = preference_of(record)
    return [(*pair.asked, (ASSISTANT, text)) for text in (pair.chosen, pair.rejected)]


def encoded(model: RewardModel, turns: Turns) -> Row:
    """A conversation as ids, and a mask of its last answer.

    Raises:
        ValueError: it is longer than what the model reads.
    """
    ids, mask = encode_turns(model.tokenizer, model.template, turns)
    most = model.stored.config.data.context_size
    if len(ids) > most:
        raise ValueError(f"a conversation of {len(ids)} tokens, and the reward model reads {most}; shorten it")
    return ids, only_last(mask)


def score_rows(model: RewardModel, rows: Sequence[Row]) -> np.ndarray:
    """Scores of conversations, (N,); batches of one size, so that one program serves them all."""
    size = min(model.stored.config.data.evaluation_batch, len(rows))
    padded = pad_rows(rows, max(len(ids) for ids, _ in rows), model.template.pad_id)
    parts = []
    for start in range(0, len(rows), size):
        places_B = np.minimum(
            np.arange(start, start + size), len(rows) - 1
        )  # the last one again, where a batch is not full
        parts.append(np.asarray(model.score(padded.ids_NT[places_B], padded.answer_NT[places_B])))
    return np.concatenate(parts)[: len(rows)]
