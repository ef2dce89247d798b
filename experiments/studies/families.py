"""Decoder-only, encoder-only and encoder-decoder at equal parameters, updates and answers, each on three tasks (F172).

Every task is a text that is read and words that are written: the rest of a sentence, a class, a translation. A decoder and
an encoder-decoder write a word after the other and see the words before it; an encoder fills all gaps at once, and sees
the source from both sides, but none of its other answers.
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

from experiments.run_directory.results import Row
from experiments.run_directory.settings import TUNED
from experiments.studies.base import Cell, Cells, Outcome, Study, keys_of, make_rows, seeds_of
from experiments.studies.pretraining import check_heads, train
from nn_core.data.packing import NO_TARGET
from nn_core.data.text_forms import MOST, PAD, TASKS, Forms, text_forms
from nn_core.largest import argmax
from nn_core.losses import cross_entropy
from nn_core.models.transformer.encoder import Encoder, MaskedLanguageModel
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.gpt import GPT
from nn_core.training.population import train_all

Arrays = dict[str, Array]


class Family(NamedTuple):
    """A family of transformers.

    Attributes:
        make_model: (config.task, the data) -> module.
        read: data -> what the module reads, "ids" among them, and the "answers" that its outputs are compared with.
        inputs: batch -> the module's argument.
    """

    make_model: Callable[[ConfigDict, Forms], nn.Module]
    read: Callable[[Forms], dict[str, np.ndarray]]
    inputs: Callable[[Arrays], Any]


def make_decoder_only(task: ConfigDict, forms: Forms) -> nn.Module:
    """Blocks with a causal mask."""
    size, width = len(forms.vocabulary), forms.row_NW.shape[1]
    return GPT(size, width, task.embedding_dim, task.heads, task.layers, tied_head=True, scan_layers=True)


def make_encoder_only(task: ConfigDict, forms: Forms) -> nn.Module:
    """As many blocks without a mask, and the head of BERT."""
    size, width = len(forms.vocabulary), forms.row_NW.shape[1]
    sizes = (size, width, task.embedding_dim, task.heads, task.layers)
    return MaskedLanguageModel(Encoder(*sizes, pad_id=PAD, num_segments=0, norm_position="pre", scan_layers=True))


def make_encoder_decoder(task: ConfigDict, forms: Forms) -> nn.Module:
    """Half of the blocks on each side; narrower feed-forward layers make up for the cross-attention: 3 D, not 4 D."""
    width = max(forms.source_NS.shape[1], forms.target_NT.shape[1])
    return EncoderDecoder(
        len(forms.vocabulary),
        width,
        task.embedding_dim,
        task.heads,
        task.layers // 2,
        pad_id=PAD,
        position="learned",
        ffn_features=3 * task.embedding_dim,
        scan_layers=True,
    )


FAMILIES: dict[str, Family] = {
    "decoder-only": Family(
        make_decoder_only,
        lambda forms: {"ids": forms.row_NW, "answers": forms.row_answer_NW},
        lambda batch: batch["ids"],
    ),
    "encoder-only": Family(
        make_encoder_only,
        lambda forms: {"ids": forms.gaps_NW, "answers": forms.row_answer_NW},
        lambda batch: batch["ids"],
    ),
    "encoder-decoder": Family(
        make_encoder_decoder,
        lambda forms: {"ids": forms.source_NS, "target": forms.target_NT, "answers": forms.answer_NT},
        lambda batch: (batch["ids"], batch["target"]),
    ),
}


def answer_losses(logits_BTV: Array, answers_BT: Array) -> tuple[Array, Array]:
    """Sum of the losses of all answered words, and their number."""
    known_BT = answers_BT != NO_TARGET
    losses_BT = cross_entropy(logits_BTV, jnp.maximum(answers_BT, 0), reduction="none")
    return jnp.sum(jnp.where(known_BT, losses_BT, 0.0)), jnp.sum(known_BT)


def judge(logits_BTV: Array, answers_BT: Array) -> dict[str, Array]:
    """Nats of an answered word, share of them that are right, and of texts in which all are.

    All right with the true words before each is the same as all right when a model reads its own words.
    """
    known_BT = answers_BT != NO_TARGET
    right_BT = argmax(logits_BTV) == answers_BT
    total, count = answer_losses(logits_BTV, answers_BT)
    return {
        "loss": total / count,
        "words_right": jnp.sum(right_BT & known_BT) / count,
        "exact": jnp.mean(jnp.all(right_BT | ~known_BT, axis=1)),
    }


def learn(task: ConfigDict, family: Family, forms: Forms, keys_S: Array) -> dict[str, np.ndarray]:
    """Validation and test numbers as "validation_…" and "test_…", each (R, S): of every learning rate and seed."""
    model: Any = family.make_model(task, forms)
    held = len(forms.source_NS) - task.validation - task.test
    bounds = {"train": slice(held), "validation": slice(held, held + task.validation), "test": slice(-task.test, None)}
    parts = {
        split: {name: jnp.asarray(array[rows]) for name, array in family.read(forms).items()}
        for split, rows in bounds.items()
    }

    def loss(params: Any, batch: Arrays, key: Array) -> Array:
        del key  # no dropout: nothing is drawn
        total, count = answer_losses(model.apply({"params": params}, family.inputs(batch)), batch["answers"])
        return total / count

    def one(key: Array, rate: Array) -> dict[str, Array]:
        start_key, train_key = jax.random.split(key)
        first = family.inputs({name: array[:1] for name, array in parts["train"].items()})
        params = model.init(start_key, first)["params"]
        found = {"parameters": jnp.int32(sum(leaf.size for leaf in jax.tree.leaves(params)))}
        params = train(loss, params, parts["train"], train_key, task.steps, task.batch_size, rate)
        for split in ("validation", "test"):
            logits = model.apply({"params": params}, family.inputs(parts[split]))
            found |= {f"{split}_{name}": value for name, value in judge(logits, parts[split]["answers"]).items()}
        return found

    rates_R, num_seeds = np.asarray(task.learning_rates, np.float32), len(keys_S)
    places = np.tile(np.arange(num_seeds), len(rates_R))
    found = train_all(one, keys_S[places], np.repeat(rates_R, num_seeds))
    return {name: values.reshape(len(rates_R), num_seeds) for name, values in found.items()}


def run(config: ConfigDict) -> Cells:
    """Every family on every task at every learning rate; the table shows the one with the lowest validation loss."""
    task, keys, seeds = config.task, keys_of(config), seeds_of(config)
    rows: list[Row] = []
    for name in TASKS:
        forms = text_forms(name, num_examples=task[examples_of(name)] + task.validation + task.test)
        for family_name, family in FAMILIES.items():
            found = yield Cell(f"{name}: {family_name}", partial(learn, task, family, forms, keys))
            for place, rate in enumerate(task.learning_rates):
                label = f"{name}: {family_name}{TUNED}rate {rate:g}"
                rows += make_rows(label, seeds, **{column: found[column][place] for column in COLUMNS})
    return Outcome(rows, {})


def examples_of(name: str) -> str:
    """The setting that says how many texts of a task are learned from."""
    return "labelled" if name == "classification" else "texts"


def check(config: ConfigDict) -> None:
    """Raises ValueError for an odd number of blocks, heads that do not divide the width, or more texts than there are."""
    task = config.task
    for name, most in MOST.items():
        asked, key = task[examples_of(name)] + task.validation + task.test, examples_of(name)
        if asked > most:
            raise ValueError(
                f"config.task.{key}={task[key]} with task.validation={task.validation} and task.test={task.test} are "
                f"{asked:,} texts for {name}, which has {most:,} different ones; ask for fewer"
            )
    if config.task.layers % 2:
        raise ValueError(f"config.task.layers={config.task.layers} must be even: half for each side; add 1")
    check_heads(config.task)


COLUMNS = ("validation_loss", "test_loss", "test_words_right", "test_exact", "parameters")
STUDY = Study(
    run,
    settings={
        "embedding_dim": "[1, inf)",
        "heads": "[1, inf)",
        "layers": "[2, inf)",
        "texts": "[8, inf)",
        "labelled": "[8, inf)",
        "validation": "[8, inf)",
        "test": "[8, inf)",
        "steps": "[10, inf)",
        "batch_size": "[1, inf)",
        "learning_rates": "(0, inf)",
    },
    columns=COLUMNS,
    figures=("families",),
    check=check,
)
