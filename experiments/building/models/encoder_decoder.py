"""Encoder-decoders: a source is read, a target is written."""

from functools import cache

from ml_collections import ConfigDict

from configs import base
from experiments.building.models.gpt import DTYPES, HANDLED
from experiments.building.records import TOKENS, Model, Sizes, Use
from experiments.command_line.choices import choose
from nn_core.activations import make_activation
from nn_core.data.sequence_sources import SEQUENCE
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.translation import make_decoder
from nn_core.tasks.base import Hparams
from nn_core.tasks.supervised import MakeModel
from nn_core.training.sharding import TRANSFORMER

CONTEXT = 64  # tokens of a target, where the data do not say


def make(config: ConfigDict, sizes: Sizes) -> MakeModel:
    """hparams -> EncoderDecoder; source and target share the embedding where their vocabularies are of one size."""
    section = config.model
    choose(section.activation, sizes.activations, "model.activation")
    dtype = choose(section.dtype, DTYPES, "model.dtype")
    fields = {name: section[name] for name in base.ENCODER_DECODER if name not in HANDLED}
    source_size, target_size = sizes.vocabulary_sizes

    def make_model(hparams: Hparams) -> EncoderDecoder:
        return EncoderDecoder(
            vocabulary_size=source_size,
            target_vocabulary_size=None if source_size == target_size else target_size,
            context_size=sizes.context_size or CONTEXT,
            pad_id=0 if sizes.pad_id is None else sizes.pad_id,
            activation=make_activation(section.activation, hparams, sizes.activations),
            dropout_rate=hparams["dropout_rate"] if "dropout_rate" in hparams else None,
            dtype=dtype,
            **fields,
        )

    return make_model


MODEL = Model(base.ENCODER_DECODER, {SEQUENCE: Use(make, reads=TOKENS, make_decoder=cache(make_decoder))}, TRANSFORMER)
