"""A model for a pipeline, from a Hugging Face folder or a run directory alike."""

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.building.backbones import backbone_of, load_whole
from experiments.building.own_code import registry_of_run
from experiments.building.prompts import check_characters, encode_prompt
from experiments.building.records import EXAMPLES, TEXT, TEXT_CLASS, Registry
from experiments.building.text_classes import classes_of
from experiments.command_line.output import say
from experiments.run_directory.stored_run import Stored, parse_step
from experiments.trained.image_classifier import load_classifier
from experiments.trained.language_model import language_model
from experiments.trained.translator import SMALLEST_SOURCE, encode_sources, translator
from nn_core.data.sequence_sources import SEQUENCE
from nn_core.files import user_path
from nn_core.generation.decoder import Decoder
from nn_core.generation.prompts import bucket
from nn_core.models.transformer import language_model as gpt
from nn_core.models.transformer import translation
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.fine_tuned import FineTuned
from nn_core.pretrained.folder import CONFIG, is_folder
from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.pretrained.generation_config import Writing, read_writing
from nn_core.pretrained.load import load as load_folder
from nn_core.pretrained.tensor_files import PretrainedError
from nn_core.pretrained.tokenizer_files import as_folder_tokenizer, ended, read_tokenizer

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
OFFLINE = ("NN_CORE_OFFLINE", "HF_HUB_OFFLINE")
HUB_WAITS = 3  # seconds for an answer
HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")


class Model(NamedTuple):
    """A model, ready to be asked.

    Attributes:
        place: the folder or run directory.
        kind: what its head does, see nn_core.pretrained.families.KINDS; or "run_image".
        module: its structure.
        params: its parameters.
        labels: names of the classes; ().
        settings: config.json of a folder; {} of a run.
        tokenizer: of texts; None for images.
        writing: how it is meant to write.
        decoder: of what writes; programs are remembered by it.
        sources: of an encoder-decoder: texts -> what its encoder reads, (N, S); None for all others.
    """

    place: Path
    kind: str
    module: Any
    params: Any
    labels: tuple[str, ...]
    settings: Mapping[str, Any]
    tokenizer: FolderTokenizer | None
    writing: Writing
    decoder: Decoder | None
    sources: Callable[[Sequence[str]], np.ndarray] | None = None

    def the_tokenizer(self) -> FolderTokenizer:
        """The tokenizer, or a ValueError where there is none."""
        if self.tokenizer is None:
            raise PretrainedError(f"{self.place} has no tokenizer; this task reads text")
        return self.tokenizer

    @property
    def start_id(self) -> int:
        """What a text of an encoder-decoder begins with."""
        said: int | None = self.writing.start_id
        return self.module.pad_id if said is None else said

    def prompt_ids(self, text: str, written_out: bool = False) -> list[int]:
        """A prompt as the model reads it: a folder's tokenizer may put tokens before it, a run's does not.

        Args:
            text: the prompt.
            written_out: as by a chat template, with its special tokens.
        Raises:
            ValueError: nothing to continue, or characters that the vocabulary does not hold, as `experiments.sample` says.
        """
        tokenizer, begun = self.the_tokenizer(), self.settings != {} and not written_out
        return encode_prompt(tokenizer, text, lambda text: tokenizer.feed(text, add_special=begun).ids)


@cache
def note(text: str) -> None:
    """A line on the error stream, once."""
    say(f"note: {text}", sys.stderr)


