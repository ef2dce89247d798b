"""The network of config.transfer.source: with a new head for classes, or as it is for what writes."""

from functools import cache

import flax.linen as nn
from ml_collections import ConfigDict

from configs import base
from experiments.building.backbones import backbone_of, encoder_decoder_of
from experiments.building.models.gpt import losses
from experiments.building.records import EXAMPLES, IMAGES, TEXT, TEXT_CLASS, TOKENS, Model, Sizes, Use
from experiments.building.vision import vision_of
from nn_core.data.sequence_sources import SEQUENCE
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.fine_tuned import FineTuned
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import make_decoder
from nn_core.models.transformer.translation import make_decoder as make_writing_decoder
from nn_core.tasks.base import Hparams
from nn_core.tasks.supervised import MakeModel
from nn_core.training.sharding import TRANSFORMER


def make(config: ConfigDict, sizes: Sizes) -> MakeModel:
    """hparams -> the backbone with a head."""
    backbone, _, _ = backbone_of(config)

    def make_model(hparams: Hparams) -> FineTuned:
        rate = hparams["dropout_rate"] if "dropout_rate" in hparams else None
        return FineTuned(backbone.clone(dropout_rate=rate, scan_layers=False), sizes.num_outputs, rate)

    return make_model


def make_writer(config: ConfigDict, sizes: Sizes) -> MakeModel:
    """hparams -> the network itself.

    Raises:
        ValueError: it writes no text, reads other tokens, or fewer of them.
    """
    backbone, _, _ = backbone_of(config)
    place = f"config.transfer.source={config.transfer.source!r}"
    if not isinstance(backbone, GPT):
        raise ValueError(f"{place} holds an encoder, which writes no text; use a GPT or a Llama")
    if sizes.num_outputs > backbone.vocabulary_size:
        raise ValueError(
            f"{place} knows {backbone.vocabulary_size} tokens, and the texts have {sizes.num_outputs}; use its tokenizer"
        )
    if sizes.context_size > backbone.context_size:
        raise ValueError(
            f"config.data.context_size={sizes.context_size} is more than the {backbone.context_size} tokens that {place} "
            "reads; lower it"
        )

    def make_model(hparams: Hparams) -> GPT:
        rate = hparams["dropout_rate"] if "dropout_rate" in hparams else None
        return backbone.clone(dropout_rate=rate, scan_layers=False)

    return make_model


def make_translator(config: ConfigDict, sizes: Sizes) -> MakeModel:
    """hparams -> the encoder-decoder itself.

    Raises:
        ValueError: the source is none, knows fewer tokens, or has learned positions for fewer.
    """
    module = encoder_decoder_of(config)
    place = f"config.transfer.source={config.transfer.source!r}"
    if sizes.num_outputs > module.vocabulary_size:
        raise ValueError(f"{place} knows {module.vocabulary_size} tokens, and its tokenizer has {sizes.num_outputs}")
    longest = max(sizes.context_size or 0, module.context_size)
    if module.position == "learned" and longest > module.context_size:
        raise ValueError(
            f"config.data.source_size and target_size are up to {longest}, more than the {module.context_size} tokens that "
            f"{place} reads; lower them"
        )

    def make_model(hparams: Hparams) -> EncoderDecoder:
        rate = hparams["dropout_rate"] if "dropout_rate" in hparams else None
        return module.clone(dropout_rate=rate, context_size=longest)

    return make_model


def make_reader(config: ConfigDict, sizes: Sizes) -> MakeModel:
    """hparams -> the network that reads images, with a head for the new classes."""
    module = vision_of(config).module

    def make_model(hparams: Hparams) -> nn.Module:
        rate = hparams["dropout_rate"] if "dropout_rate" in hparams else None
        return module.clone(num_outputs=sizes.num_outputs, dropout_rate=rate)

    return make_model


MODEL = Model(
    base.PRETRAINED,
    {
        EXAMPLES: Use(make_reader, reads=IMAGES),
        SEQUENCE: Use(make_translator, reads=TOKENS, make_decoder=cache(make_writing_decoder)),
        TEXT_CLASS: Use(make, reads=TOKENS),
        TEXT: Use(make_writer, reads=TOKENS, make_decoder=cache(make_decoder), token_losses=losses),
    },
    TRANSFORMER,
)
