"""Texts with labels or translations: SMS messages that are spam or not (F089, F026), and English-French captions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nn_core.data.checks import check_choice, check_float, check_int
from nn_core.data.download import fetch
from nn_core.data.registry import SOURCES
from nn_core.data.text import decode_text

SPAM_LABELS = ("ham", "spam")


class LabelledTexts(NamedTuple):
    """N texts, each with a class: `labels` is int32 (N,), an index into `label_names`."""

    texts: tuple[str, ...]
    labels: np.ndarray
    label_names: tuple[str, ...]


def parse_sms(data: bytes) -> LabelledTexts:
    """Lines of label, tab, message (the format of the SMS Spam Collection); a message may hold further tabs.

    Lines end with "\\n" alone: a message may hold other separators that Python's `splitlines` would split at.

    Raises:
        ValueError: a line (its number is given) without a tab, with another label, or no line at all.
    """
    texts, labels = [], []
    for number, line in enumerate(decode_text(data).split("\n"), start=1):
        if not line:
            continue
        label, tab, message = line.partition("\t")
        if not tab or label not in SPAM_LABELS:
            raise ValueError(f"line {number} starts with {line[:20]!r}; expected ham or spam, a tab and the message")
        texts.append(message)
        labels.append(SPAM_LABELS.index(label))
    if not texts:
        raise ValueError("no message in the file; expected lines of ham or spam, a tab and the message")
    return LabelledTexts(tuple(texts), np.array(labels, np.int32), SPAM_LABELS)


def sms_spam() -> LabelledTexts:
    """The SMS Spam Collection of UCI: 5,574 messages, 13 % of them spam (a copy with 5,549 is accepted too)."""
    return parse_sms(fetch(SOURCES["sms_spam"]).read_bytes())


_WORDS = {
    "money": ("prize", "cash award", "bonus", "voucher", "holiday", "new phone", "gift card"),
    "urge": ("URGENT!", "Congratulations!", "Winner!!", "FREE entry!", "Final notice:", "Last chance,"),
    "act": ("Call {number} now", "Text WIN to {number}", "Reply YES", "Claim at www.{money_site}.example", "Text END"),
    "money_site": ("bigwin", "freecash", "prizeline", "topdeals"),
    "who": ("mum", "Sam", "my sister", "the boss", "Lee", "grandpa", "your brother"),
    "plan": ("dinner", "the film", "football", "the exam", "shopping", "lunch", "the meeting", "a walk"),
    "time": ("tonight", "at six", "tomorrow", "after work", "on Sunday", "later", "in ten minutes"),
    "mood": ("Ok lol.", "Sorry!", "Haha yes.", "Hmm,", "Love you.", "Thanks :)", "No problem."),
}
_TEMPLATES = {
    "ham": (
        "{mood} I'm with {who}, see you {time}",
        "Are you coming to {plan} {time}?",
        "{who} says {plan} is {time}. {mood}",
        "Can you call me {time}? It's about {plan}",
        "{mood} I won the prize at {plan}, tell {who}",
        "Is the call with {who} free to move to {time}?",
    ),
    "spam": (
        "{urge} You have won a {money}. {act}",
        "{urge} Your mobile was selected for a {money} worth £{number}. {act}",
        "{act} to get your {money}! Offer ends {time}",
        "Dear customer, your {money} is waiting {time}. {act}",
        "{urge} {act} and win a {money} for you and {who}",
    ),
}


def generated_spam(*, num_examples: int = 2000, noise: float = 0.02, seed: int = 0, spam: float = 0.3) -> LabelledTexts:
    """Messages from templates: an offline stand-in for the SMS Spam Collection.

    Args:
        num_examples: N >= 2.
        noise: probability in [0, 0.5] that a label is flipped.
        spam: share of spam before the flips, in [0, 1], exact up to rounding.
    Returns:
        N messages in random order.
    """
    check_int("num_examples", num_examples, 2, 10_000_000)
    check_float("noise", noise, 0.0, 0.5)
    check_float("spam", spam, 0.0, 1.0)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    kinds_N = rng.permutation((np.arange(num_examples) < round(spam * num_examples)).astype(np.int32))
    texts = tuple(_message(rng, SPAM_LABELS[kind]) for kind in kinds_N)
    labels_N = kinds_N ^ (rng.random(num_examples) < noise)
    return LabelledTexts(texts, labels_N.astype(np.int32), SPAM_LABELS)


def _message(rng: np.random.Generator, kind: str) -> str:
    templates = _TEMPLATES[kind]
    message = templates[rng.integers(len(templates))]
    for name in ("urge", "act", "mood", "who", "plan", "time", "money_site", "money"):  # act holds other slots: early
        words = _WORDS[name]
        while (slot := f"{{{name}}}") in message:
            message = message.replace(slot, words[rng.integers(len(words))], 1)
    while "{number}" in message:
        message = message.replace("{number}", str(rng.integers(100, 100_000)), 1)
    return message[0].upper() + message[1:]


CORPORA: dict[str, Callable[..., LabelledTexts]] = {"sms_spam": sms_spam, "generated_spam": generated_spam}


def multi30k(part: str = "train") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Captions of photographs in English and, line by line, in French.

    Args:
        part: "train" (29,000 pairs) or "val" (1,014).
    Returns:
        (english, french), of equal length.
    """
    check_choice("part of multi30k", part, ("train", "val"))
    english, french = (
        tuple(decode_text(fetch(SOURCES[f"multi30k_{part}_{language}"]).read_bytes()).rstrip("\n").split("\n"))
        for language in ("en", "fr")
    )
    if len(english) != len(french):
        raise ValueError(f"multi30k {part} has {len(english)} English, {len(french)} French lines; download it again")
    return english, french