def find(name: str) -> Path:
    """The folder of a model: a path, or a name of the hub, from its local cache first.

    Raises:
        PretrainedError: neither; says why in one line.
    """
    path = user_path(name)
    if path.exists() or not HUB_NAME.fullmatch(name):
        return path
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError:
        raise PretrainedError(
            f"there is no folder {name}; to look it up on the Hugging Face hub: pip install 'nn_core[pretrained]'"
        ) from None
    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES), local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError):
        pass
    if any(os.environ.get(variable, "0") not in ("", "0") for variable in OFFLINE):
        raise PretrainedError(f"{name} is not a folder here and not in the hub's cache, and this process is offline")
    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES), etag_timeout=HUB_WAITS))
    except (HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise PretrainedError(
            f"{name} is not a folder here and not in the hub's cache, and the hub is not reached: {reason[:200]}"
        ) from None


def load_model(place: Path, member: int | None = None, step: str = "best", dtype: str = "float32") -> Model:
    """The model of a folder or of a run directory.

    Args:
        place: either.
        member, step: of a run directory.
        dtype: of a folder's parameters.
    Raises:
        ValueError: what is wrong with it, in one line.
    """
    if is_folder(place):
        for name, value, usual in (("member", member, None), ("step", step, "best")):
            if value != usual:
                raise ValueError(
                    f"{name}={value} chooses within a run directory, and {place} is a folder; leave it out"
                )
        return _of_folder(place, dtype)
    if not (place / CONFIG).is_file():
        kind = "is not a folder" if not place.is_dir() else f"has no {CONFIG}"
        raise PretrainedError(f"{place} {kind}; give a run directory, or a folder with {CONFIG} and model.safetensors")
    if dtype != "float32":
        raise ValueError(
            f"dtype={dtype} is for the parameters of a folder, and {place} is a run directory; leave it out"
        )
    return _of_run(place, member, step)


def _of_folder(place: Path, dtype: str) -> Model:
    found = load_folder(place, dtype)
    values = found.settings.values
    size = values.get("vocab_size")
    tokenizer = None if found.kind in ("image", "image_encoder") else read_tokenizer(place, size)
    sources = None
    if found.kind == "seq2seq" and tokenizer is not None:
        sources = partial(_sources, place, tokenizer, found.module.pad_id)  # type: ignore[attr-defined]
    return Model(
        place=place,
        kind=found.kind,
        module=found.module,
        params=found.params,
        labels=found.structure.labels,
        settings=values,
        tokenizer=tokenizer,
        writing=read_writing(place, values),
        decoder=DECODERS[found.kind](found.module) if found.kind in DECODERS else None,
        sources=sources,
    )


def _sources(place: Path, tokenizer: FolderTokenizer, pad_id: int, texts: Sequence[str]) -> np.ndarray:
    """Texts as the encoder of a folder reads them, padded."""
    for text in texts:
        check_characters(tokenizer, text, special=True)
    rows = [tokenizer.feed(text).ids for text in texts]
    if tokenizer.longest is not None and max(map(len, rows)) > tokenizer.longest:
        note(f"a text has more tokens than the {tokenizer.longest} that {place} was made for")
    source_NS = np.full((len(rows), bucket(max(map(len, rows)), SMALLEST_SOURCE)), pad_id, np.int32)
    for row, ids in zip(source_NS, rows, strict=True):
        row[: len(ids)] = ids
    return source_NS


# One and the same for equal modules, because programs are remembered by it.
DECODERS: dict[str, Callable[[Any], Decoder]] = {
    "causal": cache(gpt.make_decoder),
    "seq2seq": cache(translation.make_decoder),
}


def _of_run(place: Path, member: int | None, step: str) -> Model:
    stored = load_whole(place, parse_step(step), member)
    registry = registry_of_run(stored.held)
    task = registry.tasks.get(stored.config.task.name)
    if task is not None and task.form == TEXT:
        model = language_model(stored, registry)
        tokenizer = as_folder_tokenizer(model.tokenizer)
        end = tokenizer.special_id("eos_token")
        options = {"max_new_tokens": stored.config.sample.max_new_tokens}
        writing = Writing(options, stored.config.sample.temperature > 0, () if end is None else (end,), None, None, ())
        return Model(place, "causal", model.module, model.params, (), {}, tokenizer, writing, model.decoder)
    if task is not None and task.form == EXAMPLES:
        nothing = Writing({}, False, (), None, None, ())
        run = load_classifier(place, step, member)
        about = {"member": member, "step": step, "statistics": run.statistics, "shape": run.shape}
        return Model(place, "run_image", run.module, stored.params, run.labels, about, None, nothing, None)
    if task is not None and task.form == SEQUENCE:
        return _translator(place, stored, registry)
    if task is not None and task.form == TEXT_CLASS:
        return _fine_tuned(place, stored)
    raise ValueError(f"{place} holds a run of task {stored.config.task.name!r}, which no pipeline asks; see --help")


def _translator(place: Path, stored: Stored, registry: Registry) -> Model:
    """What writes a text for a text, with a tokenizer that ends each source as in training."""
    found, marks, _ = translator(stored, registry)
    if not isinstance(found.module, EncoderDecoder):
        raise ValueError(f"{place} holds a recurrent translator, which no pipeline asks; use experiments.sample")
    tokenizer = ended(as_folder_tokenizer(found.tokenizer), "eos_token")
    options = {"max_new_tokens": stored.config.data.target_size}
    writing = Writing(options, False, (marks.end,), marks.pad, marks.start, ())
    longest = stored.config.data.get("source_size")
    sources = partial(encode_sources, found.tokenizer, marks=marks, longest=longest)
    return Model(place, "seq2seq", found.module, found.params, (), {}, tokenizer, writing, found.decoder, sources)


def _fine_tuned(place: Path, stored: Stored) -> Model:
    """A network with a new head."""
    config = stored.config
    backbone, _, tokenizer = backbone_of(config)
    labels = classes_of(config)
    module = FineTuned(backbone.clone(dropout_rate=None, scan_layers=False), len(labels))
    nothing = Writing({}, False, (), None, None, ())
    longest = {"max_tokens": min(config.task.max_tokens, backbone.context_size)}
    return Model(place, "text_class", module, stored.params, labels, longest, tokenizer, nothing, None)


def in_batches(
    rows: list[list[int]],
    segments: list[list[int]],
    pad_id: int,
    run: Callable[[np.ndarray, np.ndarray], Any],
    size: int = 16,
    longest: int | None = None,
) -> list[Any]:
    """What a model says of rows of different lengths, sorted into few shapes, so that few programs are compiled.

    Args:
        rows: token ids.
        segments: of each token.
        pad_id: what fills a row up.
        run: (ids (B, T), segments (B, T)) -> a tree of arrays (B, …).
        size: B.
        longest: that the model reads; None: any.
    Returns:
        For each row its part of the tree, on the host.
    """
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found: list[Any] = [None] * len(rows)
    for start in range(0, len(order), size):
        places = order[start : start + size]
        width = max(16, 1 << (max(len(rows[i]) for i in places) - 1).bit_length())
        width = width if longest is None else min(width, longest)
        height = 1 << (len(places) - 1).bit_length()
        ids = np.full((height, width), pad_id, np.int32)
        kinds = np.zeros((height, width), np.int32)
        for place, i in enumerate(places):
            ids[place, : len(rows[i])], kinds[place, : len(rows[i])] = rows[i], segments[i]
        outputs = jax.device_get(run(ids, kinds))
        for place, i in enumerate(places):
            found[i] = jax.tree.map(lambda leaf, place=place: leaf[place], outputs)
    return found
