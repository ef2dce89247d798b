"""Builds the tasks that predict the next token of a text."""

from typing import Any

from ml_collections import ConfigDict

from experiments.building.corpus import TOKEN_FILE, Corpus, load_corpus, windows_of
from experiments.building.kept_tokenizer import inherited
from experiments.building.prompts import encode_prompt
from experiments.building.records import TEXT, Registry, Sizes, Use, serving
from experiments.command_line.choices import choose
from nn_core.generation.decoder import Decoder
from nn_core.tasks.base import Data, Task
from nn_core.tasks.language import MakeModel, make_language_model, stream_batches
from nn_core.text.interface import Tokenizer
from nn_core.training.program import chunk_steps


def family_of(config: ConfigDict, registry: Registry) -> Use:
    """How the config's model serves as a language model.

    Raises:
        ValueError: an unknown model, or one that writes none.
    """
    return choose(config.model.name, serving(registry, TEXT), "model.name")


def make_language_module(config: ConfigDict, vocabulary_size: int, registry: Registry) -> MakeModel:
    """hparams -> the model of a language-model config."""
    sizes = Sizes(vocabulary_size, (vocabulary_size,), config.data.context_size, activations=registry.activations)
    return family_of(config, registry).make(config, sizes)


def build(config: ConfigDict, registry: Registry, tokenizer: Tokenizer | None = None) -> tuple[Task, Data, Corpus]:
    """The task, its text on the device, and the corpus that it comes from.

    Args:
        config: of a language-model run.
        registry: models and tasks by name.
        tokenizer: that of the run to continue; None: that of the run it starts from, or a new one.
    """
    section = config.data
    family = family_of(config, registry)
    start, has_own = inherited(config), section.name == TOKEN_FILE
    tokenizer = start if tokenizer is None and not has_own else tokenizer
    corpus = load_corpus(section, chunk_steps(config.train.chunk_steps, config.train.eval_every), tokenizer)
    if has_own and start is not None and start != corpus.tokenizer:
        raise ValueError(
            f"config.data.path={section.path!r} holds tokens of another vocabulary than that of config.transfer.source="
            f"{config.transfer.source!r}; start from a run on such tokens, or draw its embeddings anew (config.transfer.load)"
        )
    if config.train.sample_every:
        try:
            encode_prompt(corpus.tokenizer, config.sample.prompt)
        except ValueError as error:
            raise ValueError(f"config.sample.prompt: {error}") from None
    task = make_language_model(
        make_language_module(config, corpus.tokenizer.vocabulary_size, registry),
        family.token_losses,
        windows_of(section),
        proximal=config.optimizer.proximal,
        describe=family.describe_text,
    )
    return task if corpus.feed is None else stream_batches(task), corpus.data, corpus


def make_run_decoder(config: ConfigDict, vocabulary_size: int, registry: Registry) -> Decoder:
    """The decoder for a run's parameters, without dropout."""
    module = make_language_module(config, vocabulary_size, registry)(evaluation_hparams(config))
    return family_of(config, registry).make_decoder(module)


def evaluation_hparams(config: ConfigDict) -> dict[str, Any]:
    """The hparams that a trained model still needs (slopes of activations), without dropout."""
    return {name: value for name, value in config.hparams.items() if value is not None and name != "dropout_rate"}
