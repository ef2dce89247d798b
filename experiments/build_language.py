"""Builds the tasks that predict the next token of a text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.overrides import choose
from nn_core.activations import ACTIVATIONS, make_activation
from nn_core.data.text import load_text
from nn_core.generation.decoder import Decoder
from nn_core.models.gpt import GPT
from nn_core.models.language import make_decoder, token_losses
from nn_core.tasks.base import Data, Hparams, Task
from nn_core.tasks.language import MakeModel, TokenLosses, Windows, check_length, make_language_model, split_tokens
from nn_core.text.interface import Tokenizer
from nn_core.text.tokenizers import make_tokenizer

DTYPES = {"float32": None, "bfloat16": jnp.bfloat16}


class LanguageFamily(NamedTuple):
    """A kind of language model.

    Attributes:
        make: (config.model section, vocabulary size, context size) -> (hparams -> Linen module).
        token_losses: how its losses are computed.
        make_decoder: module -> what generates from it.
    """

    make: Callable[[ConfigDict, int, int], MakeModel]
    token_losses: TokenLosses
    make_decoder: Callable[[Any], Decoder]


def make_gpt(section: ConfigDict, vocabulary_size: int, context_size: int) -> MakeModel:
    """hparams -> GPT, by the keys of the course and the variants named beside them."""
    choose(section.activation, ACTIVATIONS, "model.activation")
    dtype = choose(section.dtype, DTYPES, "model.dtype")
    fields = {key: value for key, value in section.items() if key not in ("name", "activation", "dtype")}

    def make_model(hparams: Hparams) -> GPT:
        return GPT(
            vocabulary_size=vocabulary_size,
            context_size=context_size,
            activation=make_activation(section.activation, hparams),
            dropout_rate=hparams["dropout_rate"] if "dropout_rate" in hparams else None,
            dtype=dtype,
            **fields,
        )

    return make_model


def gpt_losses(model: Any, params: Any, ids_BT: Array, targets_BT: Array, dropout_key: Array | None) -> Array:
    """(B, T) losses of a GPT."""
    return token_losses(model, params, ids_BT, targets_BT, dropout_key=dropout_key)


LANGUAGE_MODELS: dict[str, LanguageFamily] = {
    "gpt": LanguageFamily(make_gpt, gpt_losses, make_decoder),
}


def train_tokenizer(section: ConfigDict) -> tuple[Tokenizer, str]:
    """The tokenizer of a config, trained on its text, and the text.

    Raises:
        ValueError: an unknown text or tokenizer.
    """
    text = load_text(section.name, None if section.path is None else Path(section.path))
    options = {} if section.vocabulary_size is None else {"vocabulary_size": section.vocabulary_size}
    return make_tokenizer(section.tokenizer, [text], **options), text


def load_tokens(section: ConfigDict) -> tuple[Tokenizer, dict[str, np.ndarray]]:
    """The text of a config: its tokenizer, and the ids of each split.

    Raises:
        ValueError: an unknown text, or one that is too short.
    """
    tokenizer, text = train_tokenizer(section)
    splits = split_tokens(np.asarray(tokenizer.encode(text)), section.split_ratio)
    for name, ids_N in splits.items():
        check_length(len(ids_N), section.context_size, name)
    dtype = np.uint16 if tokenizer.vocabulary_size <= 2**16 else np.int32
    return tokenizer, {name: ids_N.astype(dtype) for name, ids_N in splits.items()}


def make_language_module(config: ConfigDict, vocabulary_size: int) -> MakeModel:
    """hparams -> the model of a language-model config."""
    family = choose(config.model.name, LANGUAGE_MODELS, "model.name")
    return family.make(config.model, vocabulary_size, config.data.context_size)


def build(config: ConfigDict) -> tuple[Task, Data]:
    """The task and its text on the device."""
    section = config.data
    tokenizer, data = load_tokens(section)
    windows = Windows(section.batch_size, section.context_size, section.evaluation_windows, section.evaluation_batch)
    family = choose(config.model.name, LANGUAGE_MODELS, "model.name")
    make_model = make_language_module(config, tokenizer.vocabulary_size)
    return make_language_model(make_model, family.token_losses, windows, proximal=config.optimizer.proximal), data


def make_run_decoder(config: ConfigDict, vocabulary_size: int) -> Decoder:
    """What generates from a run's parameters (dropout is off, so no hparam is read)."""
    family = choose(config.model.name, LANGUAGE_MODELS, "model.name")
    return family.make_decoder(make_language_module(config, vocabulary_size)({}))
