"""A warning where a vocabulary lacks words of some texts: all of them are one token to the model."""

from collections import Counter
from collections.abc import Iterable

from nn_core.text.interface import UNKNOWN_TOKEN, Tokenizer

SHOWN = 5  # unknown words that are told


def tell_unknown(tokenizer: Tokenizer, texts: Iterable[str], whose: str = "the start") -> list[str]:
    """The warning as a list of one line; empty where every word is known.

    Args:
        tokenizer: of the model.
        texts: that it reads.
        whose: what the message calls the model.
    """
    unknown = tokenizer.special_ids.get(UNKNOWN_TOKEN)
    if unknown is None:
        return []
    total, words = 0, Counter[str]()
    for text in texts:
        found = tokenizer.encode_with_offsets(text)
        total += len(found.ids_N)
        words.update(text[start:stop] for start, stop in found.offsets_N2[found.ids_N == unknown].tolist())
    if not words:
        return []
    count, shown = words.total(), ", ".join(repr(word) for word in list(words)[:SHOWN])
    return [
        f"warning: {count:,} of {total:,} tokens ({count / total:.1%}) are not in the vocabulary of {whose} and become "
        f"{UNKNOWN_TOKEN}: {shown}{', …' if len(words) > SHOWN else ''}; write words that it has (in lower case, with "
        "blanks before signs), or start from a model that reads any text"
    ]
