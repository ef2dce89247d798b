"""The text of a language-model config as tokens."""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.command_line.choices import choose
from nn_core.data.text import TEXTS, load_text
from nn_core.data.text_files import OwnText, read_own_text
from nn_core.data.token_file import read_token_file
from nn_core.files import user_path
from nn_core.tasks.language import Windows, check_length, evaluation_text, split_tokens, window_starts
from nn_core.text.interface import UNKNOWN_TOKEN, Tokenizer, clean_text
from nn_core.text.tokenizers import CHARACTERS, TOKENIZERS, load_tokenizer, make_tokenizer
from nn_core.training.state import run_keys

FIGURES = ("vocabulary_size", "tokens_per_word", "characters_per_token", "unknown_rate", "lossless")  # of a tokenizer
BITS = "bits_per_character"  # of the whole validation text, in results
FILE = "file"  # data.name of a text of one's own
TOKEN_FILE = "token_file"  # data.name of a text that stays on the disk
GENERATED_WORLDS = ("small_world", "assistant_world")
SAMPLED = 10_000  # characters that are read back from their tokens
MAX_TOKENS = 2**31 - 1  # positions are int32

# (shape, read) -> an array that lies where the run needs it; read(index) gives the part that belongs to one device.
PlaceRows = Callable[[tuple[int, ...], Callable[[tuple[slice, ...]], np.ndarray]], Any]
# (a member's root key, first step, where it goes) -> the part of the data that only the next chunk of steps sees
Feed = Callable[[Array, int, PlaceRows], dict[str, Any]]


class Corpus(NamedTuple):
    """A text as a run sees it.

    Attributes:
        tokenizer: characters or pieces to ids.
        data: what lies on the device: "train" (N,) and "validation" (M,) ids; for a stream also "stream" (K, B, T + 1).
        feed: source of the windows of each chunk of steps; None: they are on the device.
        figures: how the tokenizer treats this text, see `token_figures`; empty for a stream.
        judge: None, or a row of results -> measures of what it wrote, computed on the host by a library.
        held: digests of the trained models that the run holds as data, by name.
    """

    tokenizer: Tokenizer
    data: dict[str, np.ndarray]
    feed: Feed | None = None
    figures: Mapping[str, float] = {}
    judge: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    held: Mapping[str, str] = {}


def load_corpus(section: ConfigDict, chunk_steps: int, tokenizer: Tokenizer | None = None) -> Corpus:
    """The text that a config's data section names.

    Args:
        section: config.data.
        chunk_steps: K, steps of one compiled call.
        tokenizer: that of the run to continue; None: train one on the text, or find it beside the token file.
    Raises:
        ValueError: an unknown text or tokenizer, a text that is too short or too long.
    """
    if section.name == TOKEN_FILE:
        return stream_corpus(section, chunk_steps, tokenizer)
    check_names(section)
    own = own_text(section)
    text = (
        load_text(section.name, None if section.path is None else user_path(section.path)) if own is None else own.text
    )
    if tokenizer is None:
        options = {} if section.vocabulary_size is None else {"vocabulary_size": section.vocabulary_size}
        tokenizer = make_tokenizer(section.tokenizer, [learned_from(section, text)], **options)
    try:
        ids_N = np.asarray(tokenizer.encode(text))
    except ValueError as error:  # the tokenizer is another text's
        reason = str(error).split(";")[0]
        raise ValueError(
            f"the text of config.data.name={section.name!r} does not fit the tokenizer of config.transfer.source: {reason}; "
            "use another text, or a source that knows it"
        ) from None
    splits = split_tokens(ids_N, section.split_ratio)
    check_splits(splits, section.context_size)
    dtype = np.uint16 if tokenizer.vocabulary_size <= 2**16 else np.int32
    data = {name: ids_N.astype(dtype) for name, ids_N in splits.items()}
    return Corpus(tokenizer, data, figures=token_figures(tokenizer, text, section.split_ratio))


def learned_from(section: ConfigDict, text: str) -> str:
    """What a tokenizer is trained on: the training text, so that the validation text is unseen by it as well.

    Characters have no token for what they do not know, and the words of a generated world are given.
    """
    given = section.tokenizer == CHARACTERS or section.name in GENERATED_WORLDS
    return text if given else text[: int(section.split_ratio * len(text))]


def check_names(section: ConfigDict) -> None:
    """Raises ValueError, naming the config's keys, for a text or a tokenizer that lacks what it needs."""
    choose(section.name, dict.fromkeys((*TEXTS, "file", TOKEN_FILE)), "data.name")
    choose(section.tokenizer, TOKENIZERS, "data.tokenizer")
    if section.name == "file" and section.path is None:
        raise ValueError("config.data.name='file' needs the file; add --config.data.path=FILE")
    if section.tokenizer != CHARACTERS and section.vocabulary_size is None:
        raise ValueError(
            f"config.data.tokenizer={section.tokenizer!r} needs a size; add --config.data.vocabulary_size=1000"
        )
    if section.tokenizer == CHARACTERS and section.vocabulary_size is not None:
        raise ValueError(
            f"config.data.vocabulary_size={section.vocabulary_size} has no effect with tokenizer 'characters', "
            "whose tokens are the text's; leave it unset"
        )


