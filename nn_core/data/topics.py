"""A toy text about two topics, and lists of words to judge word vectors by (F091, F100, F103)."""

from __future__ import annotations

import numpy as np

from nn_core.data.checks import check_int

# The topics of the toy text: words of one topic occur in the same sentences, words of different topics never do.
TOPICS: dict[str, tuple[str, ...]] = {
    "computers": (
        "laptop",
        "computer",
        "keyboard",
        "screen",
        "printer",
        "server",
        "program",
        "network",
        "mouse",
        "disk",
    ),
    "fruit": ("banana", "orange", "apple", "pear", "cherry", "lemon", "juice", "orchard", "basket", "market"),
}
_SENTENCES = (
    "the {} and the {} are on the table",
    "she took a {} and then another {} with her",
    "is there a {} beside the {} today",
    "they bought one {} two of the {} and a {}",
    "my {} is better than your {} said the man",
    "without a {} the {} was of no use",
)


def two_topics(*, num_sentences: int = 2_000, seed: int = 0) -> str:
    """Sentences, one a line, each about one of TOPICS; the other words are shared.

    Args:
        num_sentences: >= 1.
        seed: of everything.
    Returns:
        The text, about 40 characters a sentence.
    """
    check_int("num_sentences", num_sentences, 1)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    topics = list(TOPICS.values())
    lines = []
    for _ in range(num_sentences):
        words = topics[rng.integers(len(topics))]
        sentence = _SENTENCES[rng.integers(len(_SENTENCES))]
        chosen = rng.choice(len(words), sentence.count("{}"), replace=False)
        lines.append(sentence.format(*(words[place] for place in chosen)))
    return "\n".join(lines) + "\n"


# Topics of tiny Shakespeare: words that occur there at least 24 times each.
SHAKESPEARE_TOPICS: dict[str, tuple[str, ...]] = {
    "ranks": ("king", "queen", "duke", "prince", "lord", "lady", "earl", "sir"),
    "family": ("father", "mother", "son", "brother", "sister", "daughter", "wife", "husband"),
    "body": ("hand", "heart", "eyes", "head", "tongue", "face", "arms", "blood"),
    "time": ("day", "night", "hour", "morning", "time", "year"),
    "war": ("war", "sword", "battle", "soldiers", "enemy", "power"),
}

# Pairs of frequent words of tiny Shakespeare with a similarity from 0 (unrelated) to 10 (nearly the same), judged by
# hand by what the words mean there; for comparing word vectors with each other, not with people.
SHAKESPEARE_PAIRS: tuple[tuple[str, str, float], ...] = (
    ("king", "queen", 8.0),
    ("king", "prince", 7.5),
    ("duke", "earl", 8.0),
    ("lord", "sir", 7.0),
    ("lady", "madam", 8.0),
    ("father", "mother", 8.5),
    ("son", "daughter", 8.0),
    ("brother", "sister", 8.5),
    ("wife", "husband", 8.5),
    ("father", "son", 7.5),
    ("man", "woman", 7.5),
    ("men", "women", 7.5),
    ("boy", "child", 7.5),
    ("friend", "friends", 8.5),
    ("hand", "hands", 9.0),
    ("eye", "eyes", 9.0),
    ("eyes", "tears", 6.0),
    ("hand", "arm", 7.0),
    ("head", "face", 6.5),
    ("heart", "soul", 7.0),
    ("tongue", "words", 6.0),
    ("blood", "death", 5.5),
    ("day", "night", 7.5),
    ("day", "hour", 6.5),
    ("morning", "night", 6.5),
    ("year", "day", 6.0),
    ("love", "hate", 6.0),
    ("love", "heart", 6.0),
    ("war", "peace", 6.0),
    ("sword", "war", 6.0),
    ("life", "death", 6.5),
    ("live", "die", 6.5),
    ("come", "go", 7.0),
    ("speak", "say", 8.0),
    ("hear", "see", 6.0),
    ("give", "take", 6.5),
    ("stand", "sit", 6.0),
    ("good", "gentle", 6.0),
    ("good", "bad", 5.5),
    ("noble", "gracious", 7.0),
    ("thou", "thee", 8.0),
    ("thy", "thine", 8.5),
    ("hath", "has", 9.0),
    ("doth", "does", 9.0),
    ("shall", "will", 8.0),
    ("heaven", "god", 7.5),
    ("heaven", "earth", 6.5),
    ("sun", "moon", 7.5),
    ("crown", "king", 6.0),
    ("grave", "death", 6.5),
    ("king", "tears", 1.5),
    ("queen", "sword", 1.5),
    ("father", "sun", 1.5),
    ("brother", "hour", 0.5),
    ("wife", "war", 1.0),
    ("hand", "god", 1.5),
    ("eyes", "duke", 0.5),
    ("head", "peace", 0.5),
    ("day", "tongue", 0.5),
    ("night", "sister", 0.5),
    ("year", "lady", 0.5),
    ("love", "earl", 0.5),
    ("sword", "mother", 0.5),
    ("death", "women", 1.0),
    ("speak", "moon", 0.5),
    ("give", "morning", 0.5),
    ("good", "arm", 0.5),
    ("noble", "words", 1.5),
    ("thou", "grave", 0.5),
    ("hath", "child", 0.5),
    ("shall", "blood", 0.5),
    ("heaven", "sir", 1.0),
    ("earth", "speak", 0.5),
    ("crown", "hear", 0.5),
    ("soul", "year", 1.0),
    ("men", "doth", 0.5),
    ("boy", "heaven", 0.5),
    ("friend", "night", 0.5),
)
