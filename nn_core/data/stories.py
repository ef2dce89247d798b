"""Texts without labels, and questions about them, of one small vocabulary: what BERT is pre-trained and fine-tuned on.

Stories of a few steps that follow each other, so that the second of two sentences follows the first or does not; opinions;
tagged sentences; facts with a question; stories and what they are about; and "date" in its two meanings (F095, F098, F138).
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from tokenizers.models import WordPiece

from nn_core.data.checks import check_int
from nn_core.data.opinions import opinions
from nn_core.data.sequences import PAD_ID, TAG_WORDS, tagged_sentences
from nn_core.data.text_tasks import answer
from nn_core.text.wordpiece import CONTINUATION, train_wordpiece_vocabulary

PAD, CLS, SEP, MASK = PAD_ID, 1, 2, 3
SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]")  # no text of these has an unknown word; people's have
NO_LABEL = -1
_NAMES = ("anna", "ben", "clara", "david", "emma", "felix")
_SCRIPTS: tuple[tuple[str, ...], ...] = (
    ("{a} buys {t} eggs at the shop", "{a} breaks the eggs into a pan", "{a} eats the warm eggs", "{a} washes the pan"),
    ("{a} opens the door of the house", "{a} enters the {t} room", "{a} sits down on the chair", "{a} reads a book"),
    ("{a} puts on the {t} shoes", "{a} runs to the park", "{a} rests under a tree", "{a} walks home again"),
    ("{a} plants a seed in the {t} garden", "{a} waters the seed", "a flower grows", "{a} picks the flower"),
    ("{a} writes a {t} letter", "{a} takes the letter to the post", "a friend gets the letter", "the friend answers"),
    ("dark clouds come over the {t} hill", "it begins to rain", "{a} opens an umbrella", "the sun shines again"),
)
TOPICS = ("eggs", "house", "park", "garden", "letter", "rain")  # of each script, in their order
_KINDS = ("big", "small", "old", "green", "quiet")
_FRUIT = ("{a} eats a sweet date", "a ripe date falls from the tree", "the date tastes of honey", "{a} picks a date in the garden",
          "a dried date and a fig lie on the plate")  # fmt: skip
_DAY = ("the date of the meeting is monday", "{a} writes the date on the letter", "a new date for the exam comes in june",
        "the date on the ticket is wrong", "{a} forgets the date of the party")  # fmt: skip


class Pages(NamedTuple):
    """N texts of one or two sentences: [CLS] a [SEP], or [CLS] a [SEP] b [SEP].

    Attributes:
        ids_NT: int32, padded with PAD.
        segments_NT: 0 up to the first [SEP], then 1.
        follows_N: 1 where b follows a, 0 where it does not, NO_LABEL where there is no b.
        words_NT: the place at which the word of each token begins, its own place where the token is a whole word.
    """

    ids_NT: np.ndarray
    segments_NT: np.ndarray
    follows_N: np.ndarray
    words_NT: np.ndarray


class Spelling(NamedTuple):
    """How the words of these texts become tokens.

    Attributes:
        ids: of every token; special tokens first.
        tokens_of: word -> its tokens' ids.
    """

    ids: Mapping[str, int]
    tokens_of: Mapping[str, tuple[int, ...]]


def vocabulary() -> dict[str, int]:
    """Every word of these texts and its id; special tokens first."""
    return {word: index for index, word in enumerate((*SPECIAL, *sorted(_counts())))}


def _counts() -> Counter[str]:
    """Every word of these texts and how often a sample of them has it."""
    texts = [*opinions(num_examples=600)[0], *_facts(400, 0), *_FRUIT, *_DAY]
    texts += [line.format(a="", t="") for script in _SCRIPTS for line in script]
    counts = Counter(word for text in texts for word in text.replace("{a}", "").lower().split())
    counts.update({*_NAMES, *_KINDS, *TAG_WORDS[1:]})
    return Counter({word: count for word, count in counts.items() if word not in SPECIAL})


@functools.cache
def spelling(pieces: int = 0) -> Spelling:
    """Words as tokens, or in the pieces of a WordPiece vocabulary.

    Args:
        pieces: the size of the vocabulary, special tokens included; 0: every word is a token.
    Raises:
        ValueError: fewer pieces than the special tokens and the single characters.
    """
    if not pieces:
        ids = vocabulary()
        return Spelling(ids, {word: (index,) for word, index in ids.items()})
    counts = _counts()
    learned = train_wordpiece_vocabulary(dict(sorted(counts.items())), max(pieces - len(SPECIAL), 0))
    ids = {piece: index for index, piece in enumerate((*SPECIAL, *learned))}
    model = WordPiece(ids, unk_token="[UNK]", continuing_subword_prefix=CONTINUATION)
    return Spelling(ids, {word: tuple(token.id for token in model.tokenize(word)) for word in counts})


def pages(pairs: Sequence[tuple[str, str]], follows: Sequence[int], width: int, pieces: int = 0) -> Pages:
    """Texts as ids; an empty second sentence is none.

    Args:
        pairs, follows: the sentences, and whether the second follows the first.
        width: T.
        pieces: of `spelling`.
    Raises:
        ValueError: a text of more than `width` tokens.
    """
    tokens_of = spelling(pieces).tokens_of
    heads = [[(CLS,), *(tokens_of[word] for word in first.split()), (SEP,)] for first, _ in pairs]
    tails = [[*(tokens_of[word] for word in second.split()), (SEP,)] if second else [] for _, second in pairs]
    lengths = [[len(word) for word in head + tail] for head, tail in zip(heads, tails, strict=True)]
    if (longest := max(map(sum, lengths), default=0)) > width:
        raise ValueError(f"the longest text has {longest} tokens, more than width={width}; raise it")
    ids_NT, segments_NT = np.full((len(pairs), width), PAD, np.int32), np.zeros((len(pairs), width), np.int32)
    words_NT = np.tile(np.arange(width, dtype=np.int32), (len(pairs), 1))
    for row, (head, tail, each) in enumerate(zip(heads, tails, lengths, strict=True)):
        count = sum(each)
        ids_NT[row, :count] = [index for word in head + tail for index in word]
        segments_NT[row, sum(map(len, head)) : count] = 1
        words_NT[row, :count] = np.repeat(np.cumsum([0, *each[:-1]]), each)
    return Pages(ids_NT, segments_NT, np.asarray(follows, np.int32), words_NT)


def starts_of(words_T: np.ndarray) -> np.ndarray:
    """The place at which each word begins, [CLS] being word 0; one of the padding follows the last word."""
    return np.flatnonzero(words_T == np.arange(len(words_T)))


def unlabelled(*, num_examples: int = 6000, width: int = 24, seed: int = 0, pieces: int = 0) -> Pages:
    """Half story pairs (half of them in order; of the others half are turned round, half from two stories), the rest
    single texts of the other kinds in equal parts."""
    check_int("num_examples", num_examples, 8)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    pairs, follows = story_pairs(num_examples // 2, rng)
    rest = num_examples - len(pairs)
    tagged = [
        " ".join(TAG_WORDS[i] for i in row if i) for row in tagged_sentences(num_examples=rest, seed=seed + 1).ids_NT
    ]
    others = [*opinions(num_examples=rest, seed=seed + 1)[0], *tagged, *_facts(rest, seed + 1)]
    others += [text for meaning in (0, 1) for text in date_sentences(meaning, rest // 2, seed + 1)]
    chosen = rng.permutation(len(others))[:rest]
    pairs += [(others[i], "") for i in chosen]
    return pages(pairs, follows + [NO_LABEL] * rest, width, pieces)


def story_pairs(count: int, rng: np.random.Generator) -> tuple[list[tuple[str, str]], list[int]]:
    """Pairs of sentences, and whether the second follows the first."""
    pairs, follows = [], []
    for _ in range(count):
        script = _SCRIPTS[rng.integers(len(_SCRIPTS))]
        place = int(rng.integers(len(script) - 1))
        words = {"a": _NAMES[rng.integers(len(_NAMES))], "t": _KINDS[rng.integers(len(_KINDS))]}
        first, second = script[place], script[place + 1]
        follow = int(rng.integers(2))
        if not follow and rng.random() < 0.5:
            first, second = second, first
        elif not follow:
            others = [other for other in _SCRIPTS if other is not script]
            second = others[rng.integers(len(others))][place + 1]
        pairs.append((first.format(**words), second.format(**words)))
        follows.append(follow)
    return pairs, follows


def date_sentences(meaning: int, count: int, seed: int) -> list[str]:
    """Sentences with "date" as a fruit (0) or a day (1)."""
    rng = np.random.default_rng((seed, meaning))
    texts = (_FRUIT, _DAY)[meaning]
    return [texts[rng.integers(len(texts))].format(a=_NAMES[rng.integers(len(_NAMES))]) for _ in range(count)]


def _facts(count: int, seed: int) -> list[str]:
    rng = np.random.default_rng((seed, 2))
    return [_plain(answer(rng)[0].removeprefix("answer: ")) for _ in range(count)]


def _plain(text: str) -> str:
    return text.replace(".", " .").replace("?", " ?").lower()


def opinion_task(num_examples: int, width: int, seed: int, pieces: int = 0) -> tuple[Pages, np.ndarray]:
    """Whether an opinion praises: (texts, int32 (N,))."""
    texts, labels_N = opinions(num_examples=num_examples, seed=seed)
    return pages([(text, "") for text in texts], [NO_LABEL] * len(texts), width, pieces), labels_N


def tag_task(num_examples: int, width: int, seed: int, pieces: int = 0) -> tuple[Pages, np.ndarray]:
    """The part of speech of each word: (texts, int32 (N, T), at the first token of the word, NO_LABEL elsewhere)."""
    found = tagged_sentences(num_examples=num_examples, seed=seed)
    texts = [" ".join(TAG_WORDS[i] for i in row if i) for row in found.ids_NT]
    made = pages([(text, "") for text in texts], [NO_LABEL] * num_examples, width, pieces)
    tags_NT = np.full((num_examples, width), NO_LABEL, np.int32)
    for row, text in enumerate(texts):
        count = len(text.split())
        tags_NT[row, starts_of(made.words_NT[row])[1 : count + 1]] = found.tags_NT[row, :count]
    return made, tags_NT


def span_task(num_examples: int, width: int, seed: int, pieces: int = 0) -> tuple[Pages, np.ndarray]:
    """Where the answer stands: question and facts as two sentences, (texts, int32 (N, 2) first and last place)."""
    rng = np.random.default_rng((seed, 3))
    pairs, spans_N2 = [], np.zeros((num_examples, 2), np.int32)
    for row in range(num_examples):
        source, target = answer(rng)
        facts, question = source.removeprefix("answer: ").split(" What ")
        question, facts = _plain(f"what {question}"), _plain(facts)
        pairs.append((question, facts))
        words, wanted = facts.split(), _plain(target).split()
        start = next(i for i in range(len(words)) if words[i : i + len(wanted)] == wanted)
        spans_N2[row] = len(question.split()) + 2 + start + np.array([0, len(wanted)])
    made = pages(pairs, [NO_LABEL] * num_examples, width, pieces)
    for row, words_T in enumerate(made.words_NT):
        spans_N2[row] = starts_of(words_T)[spans_N2[row]] - [0, 1]  # the last token is before the next word
    return made, spans_N2


def topic_task(num_examples: int, width: int, seed: int, pieces: int = 0) -> tuple[Pages, np.ndarray]:
    """Whether a sentence of a story, the first one, is about a topic, the second: (texts, int32 (N,)), half of them are."""
    rng = np.random.default_rng((seed, 4))
    pairs, labels_N = [], (np.arange(num_examples) % 2).astype(np.int32)
    for label in labels_N:
        place, other = rng.choice(len(_SCRIPTS), 2, replace=False)
        script = _SCRIPTS[place]
        sentence = script[rng.integers(len(script))]
        words = {"a": _NAMES[rng.integers(len(_NAMES))], "t": _KINDS[rng.integers(len(_KINDS))]}
        pairs.append((sentence.format(**words), TOPICS[place if label else other]))
    return pages(pairs, [NO_LABEL] * num_examples, width, pieces), labels_N