@lru_cache(maxsize=1)
def read_once(path: str, field: str | None, encoding: str | None) -> OwnText:
    """A text of one's own, read once for all members of a sweep and for what is told of it."""
    return read_own_text(path, field=field, encoding=encoding)


def own_text(section: ConfigDict) -> OwnText | None:
    """The text of one's own that a data section names; None where it names another.

    Raises:
        ValueError: it cannot be read, in one line with file and line.
    """
    if section.name != FILE or section.path is None or "field" not in section:
        return None
    return read_once(section.path, section.field, section.encoding)


def token_figures(tokenizer: Tokenizer, text: str, split_ratio: float) -> dict[str, float]:
    """How a tokenizer treats the validation text, which it has not seen (F087).

    Args:
        tokenizer: of the text.
        text: not empty.
        split_ratio: where the validation text begins.
    Returns:
        vocabulary_size; tokens_per_word, with words separated by white space; unknown_rate, the share of "[UNK]" tokens;
        characters_per_token, which bits per character refer to; lossless, 1 where the beginning of the whole text (SAMPLED
        characters) comes back from its tokens, else 0.
    """
    text = clean_text(text)
    judged = text[int(split_ratio * len(text)) :]
    ids_N = np.asarray(tokenizer.encode(judged))
    unknown = tokenizer.special_ids.get(UNKNOWN_TOKEN)
    values = (
        float(tokenizer.vocabulary_size),
        len(ids_N) / max(len(judged.split()), 1),
        len(judged) / max(len(ids_N), 1),
        0.0 if unknown is None or not len(ids_N) else float(np.mean(ids_N == unknown)),
        float(tokenizer.decode(tokenizer.encode(text[:SAMPLED])) == text[:SAMPLED]),
    )
    return dict(zip(FIGURES, values, strict=True))


def bits_per_character(loss: float, figures: Mapping[str, float]) -> float:
    """Converts a loss in nats per token to bits per character, which makes models with different tokenizers comparable."""
    return loss / (figures["characters_per_token"] * math.log(2))


def check_splits(splits: dict[str, np.ndarray], context_size: int) -> None:
    """Raises ValueError for a split without a whole window, or one whose positions int32 does not hold."""
    for name, ids_N in splits.items():
        check_length(len(ids_N), context_size, name)
        if len(ids_N) > MAX_TOKENS:
            raise ValueError(f"the {name} text has {len(ids_N)} tokens, more than {MAX_TOKENS}; cut the text in parts")


def tokenizer_beside(path: Path) -> Path:
    """The path of a token file's tokenizer: big.npy -> big.tokenizer.json."""
    return path.with_suffix(".tokenizer.json")


def stream_corpus(section: ConfigDict, chunk_steps: int, tokenizer: Tokenizer | None) -> Corpus:
    """The corpus of a token file: the training text stays on disk, and its windows are read for each chunk of steps.

    The windows are the same as those of a text on the device, so the two kinds of run agree bit for bit. The training
    loss is judged on copies of evenly spaced windows. The validation text must fit on the device; if it does not, raise
    data.split_ratio.
    """
    if section.path is None:
        raise ValueError(
            "config.data.name='token_file' needs --config.data.path=FILE.npy; write it by experiments.tokens"
        )
    if section.vocabulary_size is not None:
        raise ValueError(
            f"config.data.vocabulary_size={section.vocabulary_size} has no effect on a token file; leave it out"
        )
    path = user_path(section.path)
    if not path.is_file():
        raise ValueError(f"config.data.path={section.path}: there is no such file; write it by experiments.tokens")
    if tokenizer is None:
        beside = tokenizer_beside(path)
        if not beside.is_file():
            raise ValueError(
                f"{beside} is missing: the tokenizer of a token file stands beside it; use experiments.tokens"
            )
        tokenizer = load_tokenizer(beside)
    splits = split_tokens(read_token_file(path, tokenizer.vocabulary_size), section.split_ratio)
    check_splits(splits, section.context_size)
    windows = windows_of(section)
    train_N, columns_W = splits["train"], np.arange(section.context_size + 1)
    starts = jax.jit(
        lambda key, first: jax.vmap(lambda step: window_starts(key, step, len(train_N), windows))(
            first + jnp.arange(chunk_steps)
        )
    )

    def feed(key: Array, step: int, place: PlaceRows = read_whole) -> dict[str, Any]:
        starts_KB = np.asarray(starts(run_keys(key).order, np.int32(step)))

        def read(index: tuple[slice, ...]) -> np.ndarray:
            return train_N[starts_KB[index[:2]][..., None] + columns_W[index[2]]]

        return {"stream": place((*starts_KB.shape, len(columns_W)), read)}

    data = {
        "train": evaluation_text(train_N, windows),
        "validation": np.asarray(splits["validation"]),
        "stream": np.zeros((chunk_steps, section.batch_size, len(columns_W)), train_N.dtype),
    }
    return Corpus(tokenizer, data, feed)


def read_whole(shape: tuple[int, ...], read: Callable[[tuple[slice, ...]], np.ndarray]) -> np.ndarray:
    """The whole array on the host."""
    return read((slice(None),) * len(shape))


def windows_of(section: ConfigDict) -> Windows:
    """How a data section cuts its text."""
    return Windows(section.batch_size, section.context_size, section.evaluation_windows, section.evaluation_batch)
