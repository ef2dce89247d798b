"""What config.transfer.source names: a run directory or a Hugging Face folder, as structure, parameters and tokenizer."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.building.digests import digest_of
from experiments.building.kept_tokenizer import TOKENIZER, stored_tokenizer
from experiments.building.language import evaluation_hparams
from experiments.building.models import encoder_decoder, gpt
from experiments.building.records import PRETRAINED, Sizes
from experiments.building.text_to_text import sizes_of
from experiments.run_directory.files import HELD, STARTED_IN
from experiments.run_directory.no_run import recipe
from experiments.run_directory.stored_run import Stored, load, parse_step
from nn_core.alignment.heads import without_heads
from nn_core.files import user_path
from nn_core.models.transformer.encoder import Encoder
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.fine_tuned import FineTuned
from nn_core.models.transformer.gpt import GPT
from nn_core.pretrained.folder import is_folder, tensors
from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.pretrained.load import load as load_folder
from nn_core.pretrained.load import read_structure
from nn_core.pretrained.shapes import parameter_shapes
from nn_core.pretrained.tokenizer_files import as_folder_tokenizer, read_tokenizer
from nn_core.training.manifest import CheckpointError, named_leaves, nested
from nn_core.transfer.lora import ADAPTERS, BASE, trained_whole, whole_params


class Source(NamedTuple):
    """A trained network to start from.

    Attributes:
        backbone: its structure, without a head; None where no text model was trained.
        params: of the whole network.
        backbone_params: of the backbone.
        tokenizer: of its texts.
    """

    backbone: GPT | Encoder | None
    params: Any
    backbone_params: Any
    tokenizer: FolderTokenizer | None


def source_of(section: ConfigDict) -> Source:
    """The source of config.transfer.

    Raises:
        ValueError: there is no such run, member, step or folder, or none that is sound; in one line.
    """
    with naming_source(section):
        return _read(section.source, section.step, section.member)


def with_source(config: ConfigDict, examples: str) -> ConfigDict:
    """config.transfer, for a model that is its source's; raises ValueError, with examples of one, where it names none."""
    if config.transfer.source is None:
        raise ValueError(f"config.model.name={PRETRAINED!r} needs --config.transfer.source=PLACE: {examples}")
    return config.transfer


@contextmanager
def naming_source(section: ConfigDict) -> Iterator[None]:
    """Raises errors about a source as ValueError, with the keys that name it."""
    try:
        yield
    except (ValueError, CheckpointError) as error:
        message = str(error).replace("--member=", "config.transfer.member=").replace("--step=", "config.transfer.step=")
        raise ValueError(f"config.transfer.source={section.source!r}: {message}{recipe(section.source)}") from None


def _read(source: str, step: str, member: int | None) -> Source:
    return _at(user_path(source).absolute(), step, member)


@lru_cache(maxsize=2)  # the members of a sweep start from one network, which may have started from another
def _at(place: Path, step: str, member: int | None) -> Source:
    return _of_folder(place) if is_folder(place) else _of_run(place, step, member)


def _of_folder(place: Path) -> Source:
    found = load_folder(place)
    if isinstance(found.module, GPT):
        return Source(found.module, found.params, found.params, read_tokenizer(place, found.module.vocabulary_size))
    if found.kind in ("seq2seq", "image", "image_encoder"):
        return Source(None, found.params, None, None)
    encoder = found.module.encoder  # type: ignore[attr-defined]
    tokenizer = read_tokenizer(place, encoder.vocabulary_size)
    return Source(encoder, found.params, found.params["encoder"], tokenizer)


def _of_run(place: Path, step: str, member: int | None) -> Source:
    stored = load_whole(place, parse_step(step), member)
    name = stored.config.model.name
    if name not in ("gpt", PRETRAINED) or not (stored.folder / TOKENIZER).is_file():
        return Source(None, stored.params, None, None)
    tokenizer = stored_tokenizer(stored.folder)
    if name == "gpt":
        size = tokenizer.vocabulary_size
        module = gpt.make(stored.config, Sizes(size, (size,), stored.config.data.context_size))
        backbone: Any = module(evaluation_hparams(stored.config))
    else:  # the structure of what it started from itself
        backbone = source_of(stored.config.transfer).backbone
        if backbone is None:
            return Source(None, stored.params, None, None)
    return Source(backbone, stored.params, without_heads(stored.params), as_folder_tokenizer(tokenizer))


