"""Encoders that a study trained, as Hugging Face folders in its run directory, where pipelines find them (F174, F177)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tokenizers as hf
from tokenizers import models, normalizers, pre_tokenizers

from nn_core.data.stories import SPECIAL, spelling
from nn_core.pretrained.export import export
from nn_core.pretrained.tokenizer_files import write_tokenizer
from nn_core.text.interface import UNKNOWN_TOKEN
from nn_core.text.trained import TrainedTokenizer


class Network(NamedTuple):
    """An encoder of stories with its head.

    Attributes:
        module, params: of it.
        labels: names of the classes.
    """

    module: Any
    params: Any
    labels: tuple[str, ...] = ()


def story_tokenizer(pieces: int = 0) -> TrainedTokenizer:
    """The words, or their pieces, of `nn_core.data.stories` with the ids that they have there."""
    ids = dict(spelling(pieces).ids)
    model = models.WordPiece(ids, unk_token=UNKNOWN_TOKEN) if pieces else models.WordLevel(ids, unk_token=UNKNOWN_TOKEN)
    backend = hf.Tokenizer(model)
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.add_special_tokens(list(SPECIAL))
    return TrainedTokenizer(backend.to_str())


def folders_of(networks: Mapping[str, Network], pieces: int) -> Callable[[Path], None]:
    """What writes a folder for each network, under its name, with the tokenizer of `story_tokenizer`."""

    def write(place: Path) -> None:
        for name, network in networks.items():
            named = {"id2label": {str(i): label for i, label in enumerate(network.labels)}} if network.labels else {}
            settings = write_tokenizer(place / name, story_tokenizer(pieces), brackets=True)
            export(place / name, network.module, network.params, settings={**settings, **named})

    return write
