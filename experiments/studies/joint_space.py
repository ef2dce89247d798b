"""Images and words in one space by a contrastive loss: retrieval both ways (F107)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, keys_of, make_rows, seeds_of
from nn_core.data.bundled import DIGIT_WORDS, digits
from nn_core.data.checks import check_int
from nn_core.data.splits import SplitSizes, split_indices
from nn_core.models.embeddings import JointSpace, info_nce_losses

TOP = 10  # images that a word retrieves
TEST = 360


def run(config: ConfigDict) -> Outcome:
    """Trains every seed, and judges it before and after training on unseen images."""
    task, dataset = config.task, digits()
    images, labels = jnp.asarray(dataset.inputs, jnp.float32), jnp.asarray(dataset.targets)
    images = images / jnp.max(images)
    model = JointSpace(len(DIGIT_WORDS), task.features, task.hidden_size)
    optimizer = optax.adam(task.learning_rate)
    sizes = SplitSizes(len(labels) - TEST, 0, TEST)

    def loss(params: Any, places_B: Array) -> Array:
        vectors: Any = model.apply({"params": params}, images[places_B], labels[places_B])
        same_BB = labels[places_B][:, None] == labels[places_B][None]
        return info_nce_losses(vectors[0], vectors[1], task.temperature, same_BB).mean()

    def one(key: Array) -> dict[str, Array]:
        split_key, init_key, order_key = jax.random.split(key, 3)
        split = split_indices(split_key, labels, sizes, len(DIGIT_WORDS))
        start = model.init(init_key, images[:1], labels[:1])["params"]

        def step(carry: tuple, key: Array) -> tuple[tuple, Array]:
            params, state = carry
            places_B = split["train"][jax.random.randint(key, (task.batch_size,), 0, sizes.train)]
            value, gradients = jax.value_and_grad(loss)(params, places_B)
            updates, state = optimizer.update(gradients, state)
            return (optax.apply_updates(params, updates), state), value

        (params, _), losses = jax.lax.scan(
            step, (start, optimizer.init(start)), jax.random.split(order_key, task.steps)
        )
        found = {"losses": losses, "places": split["test"]}
        for name, chosen in (("before", start), ("after", params)):
            vectors_ME, words_CE = embed(chosen, split["test"])
            found |= {f"{name}_images": vectors_ME, f"{name}_words": words_CE}
        return found

    def embed(params: Any, places_M: Array) -> tuple[Array, Array]:
        apply: Any = model.apply
        vectors_ME, _ = apply({"params": params}, images[places_M], labels[places_M])
        zeros = jnp.zeros((len(DIGIT_WORDS), *images.shape[1:]))
        return vectors_ME, apply({"params": params}, zeros, jnp.arange(len(DIGIT_WORDS)))[1]

    found = jax.tree.map(np.asarray, compiled(jax.vmap(one))(keys_of(config)))
    rows: list[Row] = []
    for name, label in (("before", "before training"), ("after", "trained")):
        truth_SM = np.asarray(labels)[found["places"]]
        columns = judge(found[f"{name}_images"], found[f"{name}_words"], truth_SM)
        rows += make_rows(label, seeds_of(config), **columns)
    pictures = np.asarray(images)[found["places"][0]].reshape(TEST, 8, 8)
    arrays = {name: values[0] for name, values in found.items() if name != "losses"}
    return Outcome(rows, arrays | {"losses": found["losses"], "pictures": pictures, "truth": truth_SM[0]})


def judge(images_SME: np.ndarray, words_SCE: np.ndarray, truth_SM: np.ndarray) -> dict[str, np.ndarray]:
    """Recall@1 from image to word, precision of the TOP images that a word retrieves, mean cosine of right pairs."""
    cosines_SMC = np.einsum("sme,sce->smc", images_SME, words_SCE)
    best_SCT = np.argsort(-cosines_SMC, axis=1)[:, :TOP].transpose(0, 2, 1)
    fetched = np.take_along_axis(truth_SM[:, None], best_SCT, axis=2) == np.arange(len(DIGIT_WORDS))[None, :, None]
    right_SM = np.take_along_axis(cosines_SMC, truth_SM[..., None], axis=2)[..., 0]
    return {
        "image_to_word": (cosines_SMC.argmax(axis=2) == truth_SM).mean(axis=1),
        "word_to_images": fetched.mean(axis=(1, 2)),
        "cosine": right_SM.mean(axis=1),
    }


def check(config: ConfigDict) -> None:
    """Raises ValueError for impossible sizes."""
    for name in ("features", "hidden_size"):
        check_int(f"config.task.{name}", config.task[name], 2)
    check_int("config.task.batch_size", config.task.batch_size, 2)


STUDY = Study(
    run,
    settings={
        "features": "[1, 4096]",
        "hidden_size": "",
        "learning_rate": "(0, inf)",
        "temperature": "(0, inf)",
        "batch_size": "[1, inf)",
        "steps": "[1, 100000]",
    },
    columns=("image_to_word", "word_to_images", "cosine"),
    figures=("joint_space",),
    check=check,
)
