"""Builds the tasks that predict the next token of a text."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from ml_collections import ConfigDict

from experiments.building.corpus import Corpus, encode_prompt, load_corpus, windows_of
from experiments.building.sequences import stack_factory
from experiments.command_line.choices import choose
from nn_core.activations import ACTIVATIONS, make_activation
from nn_core.generation.decoder import Decoder
from nn_core.losses import cross_entropy
from nn_core.models.embeddings import Embedding
from nn_core.models.recurrent.networks import RecurrentLanguageModel, make_language_model_decoder
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import make_decoder, token_losses
from nn_core.tasks.base import Data, Hparams, Task
from nn_core.tasks.language import MakeModel, TokenLosses, make_language_model, stream_batches
from nn_core.text.interface import Tokenizer
from nn_core.training.program import chunk_steps

DTYPES = {"float32": None, "bfloat16": jnp.bfloat16}


class LanguageFamily(NamedTuple):
    """A kind of language model.

    Attributes:
        make: (config.model section, vocabulary size, context size) -> (hparams -> Linen module).
        token_losses: how its losses are computed.
        make_decoder: module -> what generates from it, one and the same for equal modules: programs are remembered by it.
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


def make_recurrent(section: ConfigDict, vocabulary_size: int, context_size: int) -> MakeModel:
    """hparams -> recurrent language model; the context bounds the windows of training, not what it remembers."""
    make_stack = stack_factory(section)

    def make_model(hparams: Hparams) -> RecurrentLanguageModel:
        return RecurrentLanguageModel(Embedding(vocabulary_size, section.embedding_size), make_stack(hparams))

    return make_model


def recurrent_losses(model: Any, params: Any, ids_BT: Array, targets_BT: Array, dropout_key: Array | None) -> Array:
    """(B, T) losses of a recurrent language model, which starts every window from the empty state."""
    rngs = None if dropout_key is None else {"dropout": dropout_key}
    logits_BTV = model.apply({"params": params}, ids_BT, dropout_key is None, rngs=rngs)
    return cross_entropy(logits_BTV, targets_BT, reduction="none")


LANGUAGE_MODELS: dict[str, LanguageFamily] = {
    "gpt": LanguageFamily(make_gpt, gpt_losses, cache(make_decoder)),
    "recurrent": LanguageFamily(make_recurrent, recurrent_losses, cache(make_language_model_decoder)),
}


def make_language_module(config: ConfigDict, vocabulary_size: int) -> MakeModel:
    """hparams -> the model of a language-model config."""
    family = choose(config.model.name, LANGUAGE_MODELS, "model.name")
    return family.make(config.model, vocabulary_size, config.data.context_size)


def build(config: ConfigDict, tokenizer: Tokenizer | None = None) -> tuple[Task, Data, Corpus]:
    """The task, its text on the device, and the corpus that it comes from.

    Args:
        config: of a language-model run.
        tokenizer: the one of a run that goes on; None: a new one.
    """
    section = config.data
    family = choose(config.model.name, LANGUAGE_MODELS, "model.name")
    corpus = load_corpus(section, chunk_steps(config.train.chunk_steps, config.train.eval_every), tokenizer)
    if config.train.sample_every:
        encode_prompt(corpus.tokenizer, config.sample.prompt)
    task = make_language_model(
        make_language_module(config, corpus.tokenizer.vocabulary_size),
        family.token_losses,
        windows_of(section),
        proximal=config.optimizer.proximal,
    )
    return task if corpus.feed is None else stream_batches(task), corpus.data, corpus


def make_run_decoder(config: ConfigDict, vocabulary_size: int) -> Decoder:
    """What generates from a run's parameters; dropout is off."""
    family = choose(config.model.name, LANGUAGE_MODELS, "model.name")
    return family.make_decoder(make_language_module(config, vocabulary_size)(evaluation_hparams(config)))


def evaluation_hparams(config: ConfigDict) -> dict[str, Any]:
    """The hparams that a trained model still has (slopes of activations), without dropout."""
    return {name: value for name, value in config.hparams.items() if value is not None and name != "dropout_rate"}
