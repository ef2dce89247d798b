"""One spelling, two meanings: the vectors of "date" in sentences about fruit and about days (F095)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.studies.base import Outcome, Study, keys_of, make_rows, seeds_of
from experiments.studies.pretraining import (
    as_data,
    check_heads,
    make_encoder,
    masking_of,
    naming,
    pretraining_loss,
    train,
)
from nn_core.data.stories import NO_LABEL, Pages, date_sentences, pages, unlabelled, vocabulary
from nn_core.models.transformer.encoder import Pretraining
from nn_core.text.projection import principal_components
from nn_core.training.population import train_all

WORD = "date"
MEANINGS = ("fruit", "day")


def cosines(vectors_ND: Array, meanings_N: Array) -> dict[str, Array]:
    """Mean cosine of two different sentences of one meaning, and of two meanings; and how often the nearest is of one's own."""
    unit_ND = vectors_ND / jnp.linalg.norm(vectors_ND, axis=1, keepdims=True)
    cosine_NN = unit_ND @ unit_ND.T
    same_NN = meanings_N[:, None] == meanings_N[None]
    other_NN = ~jnp.eye(len(meanings_N), dtype=bool)
    nearest_N = jnp.argmax(jnp.where(other_NN, cosine_NN, -2.0), axis=1)
    within, between = same_NN & other_NN, ~same_NN
    return {
        "within": jnp.sum(jnp.where(within, cosine_NN, 0.0)) / jnp.sum(within),
        "between": jnp.sum(jnp.where(between, cosine_NN, 0.0)) / jnp.sum(between),
        "nearest_right": jnp.mean(meanings_N[nearest_N] == meanings_N),
    }


def different_sentences() -> list[list[str]]:
    """The sentences with the word in each of its meanings."""
    return [sorted(set(date_sentences(meaning, 1000, 7))) for meaning in range(len(MEANINGS))]


def sentence_pages(width: int) -> Pages:
    """The same as ids."""
    texts = [text for meaning in different_sentences() for text in meaning]
    return pages([(text, "") for text in texts], [NO_LABEL] * len(texts), width)


def run(config: ConfigDict) -> Outcome:
    """Pre-trains an encoder a seed without any label, then compares the vectors of the word."""
    task, keys, seeds = config.task, keys_of(config), seeds_of(config)
    model, masking = Pretraining(make_encoder(task)), masking_of(task)
    data = as_data(unlabelled(num_examples=task.texts, width=task.width))
    different = different_sentences()
    asked = as_data(sentence_pages(task.width))
    meanings_N = jnp.repeat(jnp.arange(2), np.array([len(meaning) for meaning in different]))
    places_N = jnp.argmax(asked["ids"] == vocabulary()[WORD], axis=1)

    def one(key: Array) -> dict[str, Array]:
        start_key, train_key = jax.random.split(jax.random.fold_in(key, 1))
        params = model.init(start_key, data["ids"][:1], data["segments"][:1])["params"]
        loss = pretraining_loss(model, masking)
        params = train(loss, params, data, train_key, task.pretrain_steps, task.batch_size, task.pretrain_rate)
        hidden: Any = model.encoder.apply({"params": params["encoder"]}, asked["ids"], asked["segments"])
        vectors_ND = jnp.take_along_axis(hidden, places_N[:, None, None], axis=1)[:, 0]
        static_ND = params["encoder"]["token_embedding"]["embedding"][asked["ids"][jnp.arange(len(places_N)), places_N]]
        found = cosines(vectors_ND, meanings_N)
        table = cosines(static_ND, meanings_N)
        return found | {"static_within": table["within"], "static_between": table["between"], "vectors": vectors_ND}

    found = train_all(one, keys)
    vectors_SND = found.pop("vectors")
    rows = make_rows("encoder", seeds, **{name: found[name] for name in ("within", "between", "nearest_right")})
    rows += make_rows("table", seeds, within=found["static_within"], between=found["static_between"])
    points_N2 = np.asarray(principal_components(vectors_SND[0]).points_N2)
    return Outcome(rows, found | {"points": points_N2, "meanings": np.asarray(meanings_N)})


def check(config: ConfigDict) -> None:
    """Raises ValueError for heads that do not divide the width, or texts that are too long."""
    check_heads(config.task)
    with naming("config.task.width", config.task.width):
        unlabelled(num_examples=config.task.texts, width=config.task.width)
        sentence_pages(config.task.width)


STUDY = Study(
    run,
    settings={
        "embedding_dim": "[1, inf)",
        "heads": "[1, inf)",
        "layers": "[1, inf)",
        "width": "[8, inf)",
        "chosen": "(0, 1)",
        "texts": "[8, inf)",
        "pretrain_steps": "[10, inf)",
        "pretrain_rate": "(0, inf)",
        "batch_size": "[1, inf)",
    },
    columns=("within", "between", "nearest_right"),
    figures=("contextual_vectors",),
    check=check,
)
