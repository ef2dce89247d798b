"""XOR: two hidden units combine two lines; how often training finds them, by width and by start (F027)."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.flatten_util import ravel_pytree
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, check_whole, compiled, keys_of, make_rows, seeds_of
from nn_core.activations import sigmoid
from nn_core.by_hand.surfaces import descend
from nn_core.data.generators import gates
from nn_core.losses import binary_cross_entropy
from nn_core.models.mlp import MLP, hidden_activations

GRID = 101  # points along each side of the drawn plane
REACH = 1.8  # the plane is drawn from -REACH to REACH; the corners are at +-1
NUM_LOSSES = 201  # points of a drawn learning curve, at most
NUM_FRAMES = 40  # pictures of the way, more of them at its beginning


class Network(NamedTuple):
    """A network as a function of one vector of weights, and its start.

    Attributes:
        model: the module.
        unravel: weights (W,) -> parameters.
        start: (key, scale) -> weights of N(0, scale^2), biases too.
    """

    model: MLP
    unravel: Callable[[Array], dict]
    start: Callable[[Array, Array], Array]


def make_network(width: int) -> Network:
    """Two inputs, `width` hidden sigmoids, one output."""
    normal = jax.nn.initializers.normal(1.0)
    model = MLP((width,), 1, activation=sigmoid, kernel_init=normal, bias_init=normal)
    example_12 = jnp.zeros((1, 2))
    _, unravel = ravel_pytree(model.init(jax.random.key(0), example_12)["params"])
    return Network(model, unravel, lambda key, scale: scale * ravel_pytree(model.init(key, example_12)["params"])[0])


def corners() -> tuple[np.ndarray, np.ndarray]:
    """The truth table with its inputs at -1 and 1, as standardizing would put them."""
    table = gates(gate="xor")
    return (2 * table.inputs - 1).astype(np.float32), table.targets.astype(np.float32)


def learn(network: Network, steps: int, key: Array, scale: Array, learning_rate: Array, momentum: Array) -> dict:
    """Gradient descent with momentum on the mean cross-entropy of the four corners."""
    inputs_42, targets_4 = (jnp.asarray(one) for one in corners())

    def logits(weights_W: Array) -> Array:
        return jnp.asarray(network.model.apply({"params": network.unravel(weights_W)}, inputs_42))[:, 0]

    def error(weights_W: Array) -> Array:
        return binary_cross_entropy(logits(weights_W), targets_4)

    rule = optax.sgd(learning_rate, momentum=momentum)
    path_KW = descend(error, network.start(key, scale), rule, steps)
    right = jnp.sum((logits(path_KW[-1]) >= 0) == (targets_4 == 1))
    losses = jax.vmap(error)(path_KW[:: max(steps // (NUM_LOSSES - 1), 1)])
    solved = (right == 4).astype(jnp.float32)
    return {"solved": solved, "right": right, "losses": losses, "weights": path_KW[frame_steps(steps)]}


def frame_steps(steps: int) -> np.ndarray:
    """The steps that have a picture, from 0 to the last; the first ones are near to each other."""
    return np.unique(np.round(steps * np.linspace(0, 1, NUM_FRAMES) ** 3).astype(int))


def run(config: ConfigDict) -> Outcome:
    """Every width, start scale and seed; a program per width."""
    task, seeds = config.task, seeds_of(config)
    scales_J = np.array(task.init_scales, np.float32)
    rows: list[Row] = []
    arrays = {"widths": np.array(task.widths), "init_scales": scales_J, "steps": np.array(task.steps)}
    solved = []
    for index, width in enumerate(task.widths):
        network = make_network(width)
        over_seeds = jax.vmap(partial(learn, network, task.steps), in_axes=(0, None, None, None))
        train = compiled(jax.vmap(over_seeds, in_axes=(None, 0, None, None)))
        found = jax.device_get(train(keys_of(config), scales_J, task.learning_rate, task.momentum))
        solved.append(found["solved"])
        for place, scale in enumerate(task.init_scales):
            columns = {"solved": found["solved"][place], "right": found["right"][place]}
            columns["loss"] = found["losses"][place, :, -1]
            rows += make_rows(f"start {scale:g}: {width} hidden unit{'s' * (width > 1)}", seeds, **columns)
        if index == 0:
            arrays |= {"losses": found["losses"][0], "shown_solved": found["solved"][0]}
            arrays |= shown(network, found, frame_steps(task.steps))
    return Outcome(rows, arrays | {"solved": np.stack(solved)})


def shown(network: Network, found: dict[str, np.ndarray], steps_F: np.ndarray) -> dict[str, np.ndarray]:
    """The output over the plane of the best network that solved it, on its way too, and of the best one that failed."""
    side = np.linspace(-REACH, REACH, GRID, dtype=np.float32)
    plane_G2 = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    inputs_42, targets_4 = corners()
    arrays = {"side": side, "inputs": inputs_42, "targets": targets_4}
    for name, wanted in (("solved", 1.0), ("failed", 0.0)):
        losses_JS = np.where(found["solved"] == wanted, found["losses"][..., -1], np.inf)
        place = np.unravel_index(np.argmin(losses_JS), losses_JS.shape)
        if np.isfinite(losses_JS[place]):
            outputs_FGG, hidden_FHGG = jax.device_get(over_plane(network, found["weights"][place], plane_G2))
            arrays[f"{name}_output"], arrays[f"{name}_hidden"] = outputs_FGG[-1], hidden_FHGG[-1]
            arrays[f"{name}_loss"] = losses_JS[place]
            if name == "solved":
                arrays["frames_steps"] = steps_F
                arrays["frames_output"] = outputs_FGG.astype(np.float16)  # half the file; a picture needs no more
                arrays["frames_hidden"] = hidden_FHGG.astype(np.float16)
    return arrays


@partial(jax.jit, static_argnums=0)
def over_plane(network: Network, weights_FW: Array, plane_G2: Array) -> tuple[Array, Array]:
    """Outputs (F, GRID, GRID) and hidden units (F, H, GRID, GRID) of a network on its way."""

    def look(weights_W: Array) -> tuple[Array, Array]:
        params = network.unravel(weights_W)
        (hidden_GH,) = hidden_activations(network.model, params, plane_G2)
        outputs_G = sigmoid(jnp.asarray(network.model.apply({"params": params}, plane_G2))[:, 0])
        return outputs_G.reshape(GRID, GRID), hidden_GH.T.reshape(-1, GRID, GRID)

    return jax.vmap(look)(weights_FW)


STUDY = Study(
    run,
    settings={
        "widths": "[1, 64]",
        "init_scales": "(0, 100]",
        "learning_rate": "(0, inf)",
        "momentum": "[0, 1)",
        "steps": "[1, 100000]",
    },
    columns=("solved", "right", "loss"),
    figures=("xor",),
    check=lambda config: check_whole(config, "widths"),
)
