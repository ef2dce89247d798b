"""The decoder-only transformer."""

from functools import cache
from typing import Any

import jax.numpy as jnp
from jax import Array
from ml_collections import ConfigDict

from configs import base
from experiments.building.records import TEXT, TOKENS, Model, Sizes, Use
from experiments.command_line.choices import choose
from nn_core.activations import make_activation
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import embedding_norm_ratio, make_decoder, token_losses
from nn_core.tasks.base import Hparams
from nn_core.tasks.supervised import MakeModel
from nn_core.training.sharding import TRANSFORMER

DTYPES = {"float32": None, "bfloat16": jnp.bfloat16}
HANDLED = ("name", "activation", "dtype")  # keys that are more than a field of the same name


def make(config: ConfigDict, sizes: Sizes) -> MakeModel:
    """hparams -> GPT, by the keys of the course and the variants named beside them."""
    section = config.model
    choose(section.activation, sizes.activations, "model.activation")
    dtype = choose(section.dtype, DTYPES, "model.dtype")
    fields = {name: value for name, value in section.items() if name not in HANDLED}

    def make_model(hparams: Hparams) -> GPT:
        return GPT(
            vocabulary_size=sizes.num_outputs,
            context_size=sizes.context_size,
            activation=make_activation(section.activation, hparams, sizes.activations),
            dropout_rate=hparams["dropout_rate"] if "dropout_rate" in hparams else None,
            dtype=dtype,
            **fields,
        )

    return make_model


def losses(model: Any, params: Any, ids_BT: Array, targets_BT: Array, dropout_key: Array | None) -> Array:
    """(B, T) losses of a GPT."""
    return token_losses(model, params, ids_BT, targets_BT, dropout_key=dropout_key)


def describe(model: Any, params: Any, ids_1T: Array) -> dict[str, Array]:
    """Whether tokens or positions dominate their sum (F127), for a GPT that adds them."""
    adds = model.position in ("learned", "sinusoidal")
    return {"embedding_ratio": embedding_norm_ratio(model, params, ids_1T)} if adds else {}


MODEL = Model(
    base.GPT,
    {TEXT: Use(make, reads=TOKENS, make_decoder=cache(make_decoder), token_losses=losses, describe_text=describe)},
    TRANSFORMER,
)