def backbone_of(config: ConfigDict) -> tuple[GPT | Encoder, Any, FolderTokenizer]:
    """The backbone, its parameters and its tokenizer, for a model that is fine-tuned on texts.

    Raises:
        ValueError: no source, or one that reads no text.
    """
    section = with_source(
        config, "the run of a language model, such as checkpoints/gpt_quick, or a Hugging Face folder"
    )
    source = source_of(section)
    if source.backbone is None or source.tokenizer is None:
        raise ValueError(f"config.transfer.source={section.source!r} reads no text; use a GPT, a Llama or a BERT")
    return source.backbone, source.backbone_params, source.tokenizer


def load_learned(path: str | Path, which: str | int = "best", member: int | None = None) -> Stored:
    """A member with the parameters that it learned, adapters apart; arguments, errors and its source as `load_whole`."""
    stored = load(path, which, member)
    section = stored.config.get("transfer")
    if section is not None and section.source is not None:
        begun = Path(stored.held.get(STARTED_IN, ".")) / user_path(section.source)
        section.source = str(begun) if begun.exists() else section.source
    return stored


def encoder_decoder_of(config: ConfigDict) -> EncoderDecoder:
    """The structure of the encoder-decoder that a config starts from.

    Raises:
        ValueError: no source, or one that is none.
    """
    section = with_source(
        config, "a Hugging Face folder of a T5, or the run of a translator, such as checkpoints/t5_quick"
    )
    with naming_source(section):
        module = _writer_at(user_path(section.source).absolute(), section.step, section.member)
        if not isinstance(module, EncoderDecoder):
            raise ValueError(
                f"holds a {type(module).__name__}, which writes no text for a text; use a T5 or a translator"
            )
        return module


@lru_cache(maxsize=2)  # it is asked for before the texts are read, and again by every structure of a sweep
def _writer_at(place: Path, step: str, member: int | None) -> Any:
    """The structure of a folder, or of a run that writes a text for a text."""
    if is_folder(place):
        return read_structure(place, frozenset(tensors(place)))[-1].module
    stored = load_whole(place, parse_step(step), member)
    if stored.config.model.name == PRETRAINED and stored.config.transfer.source is not None:
        return encoder_decoder_of(stored.config)
    if stored.config.model.name != "encoder_decoder" or not (stored.folder / TOKENIZER).is_file():
        raise ValueError(f"holds a run of task {stored.config.task.name!r}; use a T5 or a translator")
    tokenizer = stored_tokenizer(stored.folder)
    return encoder_decoder.make(stored.config, sizes_of(stored.config, tokenizer))(evaluation_hparams(stored.config))


def load_whole(path: str | Path, which: str | int = "best", member: int | None = None) -> Stored:
    """A member as an ordinary network: adapters are merged into the network that they were learned for.

    Args:
        path, which, member: see `experiments.run_directory.stored_run.load`.
    Returns:
        The checkpoint, whose config names its source by a path that holds in every folder.
    Raises:
        ValueError: as there; or the network of the adapters is gone, or another one.
        CheckpointError: no such step, or none that is sound.
    """
    stored = load_learned(path, which, member)
    if ADAPTERS not in stored.params:
        return stored
    section = stored.config.transfer
    try:
        source = _read(section.source, section.step, section.member)
    except (ValueError, CheckpointError) as error:
        raise ValueError(
            f"{stored.directory} holds adapters of {section.source}, which cannot be read: {error}"
        ) from None
    leaves = (
        _below_head(source) if "backbone" in stored.params[ADAPTERS] else named_leaves(without_heads(source.params))
    )
    known = named_leaves(trained_whole(stored.params))
    base = nested({name: leaf for name, leaf in leaves.items() if name not in known})
    check_base(stored, base)
    scale = stored.config.hparams.lora_alpha / stored.config.lora.rank
    return stored._replace(params=whole_params(stored.params, base, scale))


def _below_head(source: Source) -> dict[str, Any]:
    """What a network with a new head reads of its source: not the source's own head."""
    assert source.backbone is not None  # else no adapters were learned over it
    module = FineTuned(source.backbone.clone(dropout_rate=None, scan_layers=False), 1)
    found = named_leaves({"backbone": source.backbone_params})
    wanted = parameter_shapes(module, jax.ShapeDtypeStruct((1, 1), jnp.int32))
    return {name: found[name] for name in wanted if name in found}


def check_base(stored: Stored, base: Any) -> None:
    """Raises ValueError where the network below some adapters is not the one that they were learned over."""
    learned_over = {digest for name, digest in stored.held.get(HELD, {}).items() if name.endswith(f" {BASE}")}
    if learned_over and digest_of(base) not in learned_over:
        raise ValueError(
            f"{stored.directory} holds adapters of another network: config.transfer.source="
            f"{stored.config.transfer.source!r} has changed since they were learned; restore it, or learn them anew"
        )
