"""What the studies of BERT share: pre-training on hidden words and next sentences, and its measures (F098, F138)."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from ml_collections import ConfigDict

from nn_core.data.stories import MASK, NO_LABEL, SPECIAL, Pages, Spelling, spelling
from nn_core.losses import cross_entropy
from nn_core.models.attention.multi_head import head_width
from nn_core.models.transformer.encoder import Encoder, Pretraining
from nn_core.tasks.masked_words import Masking, hide_words, masked_loss

Loss = Callable[[Any, dict[str, Array], Array], Array]  # (params, batch, key) -> loss


def spelling_of(task: ConfigDict) -> Spelling:
    """How a config spells words; a study without pieces reads whole words."""
    return spelling(task.get("pieces", 0))


@contextlib.contextmanager
def naming(key: str, value: Any) -> Iterator[None]:
    """Gives a ValueError of the data the name of the key that must change."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{key}={value}: {error}") from None


def check_heads(task: ConfigDict) -> None:
    """Raises ValueError for heads that do not divide the width of a study's transformer."""
    head_width(task.embedding_dim, task.heads, ("config.task.heads", "config.task.embedding_dim"))


def make_encoder(task: ConfigDict) -> Encoder:
    """The encoder of a config."""
    return Encoder(
        len(spelling_of(task).ids),
        task.width,
        task.embedding_dim,
        task.heads,
        task.layers,
        ffn_features=2 * task.embedding_dim,
    )


def masking_of(task: ConfigDict) -> Masking:
    """How words are hidden: 80 / 10 / 10."""
    return Masking(MASK, len(SPECIAL), len(spelling_of(task).ids), chosen=task.chosen)


def pretraining_loss(model: Pretraining, masking: Masking) -> Loss:
    """Mean loss of the hidden words plus that of the next sentences."""

    def loss(params: Any, batch: dict[str, Array], key: Array) -> Array:
        hidden_BT, chosen_BT = hide_words(key, batch["ids"], masking, batch.get("words"))
        outputs: Any = model.apply({"params": params}, hidden_BT, batch["segments"])
        words, follows = outputs
        total, count = masked_loss(words, batch["ids"], chosen_BT)
        known_B = batch["follows"] != NO_LABEL
        losses_B = cross_entropy(follows, jnp.maximum(batch["follows"], 0), reduction="none")
        return total / jnp.maximum(count, 1.0) + jnp.sum(jnp.where(known_B, losses_B, 0.0)) / jnp.maximum(
            jnp.sum(known_B), 1
        )

    return loss


def train(loss: Loss, params: Any, data: dict[str, Array], key: Array, steps: int, batch: int, rate: Any) -> Any:
    """Adam with warm-up and a linear fall to 0, batches drawn with replacement: a pure function of the key."""
    schedule = optax.join_schedules(
        [optax.linear_schedule(0.0, rate, steps // 10), optax.linear_schedule(rate, 0.0, steps - steps // 10)],
        [steps // 10],
    )
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))
    size = len(data["ids"])

    def step(state: tuple[Any, Any], index: Array) -> tuple[tuple[Any, Any], None]:
        params, moments = state
        draw_key, loss_key = jax.random.split(jax.random.fold_in(key, index))
        rows_B = jax.random.randint(draw_key, (batch,), 0, size)
        chosen = {name: array[rows_B] for name, array in data.items()}
        slopes = jax.grad(loss)(params, chosen, loss_key)
        updates, moments = optimizer.update(slopes, moments, params)
        return (optax.apply_updates(params, updates), moments), None

    return lax.scan(step, (params, optimizer.init(params)), jnp.arange(steps))[0][0]


def as_data(found: Pages, **more: np.ndarray) -> dict[str, Array]:
    """Texts on the device."""
    arrays = {"ids": found.ids_NT, "segments": found.segments_NT, "follows": found.follows_N} | more
    return {name: jnp.asarray(array) for name, array in arrays.items()}


def measure(model: Pretraining, masking: Masking, params: Any, data: dict[str, Array], key: Array) -> dict[str, Array]:
    """Share of hidden words that are guessed, and of next sentences."""
    hidden_NT, chosen_NT = hide_words(key, data["ids"], masking, data.get("words"))
    found: Any = model.apply({"params": params}, hidden_NT, data["segments"])
    right_NT = (jnp.argmax(found[0], axis=-1) == data["ids"]) & chosen_NT
    known_N = data["follows"] != NO_LABEL
    right_N = (jnp.argmax(found[1], axis=-1) == data["follows"]) & known_N
    return {
        "masked_accuracy": jnp.sum(right_NT) / jnp.sum(chosen_NT),
        "next_sentence_accuracy": jnp.sum(right_N) / jnp.sum(known_N),
    }


def baselines(train_ids_NT: np.ndarray, test_ids_NT: np.ndarray) -> dict[str, float]:
    """Accuracy of guessing the most frequent token, and the most frequent one after the token before."""
    size, first = int(max(train_ids_NT.max(), test_ids_NT.max())) + 1, len(SPECIAL)
    counts_VV = np.zeros((size, size))
    np.add.at(counts_VV, (train_ids_NT[:, :-1].ravel(), train_ids_NT[:, 1:].ravel()), 1)
    counts_VV[:, :first] = 0
    before, words = test_ids_NT[:, :-1].ravel(), test_ids_NT[:, 1:].ravel()
    kept = words >= first
    best = int(counts_VV.sum(axis=0).argmax())
    return {
        "unigram_accuracy": float((words[kept] == best).mean()),
        "bigram_accuracy": float((counts_VV.argmax(axis=1)[before[kept]] == words[kept]).mean()),
    }
