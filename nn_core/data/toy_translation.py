"""A grammar that writes English sentences and their French translations: agreement, adjective order, elision (F137).

Articles, possessives and adjectives agree with the noun; most adjectives follow it, a few stand before it; "le", "la",
"je" and "ne" lose their vowel before another one, and "ce", "ma" take another form there. Every translation is right by construction,
so a share of exact sentences means something.
"""

from typing import NamedTuple

import numpy as np

from nn_core.data.checks import check_int

VOWELS = "aeiouhéè"
PERSONS = ("I", "you", "he", "she", "we", "they")


class Noun(NamedTuple):
    """An English noun and its French one; the plural adds an s in both."""

    english: str
    french: str
    feminine: bool


class Adjective(NamedTuple):
    """An English adjective, its French forms (masculine, feminine, plurals add s), and whether it stands before the noun."""

    english: str
    masculine: str
    feminine: str
    first: bool = False
    before_vowel: str = ""  # masculine, before a vowel


NOUNS = (
    Noun("cat", "chat", False), Noun("dog", "chien", False), Noun("friend", "ami", False),
    Noun("house", "maison", True), Noun("school", "école", True), Noun("book", "livre", False),
    Noun("apple", "pomme", True), Noun("tree", "arbre", False), Noun("star", "étoile", True),
    Noun("car", "voiture", True), Noun("garden", "jardin", False), Noun("island", "île", True),
    Noun("letter", "lettre", True), Noun("doctor", "médecin", False), Noun("actor", "acteur", False),
    Noun("table", "table", True),
)  # fmt: skip
ADJECTIVES = (
    Adjective("red", "rouge", "rouge"), Adjective("black", "noir", "noire"), Adjective("green", "vert", "verte"),
    Adjective("white", "blanc", "blanche"), Adjective("tired", "fatigué", "fatiguée"),
    Adjective("calm", "calme", "calme"), Adjective("small", "petit", "petite", True),
    Adjective("large", "grand", "grande", True), Adjective("pretty", "joli", "jolie", True),
    Adjective("young", "jeune", "jeune", True), Adjective("good", "bon", "bonne", True),
)  # fmt: skip
# English third person, base; French je, tu, il, nous, vous, ils.
VERBS = (
    ("sees", "see", "vois", "vois", "voit", "voyons", "voient"),
    ("likes", "like", "aime", "aimes", "aime", "aimons", "aiment"),
    ("looks for", "look for", "cherche", "cherches", "cherche", "cherchons", "cherchent"),
    ("finds", "find", "trouve", "trouves", "trouve", "trouvons", "trouvent"),
    ("listens to", "listen to", "écoute", "écoutes", "écoute", "écoutons", "écoutent"),
    ("draws", "draw", "dessine", "dessines", "dessine", "dessinons", "dessinent"),
    ("buys", "buy", "achète", "achètes", "achète", "achetons", "achètent"),
)
PLACES = (("in the city", "en ville"), ("at home", "à la maison"), ("near the river", "près de la rivière"))
TIMES = (("today", "aujourd'hui"), ("often", "souvent"), ("this evening", "ce soir"))
FRENCH_PERSON = {"I": ("je", 0), "you": ("tu", 1), "he": ("il", 2), "she": ("elle", 2), "we": ("nous", 3)}
FRENCH_PERSON |= {"they": ("ils", 4)}
# English determiner, French masculine, feminine, plural, and what stands before a vowel (masculine, feminine).
DETERMINERS = (
    ("the", "le", "la", "les", "l'", "l'"),
    ("a", "un", "une", "des", "un", "une"),
    ("my", "mon", "ma", "mes", "mon", "mon"),
    ("this", "ce", "cette", "ces", "cet", "cette"),
)
ENGLISH_PLURAL = {"a": "some", "this": "these"}


def begins_with_vowel(word: str) -> bool:
    """Whether a French word loses or changes what stands before it.

    >>> begins_with_vowel("île"), begins_with_vowel("maison")
    (True, False)
    """
    return word[0] in VOWELS or word[0] in "îôêàâ"


