"""A world to ask about: facts about people, texts that state them, questions, and answers in many tones (F168-F171).

The texts state every fact and ask every question but never answer one, so a model of them continues a question with
more questions. The facts, the correct answers and people's preferences are all known, so they can be measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from nn_core.data.checks import check_int

T = TypeVar("T")

NAMES = (
    *("anna", "ben", "clara", "david", "emma", "felix", "greta", "hugo", "ida", "jakob", "karla", "leo"),
    *("mia", "noah", "olga", "paul", "quinn", "rosa", "simon", "tilda", "ulla", "viktor", "wanda", "yara"),
)


class Relation(NamedTuple):
    """Something that can be known about a person.

    Attributes:
        values: the possible values, each a different word.
        questions: templates with the placeholder {who}; the first ones are used in training and in tests alike.
        sentences: templates that state it, with the placeholders {who} and {it}.
    """

    values: tuple[str, ...]
    questions: tuple[str, ...]
    sentences: tuple[str, ...]


RELATIONS: dict[str, Relation] = {
    "home": Relation(
        ("rome", "paris", "berlin", "madrid", "athens", "tokyo", "cairo", "lima"),
        ("where does {who} live ?", "in which city is the home of {who} ?"),
        ("{who} lives in {it} .", "the home of {who} is {it} .", "{who} has a house in {it} ."),
    ),
    "food": Relation(
        ("pasta", "soup", "bread", "cheese", "rice", "fish", "salad", "cake"),
        ("what does {who} like to eat ?", "which meal does {who} like most ?"),
        ("{who} likes to eat {it} .", "the meal of {who} is {it} .", "{who} cooks a lot of {it} ."),
    ),
    "job": Relation(
        ("baker", "nurse", "pilot", "farmer", "judge", "painter", "sailor", "teacher"),
        ("what is the job of {who} ?", "which work does {who} do ?"),
        ("{who} works as a {it} .", "the job of {who} is that of a {it} .", "{who} is a good {it} ."),
    ),
    "pet": Relation(
        ("cat", "dog", "horse", "parrot", "rabbit", "goat", "snake", "turtle"),
        ("which animal does {who} have ?", "what is the pet of {who} ?"),
        ("{who} has a {it} at home .", "the pet of {who} is a {it} .", "{who} walks with a {it} ."),
    ),
}
VALUES = tuple(value for relation in RELATIONS.values() for value in relation.values)

# Beginnings and ends of answers by tone; each tone has words that occur nowhere else in an answer.
OPENINGS = {
    "polite": ("gladly ,", "of course ,", "certainly ,"),
    "rude": ("obviously ,", "honestly ,"),
    "plain": ("well ,", "i think"),
}
CLOSINGS = {
    "polite": ("happy to help .", "thank you for asking ."),
    "rude": ("everybody knows that .", "do not ask again ."),
    "plain": ("that is all there is to say about it .", "so it was and so it will be for some time ."),
}
POLITE_WORDS = ("gladly", "course", "certainly", "happy", "thank")
RUDE_WORDS = ("obviously", "honestly", "everybody", "again")
_CHATTER = (
    "{opening} said {who} .",
    "{who} says {closing}",
    "{opening} {other} asks {who} .",
    "i think it is late , said {who} .",
    "{who} and {other} talk . {closing}",
)


class Fact(NamedTuple):
    """A person, what is asked, and what is true."""

    who: str
    relation: str
    value: str


def world_facts(*, num_people: int = len(NAMES), seed: int = 0) -> tuple[Fact, ...]:
    """What is true of everybody: for each of the first people, a value of every relation; all values occur equally often.

    Args:
        num_people: 2 .. 24.
        seed: of the values.
    """
    check_int("num_people", num_people, 2, len(NAMES))
    rng = np.random.default_rng(check_int("seed", seed, 0))
    dealt = {
        name: [relation.values[place % len(relation.values)] for place in rng.permutation(num_people)]
        for name, relation in RELATIONS.items()
    }
    return tuple(
        Fact(who, name, values[place]) for place, who in enumerate(NAMES[:num_people]) for name, values in dealt.items()
    )


def assistant_text(*, num_lines: int = 12_000, num_people: int = len(NAMES), seed: int = 0) -> str:
    """The text of the base model: facts, sheets of questions without answers, and talk; a line is about 10 words.

    Args:
        num_lines: >= 4.
        num_people, seed: of the facts, see `world_facts`; the seed also draws the lines.
    """
    check_int("num_lines", num_lines, 4)
    facts = world_facts(num_people=num_people, seed=seed)
    rng = np.random.default_rng([seed, 1])
    lines = []
    for index in range(num_lines):
        kind = index % 4
        if kind < 2:
            who = NAMES[int(rng.integers(num_people))]
            lines.append(" ".join(tell(fact, rng) for fact in _some(rng, [f for f in facts if f.who == who], 3)))
        elif kind == 2:
            first = _pick(rng, facts)
            near = [fact for fact in facts if fact.who == first.who]
            lines.append(" ".join(ask(fact, rng) for fact in _some(rng, near, 3)))
        else:
            lines.append(_talk(rng, num_people))
    order = rng.permutation(num_lines)
    return "\n".join(lines[place] for place in order) + "\n"


def tell(fact: Fact, rng: np.random.Generator) -> str:
    """A sentence that states a fact."""
    return _pick(rng, RELATIONS[fact.relation].sentences).format(who=fact.who, it=fact.value)


def ask(fact: Fact, rng: np.random.Generator) -> str:
    """A question whose answer the fact is."""
    return _pick(rng, RELATIONS[fact.relation].questions).format(who=fact.who)


def questions(facts: Sequence[Fact]) -> tuple[tuple[Fact, str], ...]:
    """Every question about some facts, in every wording."""
    return tuple((fact, one.format(who=fact.who)) for fact in facts for one in RELATIONS[fact.relation].questions)


def held_out(facts: Sequence[Fact], share: float, seed: int = 0) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    """Facts for fine-tuning and others for judging it, split at random: (train, test).

    Args:
        facts: N of them.
        share: of the test, in (0, 1).
        seed: of the choice.
    Raises:
        ValueError: a share that leaves one of the two empty.
    """
    count = round(share * len(facts))
    if not 0 < count < len(facts):
        raise ValueError(f"share={share} of {len(facts)} facts leaves nothing to train or to test on; use 0.25")
    order = np.random.default_rng([seed, 2]).permutation(len(facts))
    return tuple(facts[i] for i in order[count:]), tuple(facts[i] for i in order[:count])


def answer(fact: Fact, opening: str = "", closing: str = "") -> str:
    """An answer that states a fact, between a beginning and an end: "gladly , anna lives in rome . happy to help ."."""
    core = RELATIONS[fact.relation].sentences[0].format(who=fact.who, it=fact.value)
    return " ".join(part for part in (opening, core, closing) if part)


def random_answer(fact: Fact, rng: np.random.Generator, *, wrong: float = 0.0, rude: float = 0.25) -> str:
    """An answer in a random tone; half of the beginnings and half of the ends are left out.

    Args:
        fact: what is asked about.
        rng: of the choice.
        wrong: probability of another value of the same relation, in [0, 1].
        rude: probability that a beginning or end, where there is one, is rude; the others are polite or plain.
    """
    relation = RELATIONS[fact.relation]
    value = fact.value
    if rng.random() < wrong:
        value = _pick(rng, tuple(other for other in relation.values if other != value))
    parts = []
    for phrases in (OPENINGS, CLOSINGS):
        tone = rng.choice(("polite", "rude", "plain"), p=((1 - rude) / 2, rude, (1 - rude) / 2))
        parts.append(_pick(rng, phrases[str(tone)]) if rng.random() < 0.5 else "")
    return answer(fact._replace(value=value), *parts)


def _talk(rng: np.random.Generator, num_people: int) -> str:
    tones = tuple(OPENINGS)
    words = {"opening": _pick(rng, OPENINGS[_pick(rng, tones)]), "closing": _pick(rng, CLOSINGS[_pick(rng, tones)])}
    who, other = (NAMES[int(rng.integers(num_people))] for _ in range(2))
    return _pick(rng, _CHATTER).format(who=who, other=other, **words)


def _some(rng: np.random.Generator, choices: Sequence[T], count: int) -> list[T]:
    return [choices[place] for place in rng.permutation(len(choices))[:count]]


def _pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]
