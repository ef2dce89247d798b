"""The multi-layer perceptron."""

import flax.linen as nn
from ml_collections import ConfigDict

from configs import base
from experiments.building.records import EXAMPLES, ROWS, Model, Sizes, Use
from experiments.command_line.choices import choose
from nn_core.activations import make_activation
from nn_core.initializers import INITIALIZERS, make_initializer
from nn_core.models.mlp import MLP
from nn_core.tasks.base import Hparams
from nn_core.tasks.supervised import MakeModel


def make(config: ConfigDict, sizes: Sizes) -> MakeModel:
    """hparams -> MLP."""
    section = config.model
    choose(section.activation, sizes.activations, "model.activation")
    choose(section.initializer, INITIALIZERS, "model.initializer")
    normalization = choose(section.normalization, {"none": None, "layer": "layer"}, "model.normalization")

    def make_model(hparams: Hparams) -> nn.Module:
        return MLP(
            hidden_sizes=section.hidden_sizes,
            num_outputs=sizes.num_outputs,
            activation=make_activation(section.activation, hparams, sizes.activations),
            dropout_rate=hparams["dropout_rate"] if "dropout_rate" in hparams else None,
            normalization=normalization,
            kernel_init=make_initializer(section.initializer, hparams),
            use_bias=section.use_bias,
        )

    return make_model


MODEL = Model(base.MLP, {EXAMPLES: Use(make, reads=ROWS)})
