"""Builds the task that tells the class of a text, as tokens of the network that is fine-tuned."""

from typing import Any

import numpy as np
from ml_collections import ConfigDict

from experiments.building.backbones import backbone_of
from experiments.building.own_labels import load_texts
from experiments.building.own_tables import TABLE
from experiments.building.records import Registry, Sizes, serving
from experiments.building.sequences import make_view
from experiments.command_line.choices import choose
from nn_core.data.corpora import CORPORA
from nn_core.models.transformer.fine_tuned import NOTHING
from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.tasks.base import Data, Task
from nn_core.tasks.supervised import Problem, make_supervised


def build(config: ConfigDict, registry: Registry) -> tuple[Task, Data]:
    """The task and its shared data {"inputs": (N, T) ids, "targets": (N,)}.

    Raises:
        ValueError: an unknown name, no source, splits or batches that cannot be.
    """
    kind = choose(config.task.name, registry.tasks, "task.name")
    choose(config.data.name, {**CORPORA, TABLE: None}, "data.name")
    use = choose(config.model.name, serving(registry, kind.form), "model.name")
    texts = load_texts(config.data)
    backbone, _, tokenizer = backbone_of(config)
    longest = min(config.task.max_tokens, backbone.context_size)
    inputs = encode_texts(tokenizer, texts.texts, longest)
    num_classes = len(texts.label_names)
    make_model = use.make(config, Sizes(kind.head.num_outputs(num_classes), (tokenizer.vocabulary_size,)))
    view = make_view(config.data, num_classes, len(inputs))
    problem = Problem(make_model, kind.head, view, inputs[0], proximal=config.optimizer.proximal)
    return make_supervised(problem), {"inputs": inputs, "targets": np.asarray(texts.labels)}


def classes_of(config: ConfigDict) -> tuple[str, ...]:
    """Names of the classes; a run keeps those of a table of one's own, which may be gone."""
    return tuple(config.data.classes) or load_texts(config.data).label_names


def encode_texts(tokenizer: FolderTokenizer, texts: Any, longest: int) -> np.ndarray:
    """Texts as the network reads them, (N, longest) int32: cut, or filled with NOTHING."""
    rows = np.full((len(texts), longest), NOTHING, np.int32)
    for row, text in zip(rows, texts, strict=True):
        ids = tokenizer.feed(text).ids[:longest]
        row[: len(ids)] = ids
    return rows
