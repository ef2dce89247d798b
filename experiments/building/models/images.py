"""Models of images: the convolutional network and the Vision Transformer."""

from collections.abc import Callable, Mapping

import flax.linen as nn
from ml_collections import ConfigDict

from configs import base
from experiments.building.records import EXAMPLES, IMAGES, Make, Model, Sizes, Use
from experiments.command_line.choices import choose
from nn_core.activations import make_activation
from nn_core.initializers import INITIALIZERS, make_initializer
from nn_core.models.cnn import CNN
from nn_core.models.transformer.vit import ViT
from nn_core.tasks.base import Hparams
from nn_core.tasks.supervised import MakeModel
from nn_core.training.sharding import CONVOLUTIONAL, TRANSFORMER

HANDLED = ("name", "activation", "initializer")  # keys that are more than a field of the same name


def maker(module: Callable[..., nn.Module], keys: Mapping[str, base.Key]) -> Make:
    """Makes a module whose fields are keys of config.model."""

    def make(config: ConfigDict, sizes: Sizes) -> MakeModel:
        section = config.model
        choose(section.activation, sizes.activations, "model.activation")
        choose(section.initializer, INITIALIZERS, "model.initializer")
        fields = {name: section[name] for name in keys if name not in HANDLED}

        def make_model(hparams: Hparams) -> nn.Module:
            return module(
                sizes.num_outputs,
                activation=make_activation(section.activation, hparams, sizes.activations),
                dropout_rate=hparams["dropout_rate"] if "dropout_rate" in hparams else None,
                kernel_init=make_initializer(section.initializer, hparams),
                **fields,
            )

        return make_model

    return make


CNN_MODEL = Model(base.CNN, {EXAMPLES: Use(maker(CNN, base.CNN), reads=IMAGES)}, CONVOLUTIONAL)
VIT_MODEL = Model(base.VIT, {EXAMPLES: Use(maker(ViT, base.VIT), reads=IMAGES)}, TRANSFORMER)
