"""Recurrent networks for every form of input and output."""

from collections.abc import Callable
from functools import cache
from typing import Any

import flax.linen as nn
from jax import Array
from ml_collections import ConfigDict

from configs import base
from experiments.building.records import STEPS, TEXT, TOKENS, Make, Model, Sizes, Use
from experiments.command_line.choices import choose
from nn_core.data.sequence_sources import CLASS, NUMBER, SEQUENCE, TAG
from nn_core.losses import cross_entropy
from nn_core.models.embeddings import Embedding
from nn_core.models.recurrent.cells import CELLS
from nn_core.models.recurrent.layers import Recurrent
from nn_core.models.recurrent.networks import (
    RecurrentLanguageModel,
    SequenceTagger,
    SequenceToOne,
    SequenceToSequence,
    make_language_model_decoder,
    make_sequence_decoder,
)
from nn_core.tasks.base import Hparams
from nn_core.tasks.supervised import MakeModel
from nn_core.training.sharding import RECURRENT


def stack_factory(section: ConfigDict) -> Callable[[Hparams], Recurrent]:
    """hparams -> the recurrent layers of a model section; each call makes layers of their own.

    Raises:
        ValueError: an unknown cell.
    """
    choose(section.cell, CELLS, "model.cell")

    def make(hparams: Hparams) -> Recurrent:
        return Recurrent(
            section.cell,
            section.features,
            section.num_layers,
            bidirectional=section.bidirectional,
            dropout_rate=hparams["dropout_rate"] if "dropout_rate" in hparams else None,
            forget_bias=section.forget_bias,
        )

    return make


def reader(module: Callable[..., nn.Module]) -> Make:
    """Makes a module that reads a sequence: `SequenceToOne` or `SequenceTagger`."""

    def make(config: ConfigDict, sizes: Sizes) -> MakeModel:
        make_stack, width = stack_factory(config.model), config.model.embedding_size

        def make_model(hparams: Hparams) -> nn.Module:
            embedding = Embedding(sizes.vocabulary_sizes[0], width) if sizes.vocabulary_sizes else None
            return module(sizes.num_outputs, make_stack(hparams), embedding, sizes.pad_id)

        return make_model

    return make


def make_translator(config: ConfigDict, sizes: Sizes) -> MakeModel:
    """hparams -> encoder and decoder."""
    make_stack, width = stack_factory(config.model), config.model.embedding_size

    def make_model(hparams: Hparams) -> SequenceToSequence:
        source_size, target_size = sizes.vocabulary_sizes
        return SequenceToSequence(
            make_stack(hparams),
            make_stack(hparams),
            Embedding(source_size, width),
            Embedding(target_size, width),
            reverse_source=config.model.reverse_source,
            source_pad_id=sizes.pad_id,
            attention=config.model.source_attention,
        )

    return make_model


def make_language_model(config: ConfigDict, sizes: Sizes) -> MakeModel:
    """hparams -> recurrent language model; the context bounds the windows of training, not what it remembers."""
    make_stack, width = stack_factory(config.model), config.model.embedding_size

    def make_model(hparams: Hparams) -> RecurrentLanguageModel:
        return RecurrentLanguageModel(Embedding(sizes.num_outputs, width), make_stack(hparams))

    return make_model


def losses(model: Any, params: Any, ids_BT: Array, targets_BT: Array, dropout_key: Array | None) -> Array:
    """(B, T) losses of a recurrent language model, which starts every window from the empty state."""
    rngs = None if dropout_key is None else {"dropout": dropout_key}
    logits_BTV = model.apply({"params": params}, ids_BT, dropout_key is None, rngs=rngs)
    return cross_entropy(logits_BTV, targets_BT, reduction="none")


MODEL = Model(
    base.RECURRENT,
    {
        CLASS: Use(reader(SequenceToOne), reads=STEPS),
        NUMBER: Use(reader(SequenceToOne), reads=STEPS),
        TAG: Use(reader(SequenceTagger), reads=STEPS),
        SEQUENCE: Use(make_translator, reads=TOKENS, make_decoder=make_sequence_decoder),
        TEXT: Use(
            make_language_model, reads=TOKENS, make_decoder=cache(make_language_model_decoder), token_losses=losses
        ),
    },
    RECURRENT,
)
