"""Trains the word, byte-level BPE and WordPiece tokenizers with Hugging Face's library (F078, F080, F081, F084)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tokenizers as hf
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from nn_core.text.interface import SPECIAL_TOKENS, UNKNOWN_TOKEN, check_special_tokens, clean_text
from nn_core.text.trained import WORD_PATTERN, TrainedTokenizer
from nn_core.text.wordpiece import CONTINUATION, train_wordpiece_vocabulary

SPACE = "\u2581"  # SentencePiece's visible space


def check_trained_special_tokens(special_tokens: Sequence[str]) -> tuple[str, ...]:
    """Text is cut around the first character of every special token, so that no piece can spell a whole one."""
    tokens = check_special_tokens(special_tokens)
    if UNKNOWN_TOKEN not in tokens:
        raise ValueError(f"special_tokens={tokens} lack {UNKNOWN_TOKEN!r}, the id of what is unknown; add it")
    for token in tokens:
        if len(token) < 2 or token[0].isalnum() or token[0].isspace() or token[0] == SPACE:
            raise ValueError(
                f"special token {token!r} could be a word of the text; use a form such as '[NAME]' or '<NAME>'"
            )
    return tokens


def isolate(characters: Iterable[str]) -> list[pre_tokenizers.PreTokenizer]:
    return [pre_tokenizers.Split(character, "isolated") for character in sorted(set(characters))]


def checked_texts(texts: Iterable[str | bytes]) -> Iterator[str]:
    """The cleaned training texts; raises ValueError at the end if all of them were empty."""
    found = False
    for text in [texts] if isinstance(texts, (str, bytes)) else texts:
        found = found or bool(text)
        yield clean_text(text)
    if not found:
        raise ValueError("the training text is empty: it holds no token; train on text with at least one word")


def make_pipeline(
    model: Any, steps: Sequence[Any], cuts: Sequence[Any], decoder: Any | None, lowercase: bool
) -> hf.Tokenizer:
    """A tokenizer of normalisation `steps`, pre-token `cuts`, `model` and `decoder`."""
    tokenizer = hf.Tokenizer(model)
    steps = [*([normalizers.Lowercase()] if lowercase else []), *steps]
    if steps:
        tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(list(cuts))
    if decoder is not None:
        tokenizer.decoder = decoder
    return tokenizer


def finish(tokenizer: hf.Tokenizer, special_tokens: Sequence[str], vocabulary_size: int) -> TrainedTokenizer:
    """Checks what training must guarantee: the size, and the ids of the special tokens."""
    trained = TrainedTokenizer(tokenizer.to_str())
    ids = {token: index for index, token in enumerate(special_tokens)}
    if trained.vocabulary_size > vocabulary_size:
        raise ValueError(
            f"vocabulary_size={vocabulary_size} is less than the {trained.vocabulary_size} special tokens and single "
            "characters of the training text; raise it"
        )
    if trained.special_ids != ids:
        raise ValueError(
            f"training gave the special tokens the ids {trained.special_ids} instead of {ids}; rename them"
        )
    return trained


def train_words(
    texts: Iterable[str | bytes],
    *,
    vocabulary_size: int,
    special_tokens: Sequence[str] = SPECIAL_TOKENS,
    lowercase: bool = False,
    min_frequency: int = 1,
) -> TrainedTokenizer:
    """Word tokenizer: the most frequent words are tokens, all others are "[UNK]".

    A token is the first of these that matches (`WORD_PATTERN`): a URL; an e-mail address; a number with its inner . , : /
    and - (3.14, 2024-01-31); letters and digits with inner apostrophes and hyphens (don't, state-of-the-art); any other
    single character that is not a space. So "$5" is two tokens.

    Args:
        texts: the training texts.
        vocabulary_size: at most this many tokens, special ones included.
        special_tokens: get the ids 0, 1, ...; they must hold "[UNK]".
        lowercase: lower-case all text, at training and at use.
        min_frequency: words that occur less often are left out.
    Raises:
        ValueError: if the texts hold no word, or for special tokens that text could spell.
    """
    special_tokens = check_trained_special_tokens(special_tokens)
    first = [token[0] for token in special_tokens]
    cuts = [*isolate(first), pre_tokenizers.Split(hf.Regex(WORD_PATTERN), "removed", invert=True)]
    tokenizer = make_pipeline(models.WordLevel(unk_token=UNKNOWN_TOKEN), [], cuts, None, lowercase)
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocabulary_size,
        min_frequency=min_frequency,
        special_tokens=list(special_tokens),
        show_progress=False,
    )
    tokenizer.train_from_iterator(checked_texts(texts), trainer)
    return finish(tokenizer, special_tokens, vocabulary_size)


def train_byte_bpe(
    texts: Iterable[str | bytes],
    *,
    vocabulary_size: int,
    special_tokens: Sequence[str] = SPECIAL_TOKENS,
    lowercase: bool = False,
    min_frequency: int = 1,
) -> TrainedTokenizer:
    """BPE over UTF-8 bytes, as GPT-2: all 256 bytes are tokens, so no text is unknown. Arguments as for `train_words`."""
    special_tokens = check_trained_special_tokens(special_tokens)
    cuts = [*isolate(token[0] for token in special_tokens), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer = make_pipeline(models.BPE(), [], cuts, decoders.ByteLevel(), lowercase)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=min_frequency,
        special_tokens=list(special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(checked_texts(texts), trainer)
    return finish(tokenizer, special_tokens, vocabulary_size)


def train_wordpiece(
    texts: Iterable[str | bytes],
    *,
    vocabulary_size: int,
    special_tokens: Sequence[str] = SPECIAL_TOKENS,
    lowercase: bool = False,
    min_frequency: int = 2,
) -> TrainedTokenizer:
    """WordPiece: pieces by likelihood, greedy longest match, "##" inside words; a word that cannot be built is "[UNK]".

    Arguments as for `train_words`; min_frequency is that of a pair, see `train_wordpiece_vocabulary`. Words of more than
    100 characters are "[UNK]".
    """
    special_tokens = check_trained_special_tokens(special_tokens)
    cuts = [*isolate(token[0] for token in special_tokens), pre_tokenizers.BertPreTokenizer()]
    decoder = decoders.WordPiece(prefix=CONTINUATION, cleanup=False)
    splitter = make_pipeline(models.WordPiece(unk_token=UNKNOWN_TOKEN), [], cuts, decoder, lowercase)
    counts: Counter[str] = Counter()
    for text in checked_texts(texts):
        normal = splitter.normalizer.normalize_str(text) if lowercase else text
        counts.update(word for word, _ in splitter.pre_tokenizer.pre_tokenize_str(normal))
    pieces = train_wordpiece_vocabulary(counts, vocabulary_size - len(special_tokens), min_frequency=min_frequency)
    vocabulary = {piece: index for index, piece in enumerate([*special_tokens, *pieces])}
    model = models.WordPiece(vocabulary, unk_token=UNKNOWN_TOKEN, continuing_subword_prefix=CONTINUATION)
    tokenizer = make_pipeline(model, [], cuts, decoder, lowercase)
    tokenizer.add_special_tokens(list(special_tokens))
    return finish(tokenizer, special_tokens, vocabulary_size)
