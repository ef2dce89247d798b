"""How much of the end of a sequence reaches its beginning: the gradient by lag, for each cell (F114).

A random cell reads noise. The gradient of a random projection of its last state is taken with respect to every earlier
state. Its length, relative to that at the last step, is what training would see of an event `lag` steps ago.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, keys_of, make_rows, seeds_of
from nn_core.models.recurrent.cells import Carry, cell_step, find_cell, zero_carry
from nn_core.models.recurrent.layers import gate_bias, orthogonal_gates

LAGS = (10, 30, 90)  # lags in the table; sequences are longer than the last one
GATED = {"LSTM": "lstm", "GRU": "gru"}


def variants(task: ConfigDict) -> dict[str, tuple[str, float, float]]:
    """Label -> (cell, factor on the orthogonal recurrent weights, start of the gate that keeps the state)."""
    plain = {f"vanilla: weights x {scale:g}": ("vanilla", scale, 0.0) for scale in task.scales}
    gated = {f"{name}: bias {bias:.3g}": (cell, 1.0, bias) for name, cell in GATED.items() for bias in task.biases}
    return plain | gated


def norms_by_lag(task: ConfigDict, cell_name: str, scale: float, bias: float, key: Array) -> Array:
    """Length of the gradient at each state, by lag 0 .. steps - 1, mean over the examples, 1 at lag 0: (steps,)."""
    cell = find_cell(cell_name)
    gates = cell.num_gates * task.features
    kernel_key, input_key, noise_key, direction_key = jax.random.split(key, 4)
    kernel_HG = scale * orthogonal_gates(cell.num_gates)(kernel_key, (task.features, gates))
    weights_DG = jax.random.normal(input_key, (task.inputs, gates)) / jnp.sqrt(task.inputs)
    noise_TBD = task.input_size * jax.random.normal(noise_key, (task.steps, task.sequences, task.inputs))
    direction_H = jax.random.normal(direction_key, (task.features,))
    projected_TBG = noise_TBD @ weights_DG + gate_bias(cell_name, bias)(key, (gates,))[None, None]

    def last(added_T: Carry) -> Array:
        def step(carry: Carry, xs: tuple[Array, Carry]) -> tuple[Carry, None]:
            projected_BG, added = xs
            return tuple(
                a + b for a, b in zip(cell_step(cell, kernel_HG, carry, projected_BG), added, strict=True)
            ), None

        start = zero_carry(cell, task.sequences, task.features)
        return jnp.sum(lax.scan(step, start, (projected_TBG, added_T))[0][0] @ direction_H)

    zeros = zero_carry(cell, task.sequences, task.features)
    gradients = jax.grad(last)(tuple(jnp.zeros((task.steps, *state.shape)) for state in zeros))
    squares_TB = sum(jnp.sum(gradient_TBH**2, axis=-1) for gradient_TBH in gradients)
    lengths_TB = jnp.sqrt(squares_TB)
    return jnp.mean(lengths_TB / lengths_TB[-1:], axis=1)[::-1]


def run(config: ConfigDict) -> Outcome:
    """Every variant with every seed."""
    rows: list[Row] = []
    arrays: dict[str, np.ndarray] = {}
    for name, variant in variants(config.task).items():
        norms_ST = np.asarray(compiled(jax.vmap(partial(norms_by_lag, config.task, *variant)))(keys_of(config)))
        arrays[name] = norms_ST
        columns = {f"lag_{lag}": np.log10(norms_ST[:, lag] + np.finfo(np.float32).tiny) for lag in LAGS}
        rows += make_rows(name, seeds_of(config), **columns)
    return Outcome(rows, arrays)


STUDY = Study(
    run,
    settings={
        "features": "[1, 4096]",
        "inputs": "[-100, 100]",
        "input_size": "[0, 100]",
        "steps": "[1, 100000]",
        "sequences": "[1, 100000]",
        "scales": "(0, 100]",
        "biases": "[-100, 100]",
    },
    columns=tuple(f"lag_{lag}" for lag in LAGS),
    figures=("gradient_by_lag",),
)