def noun_phrase(rng: np.random.Generator) -> tuple[str, str, bool]:
    """An English noun phrase, its French one, and whether it is plural."""
    noun = NOUNS[rng.integers(len(NOUNS))]
    plural = bool(rng.random() < 0.35)
    chosen = [
        ADJECTIVES[i] for i in rng.choice(len(ADJECTIVES), int(rng.choice(3, p=(0.35, 0.45, 0.2))), replace=False)
    ]
    english, *forms = DETERMINERS[rng.integers(len(DETERMINERS))]
    if plural:
        english = ENGLISH_PLURAL.get(english, english)
    words_en = [adjective.english for adjective in chosen] + [noun.english + ("s" if plural else "")]
    if english == "a" and words_en[0][0] in "aeiou":
        english = "an"
    mark = "s" if plural else ""
    agreed = [(a.feminine if noun.feminine else a.masculine) + mark for a in chosen]
    before = [word for word, a in zip(agreed, chosen, strict=True) if a.first]
    after = [word for word, a in zip(agreed, chosen, strict=True) if not a.first]
    words_fr = [*before, noun.french + mark, *after]
    masculine, feminine, many, vowel_masculine, vowel_feminine = forms
    if plural:
        determiner = many
    elif begins_with_vowel(words_fr[0]):
        determiner = vowel_feminine if noun.feminine else vowel_masculine
    else:
        determiner = feminine if noun.feminine else masculine
    french = determiner + ("" if determiner.endswith("'") else " ") + " ".join(words_fr)
    return f"{english} {' '.join(words_en)}", french, plural


MOST_SENTENCES = 200_000  # different ones that are drawn; the grammar has more


def elide(word: str, following: str) -> str:
    """ "ne", "je" before another word: "n'aime", "je vois"."""
    return f"{word[:-1]}'{following}" if begins_with_vowel(following) else f"{word} {following}"


def sentence(rng: np.random.Generator) -> tuple[str, str]:
    """One English sentence and its translation."""
    third, base, *forms = VERBS[rng.integers(len(VERBS))]
    if rng.random() < 0.4:
        english = PERSONS[rng.integers(len(PERSONS))]
        french, form = FRENCH_PERSON[english]
        is_third = english in ("he", "she")
    else:
        english, french, plural = noun_phrase(rng)
        form, is_third = (4, False) if plural else (2, True)
    verb, negated = forms[form], bool(rng.random() < 0.3)
    verb_en = f"{'does' if is_third else 'do'} not {base}" if negated else (third if is_third else base)
    verb_fr = f"{elide('ne', verb)} pas" if negated else verb
    french = elide("je", verb_fr) if french == "je" else f"{french} {verb_fr}"
    english = f"{english} {verb_en}"
    object_en, object_fr, _ = noun_phrase(rng)
    if negated and object_fr.split()[0] in ("un", "une", "des"):  # "pas de": the article of a negated object
        object_fr = elide("de", object_fr.split(maxsplit=1)[1])
    english, french = f"{english} {object_en}", f"{french} {object_fr}"
    for share, choices in ((0.3, PLACES), (0.3, TIMES)):
        if rng.random() < share:
            more_en, more_fr = choices[rng.integers(len(choices))]
            english, french = f"{english} {more_en}", f"{french} {more_fr}"
    return f"{english}.", f"{french}."


def toy_translation(*, num_examples: int = 12_000, seed: int = 0) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Different sentences of the grammar with their translations; no English sentence is there twice.

    Args:
        num_examples: N, 1 .. 200,000.
        seed: which sentences, and their order.
    Returns:
        (english, french), N each.
    """
    check_int("num_examples", num_examples, 1, MOST_SENTENCES)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    pairs: dict[str, str] = {}
    while len(pairs) < num_examples:
        english, french = sentence(rng)
        pairs.setdefault(english, french)
    return tuple(pairs), tuple(pairs.values())
