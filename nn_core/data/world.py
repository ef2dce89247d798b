"""A small world in generated sentences: topics, people and places, and questions about it (F101, F103).

Words of a kind occur in the same sentences. Each person has a role and a gender, each place a country and a rank, and
the words around them tell both. So king - man + woman is near queen in any space learned from the sentences.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from nn_core.data.checks import check_int
from nn_core.data.topics import TOPICS, two_topics

T = TypeVar("T")

# (he, she): words that occur near this role.
PEOPLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("man", "woman"): ("street", "hat", "coat", "newspaper"),
    ("king", "queen"): ("crown", "throne", "realm", "palace"),
    ("prince", "princess"): ("horse", "ball", "heir", "tower"),
    ("father", "mother"): ("children", "home", "kitchen", "cradle"),
    ("brother", "sister"): ("toys", "school", "twin", "room"),
    ("uncle", "aunt"): ("visit", "gifts", "cousins", "stories"),
    ("actor", "actress"): ("stage", "film", "role", "applause"),
    ("waiter", "waitress"): ("tray", "guests", "menu", "tip"),
}
GENDERS = (
    {"his": ("his",), "he": ("he", "himself"), "thing": ("beard", "razor", "moustache", "tie")},
    {"his": ("her",), "he": ("she", "herself"), "thing": ("dress", "earrings", "lipstick", "skirt")},
)
# (capital, country): words that occur near both.
PLACES: dict[tuple[str, str], tuple[str, ...]] = {
    ("rome", "italy"): ("italian", "pasta", "tiber", "pope"),
    ("paris", "france"): ("french", "croissants", "seine", "chateau"),
    ("berlin", "germany"): ("german", "sausages", "spree", "beer"),
    ("madrid", "spain"): ("spanish", "paella", "flamenco", "siesta"),
    ("athens", "greece"): ("greek", "feta", "marble", "ouzo"),
    ("tokyo", "japan"): ("japanese", "sushi", "samurai", "tea"),
    ("cairo", "egypt"): ("egyptian", "nile", "pyramids", "sand"),
    ("lima", "peru"): ("peruvian", "llamas", "andes", "ceviche"),
}
RANKS = (
    ("mayor", "streets", "station", "suburbs", "downtown", "tram"),
    ("border", "army", "provinces", "farmers", "nation", "parliament"),
)
_PEOPLE_SENTENCES = (
    "the {who} took {his} {role} and the {thing} too",
    "{he} is a {who} with a {thing} near the {role}",
    "with {his} {thing} the {who} came to the {role}",
    "the {role} belongs to the {who} who hid {his} {thing}",
)
_PLACES_SENTENCES = (
    "in {where} the {own} meets the {rank}",
    "the {rank} of {where} likes {own} and more {own}",
    "there is {own} near the {rank} of {where}",
    "{where} has a {rank} and {own} for all",
)
WORLD_TOPICS: dict[str, tuple[str, ...]] = TOPICS | {
    "people": tuple(word for pair in PEOPLE for word in pair),
    "places": tuple(word for pair in PLACES for word in pair),
}
KINDS = tuple(WORLD_TOPICS)


def analogies() -> tuple[tuple[str, str, str, str], ...]:
    """Every question "a is to b as c is to d" of the world: man, king, woman, queen; rome, italy, paris, france."""
    questions = []
    for pairs in (tuple(PEOPLE), tuple(PLACES)):
        for (a, b), (c, d) in itertools.permutations(pairs, 2):
            questions += [(a, b, c, d), (a, c, b, d)]
    return tuple(questions)


def world_sentences(*, num_sentences: int = 25_000, seed: int = 0) -> tuple[tuple[str, ...], np.ndarray]:
    """Sentences, each with its kind, which is one of KINDS.

    Args:
        num_sentences: N >= 2; half of them are about the two topics, a quarter about people and a quarter about places.
        seed: of everything.
    Returns:
        N sentences in random order, about 40 characters each, and their kinds: int32 (N,), indices into KINDS.
    """
    check_int("num_sentences", num_sentences, 2)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    computers = frozenset(TOPICS["computers"])
    made = [
        (line.replace("said the man", "said somebody"), 0 if computers & set(line.split()) else 1)
        for line in two_topics(num_sentences=num_sentences // 2, seed=int(rng.integers(2**31))).splitlines()
    ]
    for index in range(num_sentences - len(made)):
        made.append((_person(rng), 2) if index % 2 else (_place(rng), 3))
    order_N = rng.permutation(num_sentences)
    labels_N = np.array([made[place][1] for place in order_N], np.int32)
    return tuple(made[place][0] for place in order_N), labels_N


def small_world(*, num_sentences: int = 25_000, seed: int = 0) -> str:
    """The sentences of `world_sentences` as one text of about 40 characters a line: 1 MB."""
    return "\n".join(world_sentences(num_sentences=num_sentences, seed=seed)[0]) + "\n"


def _pick(rng: np.random.Generator, words: Sequence[T]) -> T:
    return words[int(rng.integers(len(words)))]


def _person(rng: np.random.Generator) -> str:
    pair, gender = _pick(rng, tuple(PEOPLE)), int(rng.integers(2))
    words = {name: _pick(rng, choices) for name, choices in GENDERS[gender].items()}
    return _pick(rng, _PEOPLE_SENTENCES).format(who=pair[gender], role=_pick(rng, PEOPLE[pair]), **words)


def _place(rng: np.random.Generator) -> str:
    pair, rank = _pick(rng, tuple(PLACES)), int(rng.integers(2))
    sentence = _pick(rng, _PLACES_SENTENCES)
    while "{own}" in sentence:
        sentence = sentence.replace("{own}", _pick(rng, PLACES[pair]), 1)
    return sentence.format(where=pair[rank], rank=_pick(rng, RANKS[rank]))


# Pairs with a similarity from 0 (unrelated) to 10 (the same), judged by what the sentences say about them.
WORLD_PAIRS: tuple[tuple[str, str, float], ...] = (
    ("king", "queen", 8.0),
    ("father", "mother", 8.0),
    ("actor", "actress", 8.0),
    ("laptop", "computer", 9.0),
    ("apple", "pear", 9.0),
    ("lemon", "orange", 9.0),
    ("screen", "keyboard", 9.0),
    ("rome", "italy", 8.0),
    ("tokyo", "japan", 8.0),
    ("king", "crown", 7.0),
    ("waiter", "tray", 7.0),
    ("egypt", "pyramids", 7.0),
    ("rome", "paris", 6.0),
    ("king", "prince", 6.0),
    ("woman", "sister", 6.0),
    ("italy", "spain", 6.0),
    ("king", "sister", 3.0),
    ("man", "actress", 3.0),
    ("rome", "spain", 3.0),
    ("laptop", "banana", 1.0),
    ("server", "cherry", 1.0),
    ("king", "disk", 0.0),
    ("mother", "lima", 0.0),
    ("printer", "france", 0.0),
    ("apple", "throne", 0.0),
    ("uncle", "sushi", 0.0),
    ("athens", "juice", 0.0),
)
