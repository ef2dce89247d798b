"""The network of config.transfer.source, with a new head."""

from ml_collections import ConfigDict

from configs import base
from experiments.building.backbones import backbone_of
from experiments.building.records import TEXT_CLASS, TOKENS, Model, Sizes, Use
from nn_core.models.transformer.fine_tuned import FineTuned
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


MODEL = Model(base.PRETRAINED, {TEXT_CLASS: Use(make, reads=TOKENS)}, TRANSFORMER)
