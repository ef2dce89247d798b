"""BERT in small: pre-trained on hidden words and next sentences, then fine-tuned, each against a random start (F098, F138).

Everything is a composition of pure functions of a seed's key: all seeds of a stage are one program. The networks of the
first seed are written as Hugging Face folders, in "models" of the run directory.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.no_run import MODELS
from experiments.run_directory.results import Row
from experiments.studies.base import Cell, Cells, Outcome, Study, keys_of, make_rows, seeds_of
from experiments.studies.encoder_folders import Network, folders_of
from experiments.studies.pretraining import (
    as_data,
    baselines,
    check_heads,
    make_encoder,
    masking_of,
    measure,
    naming,
    pretraining_loss,
    spelling_of,
    train,
)
from nn_core.data.sequences import TAGS
from nn_core.data.stories import NO_LABEL, Pages, opinion_task, span_task, tag_task, topic_task, unlabelled
from nn_core.losses import cross_entropy
from nn_core.models.transformer.encoder import Encoder, Pretraining, SpanReader, TextClassifier, TokenClassifier
from nn_core.training.population import train_all

STARTS = ("pre-trained", "random")
WORDS = "words"  # name of the pre-trained network; the others have those of their tasks


class FineTuning(NamedTuple):
    """A task that a pre-trained encoder is tuned for.

    Attributes:
        make_data: (number of texts, tokens, seed, pieces) -> texts and their targets.
        make_model: encoder -> module.
        losses: (outputs, targets) -> mean loss.
        right: (outputs, targets) -> share of right decisions.
        labels: names of the classes.
    """

    make_data: Callable[[int, int, int, int], tuple[Pages, np.ndarray]]
    make_model: Callable[[Encoder], nn.Module]
    losses: Callable[[Array, Array], Array]
    right: Callable[[Array, Array], Array]
    labels: tuple[str, ...] = ()


def _classes_loss(logits_BC: Array, labels_B: Array) -> Array:
    return cross_entropy(logits_BC, labels_B)


def _classes_right(logits_BC: Array, labels_B: Array) -> Array:
    return jnp.mean(jnp.argmax(logits_BC, axis=-1) == labels_B)


def _token_loss(logits_BTC: Array, tags_BT: Array) -> Array:
    kept_BT = tags_BT != NO_LABEL
    losses_BT = cross_entropy(logits_BTC, jnp.maximum(tags_BT, 0), reduction="none")
    return jnp.sum(jnp.where(kept_BT, losses_BT, 0.0)) / jnp.sum(kept_BT)


def _tokens_right(logits_BTC: Array, tags_BT: Array) -> Array:
    return jnp.sum(jnp.argmax(logits_BTC, axis=-1) == tags_BT) / jnp.sum(tags_BT != NO_LABEL)


TASKS: dict[str, FineTuning] = {
    "opinion": FineTuning(
        opinion_task,
        lambda encoder: TextClassifier(encoder, 2),
        _classes_loss,
        _classes_right,
        ("negative", "positive"),
    ),
    "tags": FineTuning(tag_task, lambda encoder: TokenClassifier(encoder, len(TAGS)), _token_loss, _tokens_right, TAGS),
    "span": FineTuning(
        span_task,
        SpanReader,
        lambda logits_B2T, spans_B2: cross_entropy(logits_B2T, spans_B2),
        lambda logits_B2T, spans_B2: jnp.mean(jnp.all(jnp.argmax(logits_B2T, axis=-1) == spans_B2, axis=1)),
    ),
    "topic": FineTuning(
        topic_task,
        lambda encoder: TextClassifier(encoder, 2),
        _classes_loss,
        _classes_right,
        ("contradiction", "entailment"),
    ),
}


def pretraining_texts(task: ConfigDict) -> tuple[Pages, Pages]:
    """The texts that an encoder learns from, and those that judge it."""
    return (
        unlabelled(num_examples=task.texts, width=task.width, pieces=task.pieces),
        unlabelled(num_examples=task.held_out, width=task.width, seed=10_000, pieces=task.pieces),
    )


def task_texts(task: ConfigDict, name: str) -> tuple[Pages, np.ndarray]:
    """The texts of a task that are learned from, then those that judge, and their targets."""
    return TASKS[name].make_data(task.labelled + task.test, task.width, 20_000, task.pieces)


def pretrain(task: ConfigDict, keys: Array) -> dict[str, Any]:
    """The "params" of every seed, with their heads, and "measures" of how well they guess held-out texts."""
    model, masking = Pretraining(make_encoder(task)), masking_of(task)
    found, asked = pretraining_texts(task)
    data, held = (as_data(part, **({"words": part.words_NT} if task.whole_words else {})) for part in (found, asked))

    def one(key: Array) -> tuple[Any, dict[str, Array]]:
        start_key, train_key, test_key = jax.random.split(jax.random.fold_in(key, 1), 3)
        params = model.init(start_key, data["ids"][:1], data["segments"][:1])["params"]
        loss = pretraining_loss(model, masking)
        params = train(loss, params, data, train_key, task.pretrain_steps, task.batch_size, task.pretrain_rate)
        return params, measure(model, masking, params, held, test_key)

    params, measures = train_all(one, keys)
    return {"params": params, "measures": measures | baselines(found.ids_NT, asked.ids_NT)}


def fine_tune(task: ConfigDict, name: str, encoders: Any, keys: Array) -> dict[str, Any]:
    """Test accuracy of every seed from its pre-trained encoder and from a random start, the same batches in both ("right");
    and the "params" that come from the pre-trained one."""
    kind, settings = TASKS[name], make_encoder(task)
    model: Any = kind.make_model(settings)
    texts, targets = task_texts(task, name)
    parts = [
        as_data(Pages(*(array[rows] for array in texts)), targets=targets[rows])
        for rows in (slice(task.labelled), slice(task.labelled, None))
    ]

    def loss(params: Any, batch: dict[str, Array], key: Array) -> Array:
        del key  # nothing is drawn: no dropout, no hidden words
        return kind.losses(model.apply({"params": params}, batch["ids"], batch["segments"]), batch["targets"])

    def one(key: Array, encoder: Any) -> tuple[dict[str, Array], Any]:
        start_key, train_key = jax.random.split(jax.random.fold_in(key, 2))
        drawn = model.init(start_key, parts[0]["ids"][:1], parts[0]["segments"][:1])["params"]
        known = {part: leaf for part, leaf in encoder.items() if part in drawn["encoder"]}
        found, tuned = {}, {}
        for start in STARTS:
            params = drawn | {"encoder": drawn["encoder"] | known} if start == STARTS[0] else drawn
            params = train(loss, params, parts[0], train_key, task.steps, task.batch_size, task.learning_rate)
            outputs = model.apply({"params": params}, parts[1]["ids"], parts[1]["segments"])
            found[start], tuned[start] = kind.right(outputs, parts[1]["targets"]), params
        return found, tuned[STARTS[0]]

    right, params = train_all(one, keys, encoders)
    return {"right": right, "params": params}


def run(config: ConfigDict) -> Cells:
    """Pre-training, then every task from both starts."""
    task, keys, seeds = config.task, keys_of(config), seeds_of(config)
    known = yield Cell("pre-training", partial(pretrain, task, keys))
    params, measures = known["params"], known["measures"]
    rows: list[Row] = make_rows("pre-training", seeds, **measures)
    arrays = {name: np.broadcast_to(value, len(seeds)) for name, value in measures.items()}
    networks = {WORDS: Network(Pretraining(make_encoder(task)), first(params))}
    for name, kind in TASKS.items():
        tuned = yield Cell(name, partial(fine_tune, task, name, params["encoder"], keys))
        found = tuned["right"]
        for start in STARTS:
            rows += make_rows(f"{name}: {start}", seeds, test_accuracy=found[start])
        arrays[name] = np.stack([found[start] for start in STARTS])
        networks[name] = Network(kind.make_model(make_encoder(task)), first(tuned["params"]), kind.labels)
    return Outcome(rows, arrays, {MODELS: folders_of(networks, task.pieces)})


def first(params: Any) -> Any:
    """The parameters of the first seed."""
    return jax.tree.map(lambda leaf_S: leaf_S[0], params)


def check(config: ConfigDict) -> None:
    """Raises ValueError for heads that do not divide the width, whole words without pieces, too few pieces, or texts that
    are too long."""
    task = config.task
    check_heads(task)
    if task.whole_words and not task.pieces:
        raise ValueError(
            "config.task.whole_words=True has no effect while words are tokens; set config.task.pieces=100"
        )
    try:
        spelling_of(task)
    except ValueError as error:
        raise ValueError(f"config.task.pieces={task.pieces} is too small ({error})") from None
    with naming("config.task.width", task.width):
        pretraining_texts(task)
        for name in TASKS:
            task_texts(task, name)


STUDY = Study(
    run,
    settings={
        "embedding_dim": "[1, inf)",
        "heads": "[1, inf)",
        "layers": "[1, inf)",
        "width": "[8, inf)",
        "chosen": "(0, 1)",
        "pieces": "[0, inf)",
        "whole_words": "",
        "texts": "[8, inf)",
        "held_out": "[8, inf)",
        "pretrain_steps": "[10, inf)",
        "pretrain_rate": "(0, inf)",
        "labelled": "[1, inf)",
        "test": "[1, inf)",
        "steps": "[10, inf)",
        "learning_rate": "(0, inf)",
        "batch_size": "[1, inf)",
    },
    columns=(
        "masked_accuracy",
        "unigram_accuracy",
        "bigram_accuracy",
        "next_sentence_accuracy",
        "test_accuracy",
    ),
    figures=("bert_quick",),
    check=check,
)
