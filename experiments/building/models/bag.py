"""The linear model of which tokens a sequence holds."""

from ml_collections import ConfigDict

from configs import base
from experiments.building.records import TOKENS, Model, Sizes, Use
from nn_core.data.sequence_sources import CLASS
from nn_core.models.bag import BagOfTokens
from nn_core.tasks.supervised import MakeModel


def make(config: ConfigDict, sizes: Sizes) -> MakeModel:
    """hparams -> bag of tokens."""
    return lambda hparams: BagOfTokens(sizes.num_outputs, sizes.vocabulary_sizes[0], sizes.pad_id)


MODEL = Model(base.BAG, {CLASS: Use(make, reads=TOKENS)})
