"""Deep stacks of transformer blocks with and without residuals and layer norms (F130, F131, claim C14).

Handwritten digits are read row by row: eight tokens of eight pixels. Every variant is trained at every learning rate on
the same splits and batches; tables and claims take the rate with the lowest validation loss.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Cell, Cells, Outcome, Study, check_whole, keys_of, make_rows, seeds_of
from nn_core.data.sources import load_dataset
from nn_core.data.splits import SplitSizes, split_indices, standardizer
from nn_core.losses import cross_entropy
from nn_core.models.attention.multi_head import MultiHeadAttention, head_width
from nn_core.models.layers import Dense, LayerNorm
from nn_core.models.transformer.block import FeedForward

# name: (residual, layer norm)
VARIANTS = {
    "residual and norm": (True, True),
    "no residual": (False, True),
    "no norm": (True, False),
    "neither": (False, False),
}
CLASSES, ROWS = 10, 8
NUM_LOSSES = 51  # points of a drawn learning curve


class Sublayers(nn.Module):
    """Attention, then feed-forward; each is the part of x + f(norm(x)) that the variant has."""

    num_heads: int
    residual: bool
    norm: bool

    @nn.compact
    def __call__(self, x_BTD: Array) -> Array:
        sublayers: dict[str, Callable[[Array], Array]] = {
            "attention": MultiHeadAttention(self.num_heads, name="attention"),
            "feed_forward": FeedForward(name="feed_forward"),
        }
        for name, sublayer in sublayers.items():
            y_BTD = sublayer(LayerNorm(name=f"{name}_norm")(x_BTD) if self.norm else x_BTD)
            x_BTD = x_BTD + y_BTD if self.residual else y_BTD
        return x_BTD


class Ends(nn.Module):
    """The layers before and after the blocks."""

    width: int
    norm: bool

    def setup(self) -> None:
        self.embed = Dense(self.width)
        self.positions_TD = self.param("positions", nn.initializers.normal(0.02), (ROWS, self.width))
        self.last_norm = LayerNorm() if self.norm else None
        self.head = Dense(CLASSES)

    def read(self, images_B88: Array) -> Array:
        return self.embed(images_B88) + self.positions_TD[None]

    def say(self, x_BTD: Array) -> Array:
        return self.head(jnp.mean(self.last_norm(x_BTD) if self.last_norm else x_BTD, axis=1))

    def __call__(self, images_B88: Array) -> Array:
        return self.say(self.read(images_B88))


def make_model(task: ConfigDict, depth: int, residual: bool, norm: bool) -> tuple[Callable, Callable]:
    """init(key) -> params, and apply(params, images) -> logits; blocks are scanned: compile time is that of one."""
    ends, block = Ends(task.width, norm), Sublayers(task.num_heads, residual, norm)

    def init(key: Array) -> dict[str, Any]:
        ends_key, blocks_key = jax.random.split(key)
        example = jnp.zeros((1, ROWS, task.width))
        return {
            "ends": ends.init(ends_key, jnp.zeros((1, ROWS, ROWS))),
            "blocks": jax.vmap(lambda one_key: block.init(one_key, example))(jax.random.split(blocks_key, depth)),
        }

    def apply(params: dict[str, Any], images_B88: Array) -> Any:
        x_BTD = ends.apply(params["ends"], images_B88, method="read")
        x_BTD, _ = lax.scan(lambda x, one: (block.apply(one, x), None), x_BTD, params["blocks"])
        return ends.apply(params["ends"], x_BTD, method="say")

    return init, apply


def learn(
    model: tuple[Callable, Callable], task: ConfigDict, images: Array, labels: Array, key: Array, rate: Array
) -> dict[str, Array]:
    """Trains one network by Adam and judges it; all of its randomness comes from the key.

    The images are standardized by those that are learned: nothing is known of the others.
    """
    init, apply = model
    split_key, start_key, batch_key = jax.random.split(key, 3)
    sizes = SplitSizes(task.train_examples, task.validation_examples, task.test_examples)
    split = split_indices(split_key, labels, sizes, CLASSES)
    shift, scale = standardizer(images[split["train"]], per_feature=False)
    images = (images - shift[None]) / scale[None]
    optimizer = optax.adam(rate)

    def loss(params: dict[str, Any], indices_B: Array) -> Array:
        return cross_entropy(apply(params, images[indices_B]), labels[indices_B])

    def step(carry: tuple, number: Array) -> tuple[tuple, Array]:
        params, state = carry
        places_B = jax.random.randint(jax.random.fold_in(batch_key, number), (task.batch_size,), 0, sizes.train)
        value, gradient = jax.value_and_grad(loss)(params, split["train"][places_B])
        updates, state = optimizer.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), value

    start = init(start_key)
    gradients = jax.grad(loss)(start, split["train"])["blocks"]
    norm_L = jnp.sqrt(sum(jnp.sum(leaf**2, axis=range(1, leaf.ndim)) for leaf in jax.tree.leaves(gradients)))
    (params, _), losses_K = lax.scan(step, (start, optimizer.init(start)), jnp.arange(task.steps))
    right_N = jnp.argmax(apply(params, images[split["test"]]), axis=-1) == labels[split["test"]]
    return {
        **{f"{name}_loss": loss(params, split[name]) for name in split},
        "test_accuracy": jnp.mean(right_N),
        "first_gradient": jnp.log10(norm_L[0] + jnp.finfo(jnp.float32).tiny),
        "losses": losses_K[:: max(task.steps // (NUM_LOSSES - 1), 1)],
    }


def run(config: ConfigDict) -> Cells:
    """Every depth, variant and rate with every seed; a program per depth and variant."""
    task, seeds = config.task, seeds_of(config)
    dataset = load_dataset("digits")
    images = jnp.asarray(dataset.inputs, jnp.float32).reshape(-1, ROWS, ROWS)
    labels = jnp.asarray(dataset.targets)
    rates_J = jnp.array(task.learning_rates, jnp.float32)
    rows: list[Row] = []
    arrays: dict[str, np.ndarray] = {"steps": np.array(task.steps)}
    for depth in task.depths:
        for name, (residual, norm) in VARIANTS.items():
            train = partial(learn, make_model(task, depth, residual, norm), task, images, labels)
            over = jax.jit(jax.vmap(jax.vmap(train, (0, None)), (None, 0)))
            found = yield Cell(f"{depth} blocks: {name}", partial(over, keys_of(config), rates_J))
            arrays[f"losses_{len(arrays)}"] = found.pop("losses")
            for place, rate in enumerate(task.learning_rates):
                columns = {column: value[place] for column, value in found.items()}
                rows += make_rows(f"{depth} blocks: {name} | rate {rate:g}", seeds, **columns)
    return Outcome(rows, arrays)


def check(config: ConfigDict) -> None:
    """Raises ValueError for settings that do not fit together."""
    check_whole(config, "depths")
    head_width(config.task.width, config.task.num_heads, ("config.task.num_heads", "config.task.width"))


STUDY = Study(
    run,
    settings={
        "width": "[1, 64]",
        "num_heads": "[1, inf)",
        "depths": "[1, 1000]",
        "learning_rates": "(0, inf)",
        "steps": "[1, 100000]",
        "batch_size": "[1, inf)",
        "train_examples": "[1, inf)",
        "validation_examples": "[1, inf)",
        "test_examples": "[1, inf)",
    },
    columns=("train_loss", "validation_loss", "test_loss", "test_accuracy", "first_gradient"),
    figures=(),
    check=check,
)
