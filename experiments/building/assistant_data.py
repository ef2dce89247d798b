"""Questions, answers and pairs of a config as arrays: from the small world, or from JSONL files of one's own."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from experiments.command_line.choices import choose
from nn_core.alignment.conversations import encode_turns, last_span, only_last, pad_rows
from nn_core.alignment.packing import pack
from nn_core.alignment.rule import Rule, make_rule, word_id
from nn_core.alignment.templates import ASSISTANT, USER, Template, make_template
from nn_core.data.assistant_world import Fact, held_out, questions, world_facts
from nn_core.data.conversation_files import (
    Conversation,
    Preference,
    Turns,
    conversation_of,
    preference_of,
    prompt_of,
    read_records,
)
from nn_core.data.preferences import demonstrations, preference_pairs
from nn_core.data.text import load_text
from nn_core.text.interface import Tokenizer
from nn_core.text.tokenizers import make_tokenizer

SPLITS = ("train", "validation", "test")
WORLD, FILE = "assistant_world", "file"
NAMES = {WORLD: "the small world of questions", FILE: "JSONL, with path"}
WORDS = 400  # most words of the small world's vocabulary
ALL = "all"
ABOUT = {"train": "facts that train; others validate and test", ALL: "every fact in each part; other answers"}
UNKNOWN = -1  # the truth of a question that nobody knows
NEVER = -2  # stands for a token that no answer can have
Row = tuple[list[int], list[int]]
Splits = dict[str, Any]


def world_tokenizer() -> Tokenizer:
    """The words of the small world: of a run that starts from nothing."""
    return make_tokenizer("word", [load_text(WORLD)], vocabulary_size=WORDS)


class Reader(NamedTuple):
    """How texts become tokens.

    Attributes:
        tokenizer, template: of the model that the run starts from.
        section: config.data.
        rule: of the small world; None for files.
    """

    tokenizer: Tokenizer
    template: Template
    section: ConfigDict
    rule: Rule | None


def make_reader(section: ConfigDict, tokenizer: Tokenizer) -> Reader:
    """The reader of a config.

    Raises:
        ValueError: an unknown source, a path without effect or missing, a vocabulary that does not fit.
    """
    choose(section.name, NAMES, "data.name")
    if (section.path is None) != (section.name == WORLD):
        hint = "has no effect without data.name='file'" if section.path else "is not set and data.name='file' needs it"
        raise ValueError(f"config.data.path={section.path} {hint}; give both or neither")
    rule = make_rule(tokenizer) if section.name == WORLD else None
    return Reader(tokenizer, make_template(tokenizer), section, rule)


def facts_of(section: ConfigDict) -> dict[str, tuple[Fact, ...]]:
    """The facts whose questions train, validate and test."""
    rest, test = held_out(world_facts(seed=section.world), section.held_out, section.world)
    train, validation = held_out(rest, section.held_out / 2, section.world + 1)
    return {"train": train, "validation": validation, "test": test}


def cut(records: Sequence[Any], share: float) -> Splits:
    """A file's records in their order: the last `share` tests, half as many before them validate.

    Raises:
        ValueError: too few records for three parts.
    """
    test = max(round(share * len(records)), 1)
    validation = max(test // 2, 1)
    train = len(records) - test - validation
    if train < 1:
        raise ValueError(f"config.data.path holds {len(records)} records, too few to train, validate and test; give 3")
    return {
        "train": records[:train],
        "validation": records[train : train + validation],
        "test": records[train + validation :],
    }


def read_own(reader: Reader, make: Callable[[dict[str, Any]], Any], turns_of: Callable[[Any], list[Turns]]) -> Splits:
    """The records of a file of one's own, in three parts; what is too long is told with its line.

    Args:
        reader: texts to tokens, and the file.
        make: a line's object -> record.
        turns_of: a record -> all that is encoded of it.
    """

    def made(record: dict[str, Any]) -> Any:
        found = make(record)
        rows = []
        for turns in turns_of(found):
            rows.append(encoded(reader, turns))
            check_room(reader, turns[:-1] if turns[-1][0] == ASSISTANT else turns)
        if len(rows) == 2 and rows[0] == rows[1]:
            raise ValueError(
                f"'chosen' and 'rejected', {found.chosen[:40]!r} and {found.rejected[:40]!r}, are the same tokens to the "
                "vocabulary of the start: nothing can be preferred; leave the line out, or write words that it has"
            )
        return found

    return cut(read_records(reader.section.path, made), reader.section.held_out)


def conversations(reader: Reader) -> Splits:
    """Conversations of each split."""
    section = reader.section
    if section.name == FILE:
        return read_own(reader, conversation_of, lambda found: [found.turns])
    found = {}
    for place, (split, facts) in enumerate(facts_of(section).items()):
        made = demonstrations(facts, num_answers=section.answers if split == "train" else 1, seed=place)
        found[split] = tuple(Conversation(((USER, question), (ASSISTANT, answer))) for question, answer in made)
    return found


def turns_of_pair(pair: Preference) -> list[Turns]:
    """A question with each of its two answers."""
    return [(*pair.asked, (ASSISTANT, text)) for text in (pair.chosen, pair.rejected)]


def pairs(reader: Reader) -> Splits:
    """Pairs of answers of each split; those of the test have no noise where the true order is known."""
    section = reader.section
    if section.name == FILE:
        return read_own(reader, preference_of, turns_of_pair)
    choose(section.pairs_about, ABOUT, "data.pairs_about")
    counts = {"train": section.pairs, "validation": 500, "test": 500}
    facts_by_split = facts_of(section)
    everything = world_facts(seed=section.world)
    found = {
        split: preference_pairs(
            everything if section.pairs_about == ALL else facts,
            num_pairs=counts[split],
            noise=0.0 if split == "test" else section.label_noise,
            wrong=section.wrong_answers,
            seed=place,
        )
        for place, (split, facts) in enumerate(facts_by_split.items())
    }
    return {
        split: tuple(Preference(((USER, one.prompt),), one.chosen, one.rejected) for one in of)
        for split, of in found.items()
    }


def encoded(reader: Reader, turns: Turns) -> Row:
    """A conversation as ids and mask.

    Raises:
        ValueError: it is longer than the context.
    """
    ids, mask = encode_turns(reader.tokenizer, reader.template, turns)
    most = reader.section.context_size
    if len(ids) > most:
        raise ValueError(
            f"a conversation of {len(ids)} tokens is longer than config.data.context_size={most}; shorten it, or raise "
            "that where the model reads more"
        )
    return ids, mask


def answered(reader: Reader, turns: Turns) -> Row:
    """The same, with a mask of the last answer alone, which is what a preference judges."""
    ids, mask = encoded(reader, turns)
    return ids, only_last(mask)


def check_room(reader: Reader, turns: Turns) -> None:
    """Raises ValueError for a question that leaves no room for an answer."""
    section, (ids, _) = reader.section, encode_turns(reader.tokenizer, reader.template, turns)
    if len(ids) + section.new_tokens > section.context_size:
        raise ValueError(
            f"a question of {len(ids)} tokens leaves no room for an answer of config.data.new_tokens="
            f"{section.new_tokens} in config.data.context_size={section.context_size}; shorten it, or lower new_tokens"
        )


def answer_arrays(reader: Reader) -> dict[str, np.ndarray]:
    """What fine-tuning reads: "SPLIT_ids", "SPLIT_answer", "SPLIT_segments" (N, T), and the questions of each split."""
    told = conversations(reader)
    rows = {
        split: [(encoded if one.whole else answered)(reader, one.turns) for one in of] for split, of in told.items()
    }
    widest = max(len(ids) for of in rows.values() for ids, _ in of)
    arrays: dict[str, np.ndarray] = {}
    for split, of in rows.items():
        if reader.section.packed:
            made = pack(of, reader.section.context_size, reader.template.pad_id)
            ids, answer, segments = made.ids_NT, made.answer_NT, made.segments_NT
        else:
            padded = pad_rows(of, widest, reader.template.pad_id)
            ids, answer, segments = padded.ids_NT, padded.answer_NT, np.zeros_like(padded.answer_NT)
        arrays |= {f"{split}_ids": ids, f"{split}_answer": answer, f"{split}_segments": segments}
    if reader.section.name == WORLD:
        return arrays | prompt_arrays(reader)
    asked = {split: [one.turns[:-1] for one in of] for split, of in told.items()}
    return arrays | question_arrays(reader, asked, rows)


def pair_arrays(reader: Reader) -> dict[str, np.ndarray]:
    """What learns from preferences: "SPLIT_chosen_ids", "SPLIT_chosen_answer" and those of the rejected, and questions."""
    told = pairs(reader)
    rows: dict[tuple[str, str], list[Row]] = {}
    for split, of in told.items():
        both = [[answered(reader, turns) for turns in turns_of_pair(pair)] for pair in of]
        rows[split, "chosen"], rows[split, "rejected"] = ([pair[place] for pair in both] for place in (0, 1))
    widest = max(len(ids) for of in rows.values() for ids, _ in of)
    arrays: dict[str, np.ndarray] = {}
    for (split, side), of in rows.items():
        padded = pad_rows(of, widest, reader.template.pad_id)
        arrays |= {f"{split}_{side}_ids": padded.ids_NT, f"{split}_{side}_answer": padded.answer_NT}
    if reader.section.name == WORLD:
        return arrays | prompt_arrays(reader)
    return arrays | question_arrays(reader, {split: unique_prompts(of) for split, of in told.items()})


def unique_prompts(of: Sequence[Preference]) -> list[Turns]:
    """Each question of some pairs once."""
    return list(dict.fromkeys(pair.asked for pair in of))


def prompt_arrays(reader: Reader) -> dict[str, np.ndarray]:
    """Questions of each split: "SPLIT_prompts" (M, L), "SPLIT_lengths" (M,), "SPLIT_truth" (M,)."""
    section = reader.section
    if section.name == FILE:
        return question_arrays(reader, read_own(reader, prompt_of, lambda turns: [turns]))
    asked = {split: questions(facts) for split, facts in facts_of(section).items()}
    arrays = question_arrays(reader, {split: [((USER, one),) for _, one in of] for split, of in asked.items()})
    for split, of in asked.items():
        arrays[f"{split}_truth"] = np.array([word_id(reader.tokenizer, fact.value) for fact, _ in of], np.int32)
    return arrays


def question_arrays(reader: Reader, asked: Splits, answered: Splits | None = None) -> dict[str, np.ndarray]:
    """Questions as arrays; where answers are known, also the rows that would be exactly right, "SPLIT_expected".

    Args:
        reader: texts to tokens.
        asked: conversations that end with the user, of each split.
        answered: ids and mask of the same ones with their answers.
    Raises:
        ValueError: a question that leaves no room for an answer.
    """
    template, section = reader.template, reader.section
    rows = {s: [encode_turns(reader.tokenizer, template, turns) for turns in of] for s, of in asked.items()}
    widest = max(len(ids) for of in rows.values() for ids, _ in of)
    for of in asked.values():
        for turns in of:
            check_room(reader, turns)
    arrays: dict[str, np.ndarray] = {}
    for split, of in rows.items():
        padded = pad_rows(of, widest, template.pad_id)
        arrays |= {f"{split}_prompts": padded.ids_NT, f"{split}_lengths": padded.lengths_N}
        arrays[f"{split}_truth"] = np.full(len(of), UNKNOWN, np.int32)
        if answered is not None:
            expected = np.full((len(of), widest + section.new_tokens), UNKNOWN, np.int32)
            for row, length, encoding in zip(expected, padded.lengths_N, answered[split], strict=True):
                ids = encoding[0][last_span(encoding[1])]
                fits = len(ids) <= section.new_tokens
                row[length : length + section.new_tokens][: len(ids)] = ids if fits else NEVER
            arrays[f"{split}_expected"] = expected
    return arrays
