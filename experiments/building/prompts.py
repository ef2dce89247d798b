"""Prompts as tokens, and the characters that a vocabulary has no token for."""

from collections.abc import Callable, Sequence

from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.text.characters import CharacterTokenizer
from nn_core.text.interface import Tokenizer, clean_text

NOTHING = "the prompt is empty, there is nothing to continue; give it at least one character"


def encode_prompt(tokenizer: Tokenizer, prompt: str, feed: Callable[[str], list[int]] | None = None) -> list[int]:
    """The ids of a prompt.

    Args:
        tokenizer: of the model.
        prompt: the text.
        feed: how the model reads texts where it puts its own tokens around them; special tokens in them are special.
    Raises:
        ValueError: an empty prompt, or characters that the vocabulary does not hold (each is named).
    """
    if feed is None and not prompt:
        raise ValueError(NOTHING)
    check_characters(tokenizer, prompt, feed is not None)
    ids = tokenizer.encode(prompt).tolist() if feed is None else feed(prompt)
    if not ids:
        raise ValueError(
            f"the prompt {shortened(prompt)} has no token in this vocabulary; give it another text"
            if prompt
            else NOTHING
        )
    return ids


def check_characters(tokenizer: Tokenizer, prompt: str, special: bool = False) -> None:
    """Raises ValueError where a prompt has characters that would be left out; arguments as `lacking_characters`."""
    if unknown := lacking_characters(tokenizer, prompt, special):
        known = known_characters(tokenizer) or ""
        hint = "; a line break is typed $'\\n' in a shell" if "\\n" in prompt else ""
        raise ValueError(
            f"the prompt {shortened(prompt)} has characters outside the vocabulary: {shortened_list(unknown)}; it holds "
            f"{len(known)} others, such as {shortened_list(known.strip()[-5:])}{hint}"
        )


def lacking_characters(tokenizer: Tokenizer, text: str, special: bool = False) -> list[str]:
    """The characters of a text that have no token, in order; `special`: its special tokens are tokens."""
    known = known_characters(tokenizer)
    if known is None:
        return []
    text = clean_text(text)
    for token in tokenizer.special_ids if special else ():
        text = text.replace(token, "")
    return sorted(set(text) - set(known))


def known_characters(tokenizer: Tokenizer) -> str | None:
    """The only characters that have tokens; None: none is left out."""
    if isinstance(tokenizer, FolderTokenizer):
        return tokenizer.characters
    closed = isinstance(tokenizer, CharacterTokenizer) and tokenizer.unknown == "error"
    return tokenizer.characters if closed else None  # type: ignore[attr-defined]


def shortened(text: str, most: int = 60) -> str:
    """A text for a message, shortened if it is long."""
    return repr(text) if len(text) <= most else f"{text[:most]!r}…"


def shortened_list(characters: Sequence[str], most: int = 10) -> str:
    """Characters for a message: the first of them, and how many more there are."""
    more = f" and {len(characters) - most} more" if len(characters) > most else ""
    return " ".join(map(repr, characters[:most])) + more
