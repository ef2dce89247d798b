"""Loads a trained language model that is ready to write."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from experiments.building.kept_tokenizer import stored_tokenizer
from experiments.building.language import evaluation_hparams, family_of, make_language_module
from experiments.building.records import TEXT, Registry
from experiments.building.registry import REGISTRY
from experiments.run_directory.no_run import REWARDS, TEXT_CLASSES, about_classes, about_rewards
from experiments.run_directory.stored_run import Stored
from nn_core.alignment.heads import without_heads
from nn_core.generation.decoder import Decoder
from nn_core.text.interface import Tokenizer
from nn_core.training.manifest import describe, mismatch, named_leaves


class LanguageModel(NamedTuple):
    """A trained language model, ready to write.

    Attributes:
        stored: where it comes from.
        tokenizer: the one it was trained with.
        module: its structure.
        params: its parameters.
        decoder: generates from them; kept here because compiled programs are looked up by it.
    """

    stored: Stored
    tokenizer: Tokenizer
    module: Any
    params: Any
    decoder: Decoder


def language_model(stored: Stored, registry: Registry = REGISTRY) -> LanguageModel:
    """The language model of a checkpoint.

    Args:
        stored: the checkpoint.
        registry: models and tasks by name.
    Raises:
        ValueError: a run of another kind, a missing or damaged tokenizer, or parameters that do not fit.
    """
    config, folder = stored.config, stored.folder
    if config.task.name == TEXT_CLASSES:
        raise ValueError(about_classes(stored.directory))
    if config.task.name == REWARDS:
        raise ValueError(about_rewards(stored.directory))
    if config.task.name not in registry.tasks or registry.tasks[config.task.name].form != TEXT:
        raise ValueError(
            f"{stored.directory} holds a run of task {config.task.name!r}, which writes no text; "
            "give one of a language model, such as configs/gpt_quick.py"
        )
    tokenizer = stored_tokenizer(folder)
    try:
        family = family_of(config, registry)
        module = make_language_module(config, tokenizer.vocabulary_size, registry)(evaluation_hparams(config))
        wanted = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, 1), jnp.int32))["params"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{stored.directory} was written by another version ({error}); train it again") from None
    params = without_heads(stored.params)  # a policy's value head writes nothing
    difference = mismatch(describe(named_leaves(params)), describe(named_leaves(wanted)))
    if difference:
        raise ValueError(
            f"{stored.directory}: checkpoint and config differ (- checkpoint, + config and tokenizer): {difference}"
        )
    return LanguageModel(stored, tokenizer, module, params, family.make_decoder(module))
